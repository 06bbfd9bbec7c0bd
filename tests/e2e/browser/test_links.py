"""From a mail to the report, to quiet, to stop and back, in a real browser without scripts, on a phone and in five languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from salesflow.language import Language
from salesflow.links.pages import refused
from tests.e2e.browser.looking import opened, tab
from tests.integration.links.running import STOP, WHY, Linked, linked_shop, links_of

PHONE = 360


@pytest.fixture(scope="module")
def linked() -> Iterator[Linked]:
    """A shop whose mails hold links."""
    with linked_shop() as running:
        yield running


@pytest.fixture
def phone(browser: Browser) -> Page:
    """A phone's browser, without scripts."""
    page = tab(browser, scripts=False)
    page.emulate_media(media="screen", color_scheme="light")
    page.set_viewport_size({"width": PHONE, "height": 740})
    return page


def test_a_reader_goes_from_the_mail_to_the_report_to_quiet_to_stop_and_back(
    linked: Linked,
    phone: Page,
    screenshots: Path,
) -> None:
    report, alert = linked.mails()
    opening = phone.goto(links_of(report)["Open the HTML"])
    assert opening is not None
    assert opening.status == 200
    assert "/reports/sales/daily/2026-06-30/" in phone.url
    assert "Sales" in phone.title()

    phone.goto(links_of(report)["All reports"])
    phone.get_by_role("link", name="HTML").first.click()
    assert "/reports/sales/daily/2026-06-30/" in phone.url

    phone.goto(links_of(alert)[WHY])
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE
    phone.screenshot(path=screenshots / f"link-why-{PHONE}.png", full_page=True)
    phone.get_by_role("button", name="Quiet for two weeks").click()
    assert "Nothing is mailed about it until" in phone.content()
    phone.get_by_role("button", name="Tell me again").click()
    assert phone.get_by_role("button", name="Quiet for good").is_visible()

    phone.goto(links_of(report)[STOP])
    phone.get_by_role("button", name="Stop these mails").first.click()
    assert phone.get_by_role("heading", level=1).inner_text() == "You get no reports by mail any more."
    phone.screenshot(path=screenshots / f"link-stopped-{PHONE}.png", full_page=True)
    assert linked.stopped() == [["reports"]], "what a run obeys stands in integration/links"
    phone.get_by_role("button", name="Send them to me again").click()
    assert phone.get_by_role("heading", level=1).inner_text() == "You get reports by mail."
    assert linked.stopped() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_read_by_everybody(linked: Linked, browser: Browser, scheme: str) -> None:
    report, alert = linked.mails()[:2]
    for address in (links_of(alert)[WHY], links_of(report)[STOP]):
        html = linked.ask("GET", address).body.encode()
        with opened(browser, html, "dark" if scheme == "dark" else "light", width=PHONE) as seen:
            assert [*seen.beyond(), *seen.violations(), *seen.noise, *seen.requests] == []


def test_mails_with_links_fit_a_phone(linked: Linked, browser: Browser, screenshots: Path) -> None:
    for name, mail in zip(("report", "alert"), linked.mails()[:2], strict=True):
        html = mail.message.get_body(("html",))
        assert html is not None
        with opened(browser, str(html.get_content()).encode(), width=PHONE) as seen:
            seen.picture(screenshots / f"link-mail-{name}-{PHONE}.png")
            assert [*seen.beyond(), *seen.violations(mail=True), *seen.noise, *seen.requests] == []


@pytest.mark.parametrize("language", Language)
def test_a_refusal_fits_a_phone_in_every_language(browser: Browser, language: Language) -> None:
    with opened(browser, refused(language).body.encode(), width=PHONE) as seen:
        assert [*seen.beyond(), *seen.violations(), *seen.noise, *seen.requests] == []
