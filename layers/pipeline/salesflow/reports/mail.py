"""The words of the mails: the report's for its readers, notices for the owner.

Layout by tables and attributes that Outlook, Gmail and phones understand, readable without images (there are none), in the
dark and at 360 px. No product's name reaches a subject, the shop's own does; nothing with a control character does. A merchant reads no address of a
bucket and no command line.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal

from salesflow.analytics.results import ReportContent
from salesflow.figures import Kind, printable
from salesflow.formats import ReportType
from salesflow.gist import Gist
from salesflow.language import Language, words
from salesflow.reports.content.build import build_document
from salesflow.reports.content.compare import orders_count
from salesflow.reports.content.document import Document, Kpi, Tone, labels_of
from salesflow.reports.content.month import month_lines
from salesflow.reports.content.orders import for_days, lasts_text
from salesflow.reports.content.sales_charts import trend_chart
from salesflow.reports.content.unusual import unusual_lines
from salesflow.reports.html.page import templates

SUBJECT_LENGTH: Final = 78
"""Subjects are shorter than this: a line of a header (RFC 5322)."""

_LONGEST_REFERENCE: Final = 16
_BEST, _ORDERS, _COLUMNS, _COLUMN_HEIGHT = 5, 6, 14, 56

type MailMode = Literal["full", "summary", "link"]


@dataclass(frozen=True, slots=True)
class MailText:
    """What a mail says and in which language: its subject, and the same thing as plain text, as HTML, and in parts for other channels."""

    subject: str
    text: str
    html: str
    gist: Gist
    language: Language = Language.EN


@dataclass(frozen=True, slots=True)
class DayColumn:
    """One of the last days: its letter, its figure, its height in pixels (0: nothing was sold), and whether it is the report's own, the
    same weekday, or another ("own", "alike", "other")."""

    letter: str
    text: str
    height: int
    role: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart in a mail: `percent` of the full width, at least 1 where there is something to show."""

    label: str
    text: str
    percent: int
    negative: bool = False


@dataclass(frozen=True, slots=True)
class MailLinks:
    """Addresses that work from the mail: of the files, each with its label, of the page of all reports, and of the reader's choices."""

    files: tuple[tuple[str, str], ...] = ()
    library: str = ""
    stop: str = ""


NO_LINKS: Final = MailLinks()


