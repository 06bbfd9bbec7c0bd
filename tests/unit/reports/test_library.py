"""The library page: everything that there is and how it came to be, under links that work below it."""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from salesflow.analytics.results import UnusualFinding
from salesflow.delivery.integrity import check_opens
from salesflow.formats import Format, ReportType
from salesflow.language import Language
from salesflow.library.model import Library
from salesflow.library.page import MOST_ANOMALIES, render_library
from salesflow.windows import Period
from tests.unit.reports.shelves import EMPTY, NEWEST, ended, make_library, stored
from tests.unit.reports.test_html import Page


def rendered(library: Library, language: Language = Language.EN) -> str:
    page = render_library(library, currency="CNY", language=language, zone=ZoneInfo("Asia/Shanghai"))
    check_opens(Format.HTML, page)
    return page.decode()


def test_the_page_bears_the_shop_s_name() -> None:
    page = render_library(
        make_library(), currency="CNY", language=Language.EN, zone=ZoneInfo("Asia/Shanghai"), shop="Chez <Ali> & Co"
    ).decode()
    assert "<title>Chez &lt;Ali&gt; &amp; Co: Reports</title>" in page
    assert ">Chez &lt;Ali&gt; &amp; Co</strong>" in page


def rows(html: str) -> list[str]:
    """The text of each row of every table."""
    found = re.findall(r"<tr[ >].*?</tr>", html, re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in found]


def test_each_report_stands_on_its_date_with_its_formats_and_how_its_run_ended() -> None:
    lines = rows(rendered(make_library()))
    assert "22 Nov 2026 Sales, daily Done PDF HTML" in lines
    assert "22 Nov 2026 Stock, daily Done Excel" in lines
    assert "22 Nov 2026 Sales and stock, weekly – PDF Excel" in lines, "a file whose run is too long ago to be known"
    assert "1 Nov 2026 Sales and stock, monthly – PDF Excel HTML CSV Parquet JSON" in lines
    shown = [line for line in lines if "Sales, daily" in line]
    assert len(shown) == 120
    assert shown[0].startswith("22 Nov 2026")


def test_a_run_that_made_no_file_stands_there_with_its_reason() -> None:
    html = rendered(make_library())
    assert any(
        line.startswith("20 Nov 2026 Sales and stock, weekly Failed s3://reports/x could not be written")
        for line in rows(html)
    )
    assert "&lt;b&gt;Check&lt;/b&gt; the bucket" in html
    assert "20 Nov 2026 Stock, weekly Nothing to report The source lists no product." in rows(html)


def test_the_worst_of_several_runs_for_one_report_is_told() -> None:
    library = Library(
        tuple(stored(ReportType.SALES, Period.DAILY, NEWEST, Format.PDF)),
        (ended("report/sales/daily/pdf", NEWEST), ended("report/sales/daily/excel", NEWEST, "FAILED", "No token.")),
    )
    assert "22 Nov 2026 Sales, daily Failed No token. PDF" in rows(rendered(library))


def test_other_jobs_say_what_they_looked_at() -> None:
    lines = rows(rendered(make_library()))
    assert "22 Nov 2026 Anomaly check Done 23 Nov 2026, 07:04" in lines
    assert any("Anomaly check of one product: A-1 Data too old" in line for line in lines)
    assert len([line for line in lines if "Reading the sales" in line]) == 14, (
        "older ones only where they are in trouble"
    )


def test_every_link_is_relative_and_leads_to_a_file_of_the_listing() -> None:
    library = make_library()
    links = [a["href"] for a in Page(rendered(library)).attributes("a")]
    assert set(links) == {file.path for file in library.files}
    newest = {(file.report_type, file.period): file.business_date for file in reversed(library.files)}
    twice = [file.path for file in library.files if newest[file.report_type, file.period] == file.business_date]
    assert Counter(links) == Counter([*(file.path for file in library.files), *twice])


def test_open_anomalies_stand_there_the_severe_ones_first() -> None:
    html = rendered(make_library())
    found = [line for line in rows(html) if line.endswith(("High", "Medium"))]
    assert [line[:11].strip() for line in found] == ["22 Nov 2026", "21 Nov 2026", "13 Nov 2026"]
    assert found[0].endswith("High")
    assert "Café &lt;crème&gt; &amp; thé" in html
    many = tuple(UnusualFinding(NEWEST - timedelta(days=n), "DROP", f"Finding {n}", is_high=False) for n in range(80))
    cut = rendered(replace(make_library(), anomalies=many))
    assert len([line for line in rows(cut) if line.endswith("Medium")]) == MOST_ANOMALIES
    assert "30 more are open" in cut


def test_a_fresh_stack_has_a_page_that_says_so() -> None:
    html = rendered(EMPTY)
    assert "There is no report yet." in html
    assert "No day has been checked for anomalies yet." in html


def test_it_says_how_far_back_it_goes_and_when_it_is_not_whole() -> None:
    html = rendered(replace(make_library(), is_whole=False))
    assert "<dt>Reports since</dt><dd>26 Jul 2026</dd>" in html
    assert "<dt>Last run ended</dt><dd>23 Nov 2026, 07:04</dd>" in html
    assert "There are more files than could be listed" in html
    assert "There are more files" not in rendered(make_library())


def test_the_same_library_gives_the_same_bytes_in_whatever_order_it_was_found() -> None:
    library = make_library()
    turned = replace(library, files=library.files[::-1], runs=library.runs[::-1], anomalies=library.anomalies[::-1])
    assert rendered(turned) == rendered(library)


@pytest.mark.parametrize("language", Language)
def test_it_speaks_the_merchants_language(language: Language) -> None:
    html = rendered(make_library(), language)
    assert f'<html lang="{language.tag}">' in html
    assert ("Open anomalies" in html) == (language is Language.EN)


def test_nothing_runs_but_the_script_that_the_policy_names() -> None:
    html = rendered(make_library())
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in policy
    assert "default-src &#39;none&#39;" in policy


def test_a_page_of_four_hundred_dates_stays_small() -> None:
    assert len(rendered(make_library(400))) < 400_000
