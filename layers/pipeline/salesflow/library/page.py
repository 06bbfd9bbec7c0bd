"""The library page: which reports there are, how the runs ended, and which anomalies are open. Pure: entries in, one HTML file out.

The page stands as `reports/index.html` above the files that it lists, and links to them relatively. It reads whole without its
script, which only lets the reader narrow the tables down by typing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from salesflow.figures import MISSING, Figures, Kind, printable
from salesflow.formats import Format, ReportType
from salesflow.language import Language, Text, Words
from salesflow.library.model import BADNESS, TROUBLE, EndedRun, Library, StoredFile
from salesflow.mail_address import masked
from salesflow.reports.html.page import frame, templates
from salesflow.windows import Period

MOST_ANOMALIES: Final = 50
_WEEK: Final = timedelta(days=7)
_RECENT: Final = timedelta(days=14)


_REPORTS: Final = {
    (ReportType.SALES, Period.DAILY): Text("Sales, daily"),
    (ReportType.SALES, Period.WEEKLY): Text("Sales, weekly"),
    (ReportType.SALES, Period.MONTHLY): Text("Sales, monthly"),
    (ReportType.SALES, Period.QUARTERLY): Text("Sales, quarterly"),
    (ReportType.STOCK, Period.DAILY): Text("Stock, daily"),
    (ReportType.STOCK, Period.WEEKLY): Text("Stock, weekly"),
    (ReportType.STOCK, Period.MONTHLY): Text("Stock, monthly"),
    (ReportType.STOCK, Period.QUARTERLY): Text("Stock, quarterly"),
    (ReportType.COMBINED, Period.DAILY): Text("Sales and stock, daily"),
    (ReportType.COMBINED, Period.WEEKLY): Text("Sales and stock, weekly"),
    (ReportType.COMBINED, Period.MONTHLY): Text("Sales and stock, monthly"),
    (ReportType.COMBINED, Period.QUARTERLY): Text("Sales and stock, quarterly"),
}


@dataclass(frozen=True, slots=True)
class Ending:
    """A status as the page shows it; `reason` is the operator's, in English, empty where all went well."""

    text: str
    is_bad: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A report, or a run of another job, on a date: the date in words and in ISO, its name, how it ended; the report's files (label and
    address), or when the run was over."""

    day: str
    iso: str
    name: str
    ending: Ending
    links: tuple[tuple[str, str], ...] = ()
    finished: str = ""


@dataclass(slots=True)
class _Known:
    files: list[StoredFile] = field(default_factory=list)
    runs: list[EndedRun] = field(default_factory=list)


type _Key = tuple[date, ReportType, Period]


def render_library(library: Library, *, currency: str, language: Language, zone: ZoneInfo, shop: str = "") -> bytes:
    """The page as the bytes of an HTML file, UTF-8: the same entries give the same bytes. zone: of the moments on it; shop: its name."""
    figures = Figures(currency, language)
    page = (
        templates()
        .get_template("library.html.j2")
        .render(
            _=figures.words,
            language=language,
            shop=printable(shop),
            headline=_headline(library, figures),
            facts=_facts(library, figures),
            newest=_newest_of_each(library, figures),
            anomalies=_anomaly_rows(library, figures),
            anomaly_note=_anomaly_note(library, figures),
            reports=_report_lines(library, figures),
            runs=_run_lines(library, figures, zone),
            notes=_notes(library, figures, zone),
            frame=frame("library.js"),
        )
    )
    return page.encode("utf-8", "replace")


def _headline(library: Library, figures: Figures) -> str:
    _, newest = figures.words, library.newest
    if newest is None:
        return _("There is no report yet.")
    return _("The newest reports are of {day}.", day=figures.day_long(newest))


def _facts(library: Library, figures: Figures) -> tuple[tuple[str, str, bool], ...]:
    """What to know first: label, figure, and whether it is bad news."""
    _ = figures.words
    lately = max((run.business_date for run in library.runs), default=None)
    recent = [run for run in library.runs if lately is not None and run.business_date > lately - _WEEK]
    troubled = sum(run.in_trouble for run in recent)
    reports = {(file.business_date, file.report_type, file.period) for file in library.files}
    anomalies = figures.show(Kind.COUNT, len(library.anomalies)) if library.checked_on else MISSING
    return (
        (_("Reports on this page"), figures.show(Kind.COUNT, len(reports)), False),
        (_("Runs in the last 7 days"), figures.show(Kind.COUNT, len(recent)), False),
        (_("of these not complete"), figures.show(Kind.COUNT, troubled), troubled > 0),
        (_("Open anomalies"), anomalies, any(one.is_high for one in library.anomalies)),
    )


def _newest_of_each(
    library: Library, figures: Figures
) -> tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...]:
    """By report its name, its newest date in words and in ISO, and that date's files; an older file of another format is none of them."""
    newest: dict[tuple[ReportType, Period], date] = {}
    for file in library.files:
        kind = (file.report_type, file.period)
        newest[kind] = max(file.business_date, newest.get(kind, date.min))
    order = sorted(newest, key=lambda kind: (list(Period).index(kind[1]), list(ReportType).index(kind[0])))
    return tuple(
        (
            report_name(*kind, figures.words),
            figures.day(newest[kind]),
            newest[kind].isoformat(),
            _links(f for f in library.files if (f.report_type, f.period, f.business_date) == (*kind, newest[kind])),
        )
        for kind in order
    )


