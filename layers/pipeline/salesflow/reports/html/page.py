"""What our HTML pages share: the templates, one style sheet, and a policy under which nothing but our own script runs.

A page holds everything that it needs. Its Content-Security-Policy names its style sheet and its script by their SHA-256, so that
no markup in a product's name could ever run, load or restyle anything, even if it were not escaped (it is).
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from salesflow.reports.content.palette import DARK, LIGHT

_TEMPLATES: Final = "templates"


@dataclass(frozen=True, slots=True)
class Frame:
    """Style sheet, script and policy of a page, as the template prints them."""

    style: Markup
    script: Markup
    policy: str


@cache
def templates() -> Environment:
    """The templates of this package; what they print is escaped, and a name that they miss is an error."""
    return Environment(
        loader=PackageLoader("salesflow.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def frame(script: str) -> Frame:
    """The frame of the pages that run this script (a file of `templates/`), which adds comfort and nothing to read."""
    style = style_sheet()
    code = (files("salesflow.reports.html") / _TEMPLATES / script).read_text("utf-8")
    policy = (
        f"default-src 'none'; style-src '{digest_of(style)}'; script-src '{digest_of(code)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return Frame(Markup(style), Markup(code), policy)  # noqa: S704  # our own files, without a value of anybody's


@cache
def style_sheet() -> str:
    """The style sheet of all pages."""
    return templates().get_template("page.css.j2").render(light=LIGHT, dark=DARK)


def digest_of(text: str) -> str:
    """How a Content-Security-Policy names an inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
