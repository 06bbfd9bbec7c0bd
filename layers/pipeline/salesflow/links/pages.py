"""The plain pages and answers behind links: nothing runs in them, nothing is fetched, nothing is kept. Pure.

One page serves all: a headline, lines, small tables, and buttons that each post one word. What is refused looks the same
whatever was wrong, and names no shop.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from salesflow.language import Language, words
from salesflow.reports.html.page import digest_of, style_sheet

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Strict-Transport-Security": "max-age=31536000",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of a page: rows of a label and a text, then lines, then buttons: the word that each posts, and what it says."""

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows. shop: its name, "" where it has none, or where nothing of it is to be shown."""

    shop: str
    title: str
    headline: str
    lines: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of HTTP."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_lambda(self, *, with_body: bool = True) -> dict[str, Any]:
        """The answer as a function URL takes it (payload format 2.0)."""
        return {
            "statusCode": self.status,
            "headers": {**_HEADERS, **self.headers},
            "body": self.body if with_body else "",
            "isBase64Encoded": False,
        }


def shown(page: Page, language: Language, *, status: int = 200) -> Answer:
    """The answer that shows a page."""
    style = _style()
    _ = words(language)
    html = _templates().get_template("page.html.j2").render(page=page, style=Markup(style), language=language, _=_)  # noqa: S704 - our own file
    return _html(html, style, status, "form-action 'self'")


def stored_page(html: str) -> Answer:
    """The answer that shows a page of ours that is kept in the bucket; its script stays where it is and does not run."""
    return _html(html, style_sheet(), 200, "form-action 'none'")


def sent_on(address: str) -> Answer:
    """The answer that sends a browser on."""
    return Answer(303, "", {"Location": address})


def refused(language: Language) -> Answer:
    """The one answer to every link that is not good, whatever is wrong with it."""
    _ = words(language)
    page = Page(
        "",
        _("Link"),
        _("This link is not good any more."),
        (
            _(
                "Links in mails are good for some weeks. Open the newest mail, or ask whoever has the reports sent to you."
            ),
        ),
    )
    return shown(page, language, status=404)


def failed(language: Language) -> Answer:
    """The answer where something is out of order on our side."""
    _ = words(language)
    return shown(
        Page("", _("Link"), _("This does not work right now. Try again in a few minutes.")), language, status=503
    )


def _html(html: str, style: str, status: int, forms: str) -> Answer:
    policy = f"default-src 'none'; style-src '{digest_of(style)}'; img-src data:; base-uri 'none'; frame-ancestors 'none'; {forms}"
    return Answer(status, html, {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy})


@cache
def _templates() -> Environment:
    return Environment(
        loader=ChoiceLoader([PackageLoader("salesflow.links"), PackageLoader("salesflow.reports.html")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    """The style sheet of all our pages, and what buttons look like."""
    return style_sheet() + _templates().get_template("link.css.j2").render()
