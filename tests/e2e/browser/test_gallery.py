"""The pictures of a run that people look at: the page to print, the mail and each sheet, with everything in them. Kept in .build/screenshots."""

import os
import shutil
import subprocess
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser

from salesflow.analytics.results import ReportContent
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.reports import render
from salesflow.windows import Period
from tests.e2e.browser.looking import SCHEMES, fonts, opened
from tests.unit.reports.hard import HARD
from tests.unit.reports.samples import mail_of
from tests.unit.reports.whole import whole_content

PRICES = {"CNY": 1_250, "CDF": 1_250_000, "KWD": 1_250}
REPORTS = (
    ("sales", Period.DAILY, 0.6),
    ("combined", Period.WEEKLY, 1.0),
    ("sales", Period.MONTHLY, 1.4),
    ("stock", Period.DAILY, 1.0),
    ("combined", Period.QUARTERLY, 1.0),
)
PAGES = {
    ("sales", Period.DAILY): 1,
    ("combined", Period.WEEKLY): 2,
    ("sales", Period.MONTHLY): 2,
    ("stock", Period.DAILY): 1,
    ("combined", Period.QUARTERLY): 2,
}
BOOKS = {Period.DAILY: Language.EN, Period.MONTHLY: Language.FR}
SMALL = 1.1
CUT = """() => [...document.querySelectorAll(".scroll")].flatMap((box) => {
  const edge = (row) => [...row.cells].filter((cell) => cell.offsetWidth).at(-1);
  const aside = [...box.querySelectorAll("tr")].filter((row) => parseFloat(getComputedStyle(edge(row)).paddingRight));
  return box.scrollWidth > box.clientWidth || aside.length ? [box.getAttribute("aria-label")] : [];
}).filter(Boolean)"""
"""The tables that are wider than the page, or whose last column that is shown does not end where the table does."""


def whole(kind: str, period: Period, factor: float, language: Language, currency: str) -> ReportContent:
    """A report with all its parts, in a language and a currency."""
    price = PRICES[currency]
    return whole_content(kind, period, currency=currency, language=language, price=price, day_factor=factor)


def pictured(data: bytes, place: Path, name: str) -> int:
    """Keep each page of a PDF file as a picture; answers how many they are."""
    pages = pypdfium2.PdfDocument(data)
    for n, page in enumerate(pages, start=1):
        page.render(scale=SMALL).to_pil().save(place / f"{name}-{n}.png", compress_level=1)
    return len(pages)


@pytest.mark.parametrize("language", Language)
def test_the_page_to_print_in_every_language_and_three_currencies(language: Language, screenshots: Path) -> None:
    for n, (kind, period, factor) in enumerate(REPORTS):
        currency = list(PRICES)[(list(Language).index(language) + n) % len(PRICES)]
        data = render(whole(kind, period, factor, language, currency), Format.PDF, language=language)
        made = pictured(data, screenshots, f"page-{kind}-{period}-{language}-{currency}")
        assert made == PAGES[kind, period]


@pytest.mark.parametrize("language", Language)
def test_the_mail_in_every_language(browser: Browser, language: Language, screenshots: Path) -> None:
    currency = list(PRICES)[list(Language).index(language) % len(PRICES)]
    html = mail_of(whole("sales", Period.DAILY, 0.6, language, currency), language=language).html.encode()
    for scheme in SCHEMES:
        with opened(browser, html, scheme) as seen:
            for width in (360, 600):
                seen.widen(width)
                seen.picture(screenshots / f"mail-{language}-{currency}-{width}-{scheme}.png")
                assert [*seen.beyond(), *seen.noise, *seen.requests] == []


@pytest.mark.parametrize("language", Language)
def test_the_screen_in_every_language(browser: Browser, language: Language, screenshots: Path) -> None:
    n = list(Language).index(language)
    for currency in {"CDF", list(PRICES)[n % len(PRICES)]}:
        html = render(whole("combined", Period.WEEKLY, 1.0, language, currency), Format.HTML, language=language)
        with opened(browser, html, ("light", "dark")[n % 2]) as seen:
            for width in (360, 768, 1280):
                seen.widen(width)
                seen.picture(screenshots / f"screen-{language}-{currency}-{width}.png")
                wrong = [*seen.beyond(), *seen.noise, *seen.requests, *seen.page.evaluate(CUT)]
                assert wrong == [], f"{currency}, {width} px"


@pytest.mark.parametrize("shop", HARD)
def test_the_page_and_the_mail_of_a_shop_at_its_limits(browser: Browser, shop: str, screenshots: Path) -> None:
    language = list(Language)[list(HARD).index(shop) % len(Language)]
    content, name = HARD[shop](language=language), f"hard-{shop.replace(' ', '-')}-{language}"
    assert pictured(render(content, Format.PDF, language=language), screenshots, name) == 1
    with opened(browser, mail_of(content, language=language).html.encode(), "dark", width=360) as seen:
        seen.picture(screenshots / f"{name}-mail.png")
        assert [*seen.beyond(), *seen.noise, *seen.requests] == []


@pytest.fixture(scope="module")
def books_on_paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbooks as LibreOffice prints them, all in one start."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("no LibreOffice on this machine: apt-get install libreoffice-calc-nogui")
    place = tmp_path_factory.mktemp("books")
    for period, language in BOOKS.items():
        content = whole("combined", period, 0.6, language, "CNY")
        (place / f"{period}.xlsx").write_bytes(render(content, Format.EXCEL, language=language))
    profile = f"-env:UserInstallation={(place / 'profile').as_uri()}"
    command = [
        soffice,
        "--headless",
        profile,
        "--convert-to",
        "pdf",
        "--outdir",
        str(place),
        *map(str, place.glob("*.xlsx")),
    ]
    letters = {**os.environ, "FONTCONFIG_FILE": fonts(place)}
    subprocess.run(command, check=True, capture_output=True, timeout=240, env=letters)
    return place


@pytest.mark.parametrize("period", BOOKS)
def test_each_sheet_of_the_workbook(period: Period, books_on_paper: Path, screenshots: Path) -> None:
    data = (books_on_paper / f"{period}.pdf").read_bytes()
    assert pictured(data, screenshots, f"sheet-{period}-{BOOKS[period]}") >= 10
