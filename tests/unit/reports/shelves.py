"""Libraries as the keeper finds them, for the page's tests: of a shop with some history, and the edges."""

from datetime import UTC, date, datetime, timedelta

from salesflow.analytics.results import UnusualFinding
from salesflow.formats import Format, ReportType
from salesflow.library.model import EndedRun, Library, StoredFile
from salesflow.windows import Period

NEWEST = date(2026, 11, 22)


def stored(report_type: ReportType, period: Period, day: date, *formats: Format) -> list[StoredFile]:
    """A report's files on a date."""
    place = f"{report_type}/{period}/{day}/{report_type}-{period}-{day}"
    return [StoredFile(report_type, period, day, fmt, f"{place}.{fmt.extension}") for fmt in formats]


def ended(
    identity: str, day: date, status: str = "SUCCEEDED", reason: str = "Made pdf; 2 recipients told."
) -> EndedRun:
    """A run that ended the morning after its date."""
    at = datetime(day.year, day.month, day.day, 23, 4, 31, tzinfo=UTC)
    return EndedRun(identity.partition("/")[0].partition("@")[0], identity, day, status, reason, at)


def make_library(days: int = 120) -> Library:
    """A shop that has run for some months, with troubles and open anomalies."""
    dates = [NEWEST - timedelta(days=back) for back in range(days)]
    files, runs = [], []
    for day in dates:
        files += stored(ReportType.SALES, Period.DAILY, day, Format.PDF, Format.HTML)
        files += stored(ReportType.STOCK, Period.DAILY, day, Format.EXCEL)
        if day.weekday() == 6:
            files += stored(ReportType.COMBINED, Period.WEEKLY, day, Format.PDF, Format.EXCEL)
        if day.day == 1:
            files += stored(ReportType.COMBINED, Period.MONTHLY, day, *Format)
    for day in dates[:60]:
        runs += [
            ended("report/sales/daily/html+pdf", day),
            ended("report/stock/daily/excel", day),
            ended("sync_history@2026-11-22T16:30Z", day, reason="Read 212 lines."),
            ended("forecast", day),
            ended("anomaly_check/GLOBAL/daily", day),
            ended("anomaly_check/PRODUCT/daily", day),
        ]
    troubled = NEWEST - timedelta(days=2)
    refused = "s3://reports/x could not be written: AccessDenied. <b>Check</b> the bucket's name & the function's role."
    runs.append(ended("report/combined/weekly/excel+pdf", troubled, "FAILED", refused))
    runs.append(ended("report/sales/quarterly/pdf", troubled, "PARTIAL", "3 records of the source could not be used."))
    runs.append(ended("report/stock/weekly/excel", troubled, "SKIPPED_EMPTY", "The source lists no product."))
    runs.append(ended("anomaly_check/PRODUCT/sku=A-1/daily", troubled, "SKIPPED_STALE", "The newest sale is of 1 Nov."))
    anomalies = (
        UnusualFinding(NEWEST, "DROP", "Sales were ¥812.40: 65% below the usual ¥2,321.10 for a Sunday.", is_high=True),
        UnusualFinding(
            NEWEST - timedelta(days=9),
            "STOPPED_SELLING",
            "Café <crème> & thé vert à la menthe, moulu pour cafetière à piston, paquet de 250 grammes (SKU-00012): "
            "nothing was sold in 9 days; 4 pieces a day are usual.",
            is_high=False,
        ),
        UnusualFinding(
            NEWEST - timedelta(days=1),
            "HIGH_SPIKE",
            "\u2068חלב טרי 3%\u2069: 12 pieces were sold, 3 are usual.",
            is_high=False,
        ),
    )
    return Library(tuple(files), tuple(runs), anomalies, dates[-1], NEWEST)


EMPTY = Library(())
