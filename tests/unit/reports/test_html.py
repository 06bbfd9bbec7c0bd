"""The HTML report: one file, nothing run, nothing fetched, nothing of a product's name taken for markup."""

import re
from html.parser import HTMLParser

import pytest

from salesflow.reports.formats import Format
from tests.unit.reports.samples import all_samples, rendered


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
def test_nothing_is_run_or_fetched(name: str) -> None:
    page = page_of(name)
    assert not {"script", "link", "img", "iframe", "object", "form"} & {
        tag for tag, attributes in page.tags if attributes.get("href") != "data:,"
    }
    for tag, attributes in page.tags:
        for attribute, value in attributes.items():
            assert not attribute.startswith("on")
            if attribute in ("src", "href", "srcset", "action"):
                assert str(value).startswith("data:"), tag
    styles = re.findall(r"<style>(.*?)</style>", rendered(name, Format.HTML).decode(), re.DOTALL)
    assert not any("url(" in style or "@import" in style for style in styles)


def test_hostile_names_are_text() -> None:
    page = page_of("combined-weekly-40-scripts")
    text = "".join(page.text)
    assert "<b>bold</b> & <script>alert(1)</script>" in text
    assert "{{ 7 * 7 }} {% raw %}" in text
    assert "\u202e" not in text


def test_tables_and_charts_can_be_read_aloud() -> None:
    page = page_of("combined-weekly-40-scripts")
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.attributes("th"))
    drawings = page.attributes("svg")
    assert drawings
    assert all(drawing.get("role") == "img" and drawing.get("aria-label") for drawing in drawings)
    assert {"main", "header", "footer", "h1"} <= {tag for tag, _ in page.tags}
    assert page.attributes("html")[0]["lang"] == "en"


def test_the_numbers_of_each_chart_are_there() -> None:
    text = "".join(page_of("sales-daily").text)
    content = all_samples()["sales-daily"]
    assert content.sales is not None
    assert "Numbers: by hour of the day" in text
    assert "CN¥3,387.87" in text  # the day before, in the numbers of the daily series


def test_a_long_table_is_cut_and_says_so() -> None:
    text = "".join(page_of("combined-10000").text)
    assert "The first 100 of 10,000 products" in text
