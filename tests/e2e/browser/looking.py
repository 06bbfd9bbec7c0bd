"""How a page is looked at: opened from one address, with every other request refused and noted, at several widths."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, Route, sync_playwright
from salesflow_fonts import FONT_DIRECTORY

type Scheme = Literal["light", "dark"]

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ADDRESS = "https://page.example/index.html"
HEIGHT = 900
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

_BEYOND = """() => {
  const room = document.documentElement.clientWidth;
  const scrolls = (element) => element && (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
  const found = [];
  if (document.documentElement.scrollWidth > room) found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest(".hidden, details:not([open]) > :not(summary)")) continue;
    const box = element.getBoundingClientRect();
    if (box.width && (box.right > room + 0.5 || box.left < -0.5) && !scrolls(element.parentElement))
      found.push(`<${element.tagName.toLowerCase()}> "${element.textContent.trim().slice(0, 40)}" from ${box.left} to ${box.right}`);
  }
  return found.slice(0, 10);
}"""
_AUDIT = """(tags) => axe.run(document, { resultTypes: ["violations"], ...(tags && { runOnly: { type: "tag", values: tags } }) })
  .then((result) => result.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`))"""


def chromium() -> str | None:
    """The path of this machine's Chromium or Chrome, None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def fonts(folder: Path) -> str:
    """A configuration that adds the PDF's own fonts to the machine's: a reader's phone has letters of every script, a server has not."""
    config = folder / "fonts.conf"
    config.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        '<include ignore_missing="yes">/etc/fonts/fonts.conf</include>'
        f"<dir>{FONT_DIRECTORY}</dir><cachedir>{folder}</cachedir></fontconfig>"
    )
    return str(config)


@contextmanager
def running(path: str) -> Iterator[Browser]:
    """That Chromium, with the letters that a reader's device has."""
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        variables: dict[str, str | float | bool] = {**os.environ, "FONTCONFIG_FILE": fonts(Path(folder))}
        browser = playwright.chromium.launch(executable_path=path, args=list(SWITCHES), env=variables)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page in the browser. noise: what it wrote to the console; requests: what it asked for from elsewhere."""

    page: Page
    noise: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def widen(self, width: int) -> None:
        """Give the page that many pixels."""
        self.page.set_viewport_size({"width": width, "height": HEIGHT})

    def unfold(self) -> None:
        """Open whatever can be unfolded."""
        self.page.evaluate("() => document.querySelectorAll('details').forEach((details) => { details.open = true; })")

    def beyond(self) -> list[str]:
        """What reaches beyond the page's sides, outside of what is meant to be scrolled."""
        return list(self.page.evaluate(_BEYOND))

    def violations(self, *, mail: bool = False) -> list[str]:
        """What axe finds. A mail is judged by WCAG 2.2 A and AA alone: landmarks are not a mail's."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(_AXE)
        return list(self.page.evaluate(_AUDIT, _WCAG if mail else None))

    def picture(self, path: Path) -> None:
        """Keep what the page looks like."""
        self.page.screenshot(path=path, full_page=True)


@contextmanager
def opened(
    browser: Browser, html: bytes, scheme: Scheme = "light", *, width: int = 1280, scripts: bool = True, **more: Any
) -> Iterator[Opened]:
    """The page of these bytes, in a browser of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        color_scheme=scheme,
        java_script_enabled=scripts,
        reduced_motion="reduce",
        **more,
    )
    seen = Opened(context.new_page())

    def answer(route: Route) -> None:
        if route.request.url == ADDRESS:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        else:
            seen.requests.append(route.request.url)
            route.abort()

    def hear(message: ConsoleMessage) -> None:
        seen.noise.append(f"{message.type}: {message.text}")

    context.route("**/*", answer)
    seen.page.on("console", hear)
    seen.page.on("pageerror", lambda error: seen.noise.append(str(error)))
    try:
        seen.page.goto(ADDRESS)
        yield seen
    finally:
        context.close()