@dataclass(frozen=True, slots=True)
class _ReportMail:
    """Everything that both the text and the HTML of a report's mail show."""

    document: Document
    headline: str
    small_print: tuple[str, ...]
    links: MailLinks
    why: str = ""
    columns: tuple[DayColumn, ...] = ()
    kpis: tuple[Kpi, ...] = ()
    unusual: tuple[str, ...] = ()
    orders: tuple[tuple[str, str, str], ...] = ()
    orders_title: str = ""
    orders_columns: str = ""
    orders_note: str = ""
    best: tuple[Bar, ...] = ()
    best_title: str = ""
    expect: tuple[str, ...] = ()

    @property
    def opens(self) -> tuple[tuple[str, str], ...]:
        """What the mail opens: a label and an address each."""
        _ = self.document.figures.words
        library = ((_("All reports"), self.links.library),) if self.links.library else ()
        return (*((_("Open the {format}", format=label), address) for label, address in self.links.files), *library)

    @property
    def sections(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The lists below the key figures as lines of text, those that hold something."""
        _ = self.document.figures.words
        orders = [f"{name}  {lasts}  {quantity}" for name, lasts, quantity in self.orders]
        found = (
            (_("Unusual"), self.unusual),
            (self.orders_title, (*orders, *([self.orders_note] if self.orders_note else []))),
            (self.best_title, tuple(f"{row.label}  {row.text}" for row in self.best)),
            (_("What to expect"), self.expect),
        )
        return tuple((title, lines) for title, lines in found if lines)

    @property
    def columns_title(self) -> str:
        """What the columns are."""
        _ = self.document.figures.words
        return _("Sales of the last {n} days", n=str(len(self.columns)))

    @property
    def columns_text(self) -> str:
        """The first and the last of the columns as text, for who sees none."""
        return self.document.figures.listed(f"{column.letter} {column.text}" for column in self.columns)


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
    links: MailLinks = NO_LINKS,
) -> MailText:
    """The mail that brings a report.

    mode: "full" and "summary" show the key figures; "link" shows none, only where the report is, for merchants whose
    figures must not travel by mail. attached: file names; left_out: what is not attached, with the reason, one sentence
    each; locations: where the files are, named where they are neither attached nor linked. reference: the short one that
    stands in the subject; run_id: the full one.
    """
    document = build_document(content, language=language)
    shows_figures = mode != "link"
    ready = _ready(document)
    findings, headline = (document.finding, document.headline) if shows_figures else (ready[:2], ready[2])
    places = () if links.files else locations
    small_print = _small_print(
        document, attached, left_out, places, reply_to, f"{printable(reference)} / {printable(run_id)}"
    )
    mail = _ReportMail(document, headline, small_print, links)
    if shows_figures:
        mail = _with_figures(content, mail)
    html = templates().get_template("mail_report.html.j2").render(mail=mail, tone=Tone, _=document.figures.words)
    footer = (document.provenance, *(document.notes if shows_figures else ()), printable(reference))
    return MailText(subject_of(findings, reference), _report_text(mail), html, _report_gist(mail, footer), language)


def mail_kpis(document: Document) -> tuple[Kpi, ...]:
    """The key figures that a mail shows beside its headline, which says the first of the sales itself."""
    return document.kpis[1:4] if document.content.sales is not None else (*document.kpis[:2], document.kpis[3])


def _with_figures(content: ReportContent, mail: _ReportMail) -> _ReportMail:
    document, orders = mail.document, content.orders
    _, figures = document.figures.words, document.figures
    lines = orders.lines[:_ORDERS] if orders is not None else ()
    left_out = 0 if orders is None else len(orders.lines) - len(lines)
    more = figures.plural("{n} more in the report", "{n} more in the report", left_out) if left_out else ""
    return replace(
        mail,
        why=document.why,
        columns=_columns(document),
        kpis=mail_kpis(document),
        unusual=unusual_lines(content.unusual, figures),
        orders=tuple(
            (
                figures.show(Kind.NAME, label),
                lasts_text(line, figures),
                figures.show(Kind.COUNT, line.quantity),
            )
            for label, line in zip(labels_of(lines), lines, strict=True)
        ),
        orders_title="" if orders is None else orders_count(orders, figures),
        orders_columns="" if orders is None else " \u00b7 ".join((_("Lasts"), for_days(orders, figures))),
        orders_note=more,
        best=_best(content, document),
        best_title=_("Best sellers, {currency}", currency=figures.currency_symbol),
        expect=month_lines(content.progress, content.forecast, figures),
        small_print=(*mail.small_print, *document.notes),
    )


def _columns(document: Document) -> tuple[DayColumn, ...]:
    """The last days of the report's chart."""
    chart = trend_chart(document.content, document.figures)
    if chart is None:
        return ()
    known = len(chart.values) - len(chart.expected)
    shown = range(max(known - _COLUMNS, 0), known)
    highest = max((chart.values[n] for n in shown), default=0.0)
    last, figures = document.business_date, document.figures
    return tuple(
        DayColumn(
            figures.weekday_letter((last - timedelta(days=known - 1 - n)).weekday()),
            figures.axis(chart.value_kind, chart.values[n]),
            max(round(_COLUMN_HEIGHT * chart.values[n] / highest), 1) if chart.values[n] > 0 else 0,
            "own" if n in chart.strong else "alike" if n in chart.alike else "other",
        )
        for n in shown
    )


def _best(content: ReportContent, document: Document) -> tuple[Bar, ...]:
    products = content.sales.best_sellers[:_BEST] if content.sales is not None else ()
    longest = max((product.revenue for product in products), default=0)
    return tuple(
        Bar(
            document.figures.show(Kind.NAME, label),
            document.figures.show(Kind.MONEY, product.revenue),
            max(round(100 * product.revenue / longest), 1),
        )
        for label, product in zip(labels_of(products), products, strict=True)
    )


def _ready(document: Document) -> tuple[str, str, str]:
    """That a report is ready, for a mail that shows no figures: subject, a shorter one, headline."""
    _, days = document.figures.words, document.window_short
    match ReportType(document.content.report_type):
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
    sections = tuple((title, (text,)) for title, text in shown)
    gist = Gist(headline, sections=sections, footer=(footer, printable(reference)))
    return MailText(subject_of(findings, reference), "\n".join(lines) + "\n", html, gist)


def compose_test(shop: str, language: Language, reference: str) -> MailText:
    """A message that shows a reader that messages come."""
    _ = words(language)
    name = printable(shop) or "SalesFlow"
    headline = _("A test of {shop}: messages come here.", shop=name)
    says = _("There is nothing to do. Reports and alerts come the same way.")
    html = (
        templates()
        .get_template("mail_notice.html.j2")
        .render(
            headline=headline, paragraphs=[(name, says)], footer="SalesFlow", run_id=printable(reference), bad=False
        )
    )
    gist = Gist(headline, lead=(says,), footer=(printable(reference),))
    return MailText(subject_of((headline, _("A test")), reference), f"{headline}\n\n{says}\n", html, gist, language)


def subject_of(findings: Iterable[str], reference: str) -> str:
    """The first finding that leaves room for the reference in brackets; on one line, shorter than `SUBJECT_LENGTH`."""
    tail = f" [{printable(reference)[:_LONGEST_REFERENCE]}]"
    room = SUBJECT_LENGTH - 1 - len(tail)
    # Every mail client shows plain spaces, and not all of them thin and no-break ones.
    cleaned = ""
    for finding in findings:
        cleaned = re.sub(r"\s", " ", printable(finding))
        if len(cleaned) <= room:
            break
    return cleaned[:room].rstrip() + tail


def _small_print(
    document: Document,
    attached: Sequence[str],
    left_out: Sequence[str],
    locations: Sequence[str],
    reply_to: str | None,
    reference: str,
) -> tuple[str, ...]:
    """What is attached, what is not and where it is; where the figures come from; whom an answer reaches; the reference."""
    _ = document.figures.words

    def line(label: str, text: str) -> str:
        return _("{label}: {text}", label=label, text=printable(text))

    lines = [line(_("Attached"), document.figures.listed(attached))] if attached else []
    lines += [line(_("Not attached"), text) for text in left_out]
    if not attached:
        lines += [line(_("Where the files are"), place.removeprefix("s3://")) for place in locations]
    lines.append(document.provenance)
    if reply_to:
        lines.append(_("Answer this mail: it goes to {address}.", address=printable(reply_to)))
    return (*lines, line(_("Reference"), reference))


def _report_gist(mail: _ReportMail, footer: tuple[str, ...]) -> Gist:
    """The parts for other channels: the same figures in the same order as the texts."""
    document, _ = mail.document, mail.document.figures.words
    stop = ((_("Stop these mails, or change what you get"), mail.links.stop),) if mail.links.stop else ()
    return Gist(
        headline=mail.headline,
        title=" \u00b7 ".join(filter(None, (document.shop, document.title, document.window_text))),
        lead=(mail.why,) if mail.why else (),
        figures=tuple((kpi.label, kpi.text + _beside(kpi)) for kpi in mail.kpis),
        sections=mail.sections,
        links=(*mail.opens, *stop),
        footer=footer,
    )


def _beside(kpi: Kpi) -> str:
    """What stands behind a key figure: how it compares, and its detail."""
    extras = [f"{change.text} {change.against}" for change in kpi.changes] + ([kpi.detail] if kpi.detail else [])
    return f"  ({'; '.join(extras)})" if extras else ""


def _report_text(mail: _ReportMail) -> str:
    """The plain text: the same figures in the same order as the HTML."""
    document, _ = mail.document, mail.document.figures.words
    lines = [
        *([document.shop] if document.shop else []),
        f"{document.title} \u00b7 {document.window_text}",
        "",
        mail.headline,
    ]
    lines += ["", *([mail.why, ""] if mail.why else [])]
    wide = max((len(kpi.label) for kpi in mail.kpis), default=0) + 2
    lines += [f"{kpi.label:<{wide}}{kpi.text}{_beside(kpi)}" for kpi in mail.kpis]
    if mail.kpis:
        lines.append("")
    for title, texts in mail.sections:
        lines += [_("{title}:", title=title), *(f"  {text}" for text in texts), ""]
    lines += [_("{label}: {text}", label=label, text=address) for label, address in mail.opens]
    stopping = _("Stop these mails, or change what you get")
    stop = [_("{label}: {text}", label=stopping, text=mail.links.stop)] if mail.links.stop else []
    return "\n".join([*lines, *([""] if mail.opens else []), "-- ", *mail.small_print, *stop]) + "\n"
