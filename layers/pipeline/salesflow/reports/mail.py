"""The words of the mails: the report's for its readers, notices for the owner.

Layout by tables and attributes that Outlook, Gmail and phones understand, readable without images (there are none), in the
dark and at 360 px. No name that the merchant wrote reaches a subject, and nothing with a control character does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from salesflow.analytics.results import ReportContent
from salesflow.figures import Figures, printable
from salesflow.formats import ReportType
from salesflow.language import Language
from salesflow.reports.content.build import build_document
from salesflow.reports.content.document import Chart, ChartKind, Document, Kpi, Tone
from salesflow.reports.content.outlook import outlook_lines
from salesflow.reports.html.page import templates

SUBJECT_LENGTH: Final = 60
"""Subjects are shorter than this."""

type MailMode = Literal["full", "summary", "link"]

_LONGEST_REFERENCE: Final = 16


@dataclass(frozen=True, slots=True)
class MailText:
    """What a mail says and in which language: its subject, and the same thing as plain text and as HTML."""

    subject: str
    text: str
    html: str
    language: Language = Language.EN


@dataclass(frozen=True, slots=True)
class _ReportMail:
    """Everything that both the text and the HTML of a report's mail show."""

    document: Document
    headline: str
    kpis: tuple[Kpi, ...]
    charts: tuple[tuple[str, tuple["Bar", ...]], ...]
    outlook: tuple[str, ...]
    attached: tuple[str, ...]
    left_out: tuple[str, ...]
    locations: tuple[str, ...]
    small_print: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @property
    def kpi_rows(self) -> list[tuple[Kpi, ...]]:
        """Key figures two by two, the last alone where their number is odd."""
        return [self.kpis[n : n + 2] for n in range(0, len(self.kpis), 2)]

    @property
    def lists(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What is expected, what is attached, what is not, and where the files are."""
        _ = self.document.figures.words
        found = (
            (_("Expected revenue"), self.outlook),
            (_("Attached"), self.attached),
            (_("Not attached"), self.left_out),
            (_("Where the files are"), self.locations),
        )
        return tuple((title, entries) for title, entries in found if entries)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart in a mail: `percent` of the full width, at least 1 where there is something to show."""

    label: str
    text: str
    percent: int
    negative: bool


def compose_report_mail(
    content: ReportContent,
    *,
    mode: MailMode,
    attached: Sequence[str],
    left_out: Sequence[str],
    locations: Sequence[str],
    reference: str,
    run_id: str,
    reply_to: str | None,
    language: Language = Language.EN,
) -> MailText:
    """The mail that brings a report.

    mode: "full" and "summary" show the key figures; "link" shows none, only where the report is, for merchants whose
    figures must not travel by mail. attached: file names; left_out: what is not attached, with the reason, one sentence
    each; locations: where the files are. reference: the short one that stands in the subject; run_id: the full one.
    """
    document = build_document(content, language=language)
    figures = document.figures
    shows_figures = mode != "link"
    ready = _ready(document)
    findings, headline = (document.finding, document.headline) if shows_figures else (ready[:2], ready[2])
    charts = [(chart.title, bars_of(chart, figures)) for chart in document.charts if chart.kind is ChartKind.BARS]
    mail = _ReportMail(
        document=document,
        headline=headline,
        kpis=document.kpis + document.more_kpis if shows_figures else (),
        charts=tuple(charts[:2]) if shows_figures else (),
        outlook=outlook_lines(content.forecast, figures) if shows_figures else (),
        attached=tuple(printable(name) for name in attached),
        left_out=tuple(printable(text) for text in left_out),
        locations=tuple(printable(text) for text in locations),
        small_print=_small_print(document, run_id, reply_to),
        notes=document.notes if shows_figures else (),
    )
    html = templates().get_template("mail_report.html.j2").render(mail=mail, tone=Tone, _=figures.words)
    return MailText(subject_of(findings, reference), _report_text(mail), html, figures.language)


def _ready(document: Document) -> tuple[str, str, str]:
    """That a report is ready, for a mail that shows no figures: subject, a shorter one, headline."""
    _, days = document.figures.words, document.window_short
    match ReportType(document.report_type):
        case ReportType.SALES:
            return _("Sales {days}: report ready", days=days), _("Sales"), _("The sales report is ready.")
        case ReportType.STOCK:
            return _("Stock {days}: report ready", days=days), _("Stock"), _("The stock report is ready.")
        case ReportType.COMBINED:
            long = _("Sales and stock {days}: report ready", days=days)
            return long, _("Sales and stock"), _("The sales and stock report is ready.")


def compose_owner_notice(
    *,
    findings: Sequence[str],
    headline: str,
    paragraphs: Sequence[tuple[str, str]],
    footer: str,
    reference: str,
    run_id: str,
    bad: bool,
) -> MailText:
    """A mail for the owner: a headline, titled paragraphs, small print.

    findings: the subject, in words that get shorter; the first one that has room is taken. bad: whether it is trouble.
    """
    run = printable(run_id)
    headline, footer = printable(headline), printable(footer)
    shown = [(printable(title), printable(text)) for title, text in paragraphs]
    html = (
        templates()
        .get_template("mail_notice.html.j2")
        .render(headline=headline, paragraphs=shown, footer=footer, run_id=run, bad=bad)
    )
    lines = [headline, ""]
    for title, text in shown:
        lines += [f"{title}:", f"  {text}", ""]
    lines += ["-- ", footer, f"Run: {run}"]
    return MailText(subject_of(findings, reference), "\n".join(lines) + "\n", html)


def subject_of(findings: Sequence[str], reference: str) -> str:
    """The first finding that leaves room for the reference in brackets; on one line, shorter than `SUBJECT_LENGTH`."""
    tail = f" [{printable(reference)[:_LONGEST_REFERENCE]}]"
    room = SUBJECT_LENGTH - 1 - len(tail)
    cleaned = [_plain_spaces(printable(finding)) for finding in findings]
    chosen = next((finding for finding in cleaned if len(finding) <= room), cleaned[-1][:room].rstrip())
    return chosen + tail


def bars_of(chart: Chart, figures: Figures) -> tuple[Bar, ...]:
    """The bars of a chart, the longest as 100 percent."""
    longest = max((abs(value) for value in chart.values), default=0.0)
    return tuple(
        Bar(
            label,
            figures.show(chart.value_kind, round(value)),
            max(1, round(100 * abs(value) / longest)) if value else 0,
            value < 0,
        )
        for label, value in zip(chart.labels, chart.values, strict=True)
    )


def _plain_spaces(text: str) -> str:
    """Thin and no-break spaces as plain ones, which every mail client shows."""
    return "".join(" " if char.isspace() else char for char in text)


def _small_print(document: Document, run_id: str, reply_to: str | None) -> tuple[tuple[str, str], ...]:
    _ = document.figures.words
    lines = [*document.small_print, (_("Run"), printable(run_id))]
    if reply_to:
        lines.append((_("Questions"), _("Answer this mail: it goes to {address}.", address=printable(reply_to))))
    return tuple(lines)


def _report_text(mail: _ReportMail) -> str:
    """The plain text: the same figures in the same order as the HTML."""
    lines = [f"{mail.document.title} \u00b7 {mail.document.window_text}", "", mail.headline, ""]
    wide = max((len(kpi.label) for kpi in mail.kpis), default=0) + 2
    for kpi in mail.kpis:
        extras = [f"{change.text} {change.against}" for change in kpi.changes] + ([kpi.detail] if kpi.detail else [])
        lines.append(f"{kpi.label:<{wide}}{kpi.text}" + (f"  ({'; '.join(extras)})" if extras else ""))
    if mail.kpis:
        lines.append("")
    _ = mail.document.figures.words
    for title, bars in mail.charts:
        entries = [_("{label}: {text}", label=bar.label, text=bar.text) for bar in bars]
        lines += [_("{title}:", title=title), *(f"  {entry}" for entry in entries), ""]
    for title, texts in mail.lists:
        lines += [_("{title}:", title=title), *(f"  {text}" for text in texts), ""]
    lines += ["-- ", *(_("{label}: {text}", label=label, text=text) for label, text in mail.small_print)]
    lines += [_("{label}: {text}", label=_("Note"), text=note) for note in mail.notes]
    return "\n".join(lines) + "\n"
