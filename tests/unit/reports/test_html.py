"""The HTML report: one file, nothing run but its own script, nothing fetched, nothing of a product's name taken for markup."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from salesflow.formats import Format
from salesflow.reports import render
from tests.unit.reports.samples import all_samples, rendered
from tests.unit.reports.whole import whole_content


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(name: str) -> Page:
    return Page(rendered(name, Format.HTML).decode())


@pytest.mark.parametrize("name", ["combined-weekly-40-scripts", "combined-hostile-notes", "sales-empty"])
def test_nothing_is_fetched_and_nothing_is_run_but_the_script_that_the_policy_names(name: str) -> None:
    html = rendered(name, Format.HTML).decode()
    page = Page(html)
    assert not {"img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        for attribute, value in attributes.items():
            assert not attribute.startswith("on"), "the policy would not run it"
            assert attribute != "style", "the policy would not apply it"
            if attribute in ("src", "href", "srcset", "action"):
                assert str(value).startswith(("data:", "#")), tag
    (policy,) = (a["content"] for a in page.attributes("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
        assert "url(" not in text
        assert "@import" not in text


def test_hostile_names_are_text() -> None:
    page = page_of("combined-weekly-40-scripts")
    text = "".join(page.text)
    assert "<b>bold</b> & <script>alert(1)</script>" in text
    assert "{{ 7 * 7 }} {% raw %}" in text
    assert "\u202e" not in text


def test_tables_and_charts_can_be_read_aloud() -> None:
    page = page_of("combined-weekly-40-scripts")
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.attributes("th"))
    pictures = [drawing for drawing in page.attributes("svg") if drawing.get("role") == "img"]
    assert len(pictures) == 2
    assert all(picture.get("aria-label") for picture in pictures)
    assert re.search(
        "<caption[^>]*>Best sellers</caption>", rendered("combined-weekly-40-scripts", Format.HTML).decode()
    )
    assert {"main", "header", "footer", "h1"} <= {tag for tag, _ in page.tags}
    assert page.attributes("html")[0]["lang"] == "en"


def test_the_numbers_of_each_chart_are_there() -> None:
    text = "".join(page_of("sales-daily").text)
    content = all_samples()["sales-daily"]
    assert content.sales is not None
    assert "Numbers: By hour of the day" in text
    assert "3,387.87" in text  # the day before, in the numbers of the daily series


def test_cells_are_sorted_by_what_they_hold_and_not_by_how_it_is_printed() -> None:
    html = rendered("sales-daily", Format.HTML).decode()
    assert '<td class="n minor short" data-order="41">41</td>' in html
    assert '<td class="n short" data-order="55361">553.61</td>' in html
    days = re.findall(
        r'<th scope="row" data-order="(\d+)" class="short">', rendered("sales-monthly-40-scripts", Format.HTML).decode()
    )
    assert days
    assert days == sorted(days), "a day is no text"
    assert html.count('<table class="sortable">') == 1


def test_the_days_of_a_day_are_said_once_and_numbers_stay_on_their_line() -> None:
    html = rendered("sales-daily", Format.HTML).decode()
    assert "<dt>Days</dt>" not in html
    assert "<dt>Days</dt><dd>16–22 Nov 2026</dd>" in rendered("combined-weekly-40-scripts", Format.HTML).decode()
    assert "For 14\u00a0days" in render(whole_content("sales"), Format.HTML).decode()


def test_a_long_table_is_cut_and_says_so() -> None:
    text = "".join(page_of("combined-10000").text)
    assert "The first 100 of 9,885; the workbook holds all of them." in text
