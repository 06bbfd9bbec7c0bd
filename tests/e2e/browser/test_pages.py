"""Reports, library and mails in a real browser: nothing beyond the sides, nothing to complain of, nothing fetched, axe content."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser.looking import SCHEMES, Scheme, opened
from tests.e2e.browser.shown import shown

PAGES = ("report:combined-weekly-40-scripts", "library:en")
HARD = (
    "report:combined-10-digits",
    "report:combined-empty-first-day",
    "report:sales-returns-above",
    "report in:fr",
    "report mail:combined-10-digits",
    "library:",
    "library:sw",
)
MAILS = ("report mail:combined-weekly-40-scripts", "alert mail:", "owner notice:")
WIDTHS = (360, 768, 1280)


def looked_at(
    browser: Browser, screenshots: Path, name: str, scheme: Scheme, widths: tuple[int, ...], *, mail: bool = False
) -> list[str]:
    """Everything that is wrong with a page at these widths; with colours and names, at the narrowest and the widest."""
    wrong = []
    with opened(browser, shown(name), scheme) as seen:
        for width in widths:
            seen.widen(width)
            judged = [] if width in widths[1:-1] else seen.violations(mail=mail)
            wrong += [f"{width} px: {what}" for what in (*seen.beyond(), *judged)]
            seen.picture(screenshots / f"{name.strip(':').replace(':', '-').replace(' ', '-')}-{width}-{scheme}.png")
        seen.widen(min(widths))
        seen.unfold()
        wrong += [f"{min(widths)} px, unfolded: {what}" for what in seen.beyond()]
        return wrong + seen.noise + seen.requests


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_is_quiet_and_can_be_read_by_everybody(
    browser: Browser, screenshots: Path, name: str, scheme: Scheme
) -> None:
    assert looked_at(browser, screenshots, name, scheme, WIDTHS) == []


@pytest.mark.parametrize("name", HARD)
def test_hard_cases_fit_too(browser: Browser, screenshots: Path, name: str) -> None:
    assert looked_at(browser, screenshots, name, "light", (320,), mail="mail" in name) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", MAILS)
def test_a_mail_fits_is_quiet_and_can_be_read_by_everybody(
    browser: Browser, screenshots: Path, name: str, scheme: Scheme
) -> None:
    assert looked_at(browser, screenshots, name, scheme, WIDTHS, mail=True) == []


def test_a_click_on_a_title_sorts_and_another_turns_the_order_round(browser: Browser) -> None:
    with opened(browser, shown("report:sales-daily")) as seen:
        table = seen.page.locator("table.sortable").first

        def column(n: int) -> list[str]:
            return table.locator(f"tbody tr > :nth-child({n})").all_inner_texts()

        as_written = column(3)
        table.get_by_role("button", name="Pieces").click()
        pieces = [int(text) for text in column(2)]
        assert pieces == sorted(pieces, reverse=True)
        assert table.locator("[aria-sort=descending]").inner_text().strip() == "Pieces"
        table.get_by_role("button", name="Pieces").click()
        assert [int(text) for text in column(2)] == sorted(pieces)
        table.get_by_role("button", name="Sales").click()
        assert column(3) == as_written, "what is money is sorted as money"
        assert seen.noise == []


def test_typing_narrows_the_library_down(browser: Browser) -> None:
    with opened(browser, shown("library:en")) as seen:
        field = seen.page.get_by_role("searchbox").first
        rows = seen.page.locator("section[aria-labelledby=reports] tbody tr")
        before = rows.count()
        field.fill("weekly EXCEL nov")
        left = rows.locator("visible=true")
        assert 0 < left.count() < 10
        assert all("weekly" in text for text in left.all_inner_texts())
        assert f"{left.count()} of {before} rows" in seen.page.get_by_role("status").first.inner_text()
        field.fill("2026-11-20")
        assert all("20 Nov 2026" in text for text in left.all_inner_texts())
        field.fill("")
        assert left.count() == before
        assert seen.noise == []


@pytest.mark.parametrize("name", ["report:sales-daily", "library:en"])
def test_everything_is_there_without_scripts(browser: Browser, name: str) -> None:
    with opened(browser, shown(name)) as seen:
        with_scripts = seen.page.locator("main td, main th").all_inner_texts()
    with opened(browser, shown(name), scripts=False) as seen:
        assert seen.page.locator("button, input").count() == 0
        assert seen.page.locator("main td, main th").all_inner_texts() == with_scripts


def test_a_hostile_name_is_not_run_though_it_were_markup(browser: Browser) -> None:
    """The policy holds even where an escape were forgotten: markup put into the page by hand runs nothing and loads nothing."""
    html = shown("report:sales-daily").replace(
        b"</main>",
        b"<script>document.title='run'</script><img src=https://elsewhere.example/x onerror=\"document.title='run'\"></main>",
    )
    with opened(browser, html) as seen:
        assert seen.page.title() == "Sales, Sunday, 22 November 2026"
        assert seen.requests == []


@pytest.mark.parametrize("name", ["report:combined-weekly-40-scripts", "library:en"])
def test_it_prints_in_ink_on_paper(browser: Browser, screenshots: Path, name: str) -> None:
    with opened(browser, shown(name), "dark") as seen:
        seen.page.emulate_media(media="print", color_scheme="dark")
        paper, ink = seen.page.evaluate(
            "() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.color] }"
        )
        assert paper == "rgb(255, 255, 255)"
        assert ink == "rgb(26, 31, 38)"
        assert not seen.page.locator("input, .jump").locator("visible=true").count()
        seen.page.pdf(path=screenshots / f"{name.replace(':', '-')}-printed.pdf", format="A4")