def _report_lines(library: Library, figures: Figures) -> tuple[Line, ...]:
    known: dict[_Key, _Known] = {}
    for file in library.files:
        known.setdefault((file.business_date, file.report_type, file.period), _Known()).files.append(file)
    for run in library.runs:
        key = _report_of(run)
        if key is not None:
            known.setdefault(key, _Known()).runs.append(run)
    lines = []
    for day, report_type, period in sorted(known, key=_newest_first):
        about = known[day, report_type, period]
        worst = min(about.runs, key=lambda run: (_badness(run.status), run.identity), default=None)
        lines.append(
            Line(
                figures.day(day),
                day.isoformat(),
                report_name(report_type, period, figures.words),
                Ending(MISSING) if worst is None else _ending(worst, figures.words),
                _links(about.files),
            )
        )
    return tuple(lines)


def _report_of(run: EndedRun) -> _Key | None:
    """The report that a run was to make; its identity is `report/{type}/{period}/{formats}`."""
    job, *parts = run.identity.split("/")
    if job != "report" or len(parts) < 2 or parts[0] not in ReportType or parts[1] not in Period:
        return None
    return run.business_date, ReportType(parts[0]), Period(parts[1])


def _newest_first(key: _Key) -> tuple[int, int, int]:
    day, report_type, period = key
    return -day.toordinal(), list(Period).index(period), list(ReportType).index(report_type)


def _run_lines(library: Library, figures: Figures, zone: ZoneInfo) -> tuple[Line, ...]:
    """The runs that make no report: those of the last days and all that are in trouble, the newest first."""
    others = [run for run in library.runs if _report_of(run) is None]
    newest = max((run.business_date for run in others), default=date.min)
    others = [run for run in others if run.in_trouble or newest - run.business_date < _RECENT]
    others.sort(key=lambda run: (run.business_date, run.finished_at, run.identity), reverse=True)
    return tuple(
        Line(
            figures.day(run.business_date),
            run.business_date.isoformat(),
            job_name(run, figures.words),
            _ending(run, figures.words),
            finished=figures.moment(run.finished_at.astimezone(zone)),
        )
        for run in others
    )


def _anomaly_rows(library: Library, figures: Figures) -> tuple[tuple[str, str, str, bool], ...]:
    """Since, what, how severe, and whether that is high; the severe ones first, then the newest."""
    _ = figures.words
    severity = {True: _("High"), False: _("Medium")}
    ordered = sorted(library.anomalies, key=lambda one: (not one.is_high, -one.since.toordinal(), one.text))
    return tuple(
        (figures.day(one.since), one.text, severity[one.is_high], one.is_high) for one in ordered[:MOST_ANOMALIES]
    )


def _anomaly_note(library: Library, figures: Figures) -> str:
    _ = figures.words
    if library.checked_on is None:
        return _("No day has been checked for anomalies yet.")
    day = figures.day(library.checked_on)
    if not library.anomalies:
        return _("No anomaly is open after {day}, the newest day that was checked.", day=day)
    more = len(library.anomalies) - MOST_ANOMALIES
    if more > 0:
        return _(
            "As of {day}, the newest day that was checked. {n} more are open.",
            day=day,
            n=figures.show(Kind.COUNT, more),
        )
    return _("As of {day}, the newest day that was checked.", day=day)


def _notes(library: Library, figures: Figures, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    """The small print, line by line."""
    _ = figures.words
    lines = []
    if library.first_date is not None:
        lines.append((_("Reports since"), figures.day(library.first_date)))
    if library.runs:
        lines.append((_("Runs since"), figures.day(min(run.business_date for run in library.runs))))
        last = max(run.finished_at for run in library.runs)
        lines.append((_("Last run ended"), figures.moment(last.astimezone(zone))))
    lines.append((_("Time zone"), zone.key))
    if not library.is_whole:
        lines.append((_("Note"), _("There are more files than could be listed; the rest is in the bucket.")))
    return tuple(lines)


def report_name(report_type: ReportType, period: Period, _: Words) -> str:
    """What a report is called, with its period."""
    return _.say(_REPORTS[report_type, period])


def job_name(run: EndedRun, _: Words) -> str:
    """What a job that makes no report is called, with what it looked at."""
    match run.identity.partition("@")[0].split("/"):
        case ["anomaly_check", "GLOBAL", *_rest]:
            return _("Anomaly check")
        case ["anomaly_check", "PRODUCT", product, _period]:
            return _("Anomaly check of one product: {product}", product=printable(product.partition("=")[2]))
        case ["anomaly_check", *_rest]:
            return _("Anomaly check of products")
        case ["forecast", *_rest]:
            return _("Forecast")
        case ["sync_history", *_rest]:
            return _("Reading the sales")
        case ["watchdog", *_rest]:
            return _("Watching the schedules")
        case _other:
            return printable(run.identity)


def _ending(run: EndedRun, _: Words) -> Ending:
    texts = {
        "SUCCEEDED": _("Done"),
        "PARTIAL": _("Done in part"),
        "SKIPPED_EMPTY": _("Nothing to report"),
        "SKIPPED_STALE": _("Data too old"),
        "FAILED": _("Failed"),
    }
    reason = "" if run.status == "SUCCEEDED" else printable(masked(run.reason))
    return Ending(texts.get(run.status, printable(run.status)), run.in_trouble, reason)


def _badness(status: str) -> int:
    """The worst is 0; a status of a later release stands between trouble and its absence."""
    return BADNESS.index(status) if status in BADNESS else len(TROUBLE)


def _links(files: Iterable[StoredFile]) -> tuple[tuple[str, str], ...]:
    """Label and relative address of each file, in the order of the formats."""
    formats = list(Format)
    ordered = sorted(files, key=lambda file: (formats.index(file.fmt), file.path))
    return tuple((file.fmt.label, quote(file.path)) for file in ordered)
