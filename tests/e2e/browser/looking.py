"""How a page is looked at: opened from one address, with every other request refused and noted, at several widths."""

import os
import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Route, sync_playwright
from salesflow_fonts import FONT_DIRECTORY

type Scheme = Literal["light", "dark"]

SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu-compositing",
    "--renderer-process-limit=1",
    "--js-flags=--min-semi-space-size=64",  # axe makes much that is soon thrown away
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
        """Keep what the whole page looks like, packed loosely: that is quick."""
        session = self.page.context.new_cdp_session(self.page)
        taken = session.send("Page.captureScreenshot", {"captureBeyondViewport": True, "optimizeForSpeed": True})
        session.detach()
        path.write_bytes(b64decode(taken["data"]))


@cache
def tab(browser: Browser, *, scripts: bool = True) -> Page:
    """The one tab that shows every page, with scripts or without: a tab is a process, and costs more than a page."""
    context = browser.new_context(java_script_enabled=scripts, reduced_motion="reduce")
    return context.new_page()


@contextmanager
def opened(
    browser: Browser, html: bytes, scheme: Scheme = "light", *, width: int = 1280, scripts: bool = True
) -> Iterator[Opened]:
    """The page of these bytes; what is heard and asked for until the end is its own."""
    seen = Opened(tab(browser, scripts=scripts))

    def answer(route: Route) -> None:
        if route.request.url == ADDRESS:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        else:
            seen.requests.append(route.request.url)
            route.abort()

    def hear(message: ConsoleMessage) -> None:
        seen.noise.append(f"{message.type}: {message.text}")

    def hear_error(error: Error) -> None:
        seen.noise.append(str(error))

    page = seen.page
    page.route("**/*", answer)
    page.on("console", hear)
    page.on("pageerror", hear_error)
    try:
        page.emulate_media(media="screen", color_scheme=scheme)
        seen.widen(width)
        page.goto(ADDRESS)
        yield seen
    finally:
        page.remove_listener("console", hear)
        page.remove_listener("pageerror", hear_error)
        page.unroute_all()
