"""Our mails against what mail clients can draw (`mail_css.toml`): nothing that a reader needs depends on what a client may not know."""

import re
import tomllib
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from salesflow.alerts.mail import compose_alert_mail
from tests.unit.alerts.test_mail import FACTS, slow_monday
from tests.unit.reports.test_mail import compose, owner_notice

CLIENTS = tomllib.loads(Path(__file__).with_name("mail_css.toml").read_text("utf-8"))


class _Styles(HTMLParser):
    """Elements and the declarations on them; and those of the style elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.inline: set[tuple[str, str, str]] = set()
        self.addresses: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attrs:
            if name == "style":
                for declaration in filter(str.strip, (value or "").split(";")):
                    prop, _, said = declaration.partition(":")
                    self.inline.add((tag, prop.strip(), said.strip()))
            elif name in ("src", "href", "background"):
                self.addresses.add(value or "")


@cache
def mails() -> dict[str, str]:
    return {
        "report": compose("combined-weekly-40-scripts").html,
        "link": compose("sales-daily", "link").html,
        "hard": compose("combined-10-digits").html,
        "alert": compose_alert_mail(slow_monday(), FACTS).html,
        "notice": owner_notice(
            ["Two schedules failed"], [("scheduled-sales-pdf", "It did not run."), ("What to do", "Look.")]
        ).html,
    }


MAILS = ("report", "link", "hard", "alert", "notice")


@pytest.mark.parametrize("name", MAILS)
def test_what_stands_on_the_elements_is_drawn_everywhere_or_can_be_missed(name: str) -> None:
    wrong = []
    for tag, prop, said in _Styles(mails()[name]).inline:
        everywhere = CLIENTS["everywhere"].get(prop)
        if everywhere is not None and ("on" not in everywhere or tag in everywhere["on"] or said.rstrip("px") == "0"):
            continue
        if prop in CLIENTS["enhancement"] and (prop != "display" or said == "none"):
            continue
        wrong.append(f"{prop}: {said} on <{tag}>")
    assert wrong == []


@pytest.mark.parametrize("name", MAILS)
def test_the_style_element_holds_only_what_can_be_missed(name: str) -> None:
    sheets = re.findall(r"<style>(.*?)</style>", mails()[name], re.DOTALL)
    used = {prop for sheet in sheets for prop in re.findall(r"([\w-]+)\s*:[^;{}]+[;}]", sheet)}
    assert used - CLIENTS["style"].keys() == set()
    assert all("url(" not in sheet and "@import" not in sheet for sheet in sheets)


@pytest.mark.parametrize("name", MAILS)
def test_mails_are_made_of_tables_and_fetch_nothing(name: str) -> None:
    found = _Styles(mails()[name])
    assert found.elements - set(CLIENTS["elements"]["allowed"]) == set()
    assert found.addresses == set(), "nothing to be blocked, nothing to be tracked by"
