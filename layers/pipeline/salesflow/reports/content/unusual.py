"""What is unusual and not over: a section of a report that has any, and the table of a workbook."""

from salesflow.analytics.results import UnusualSummary
from salesflow.figures import Figures, Kind
from salesflow.reports.content.document import Column, Section, Table, Tone

_SHOWN = 4


def unusual_section(unusual: UnusualSummary | None, figures: Figures, *, share: float = 1.0) -> tuple[Section, ...]:
    """The same under its title; none where nothing is known to be unusual."""
    _, said = figures.words, unusual_lines(unusual, figures)
    return (Section("anomalies", _("Unusual"), paragraphs=said, share=share),) if said else ()


def unusual_lines(unusual: UnusualSummary | None, figures: Figures) -> tuple[str, ...]:
    """Whole sentences, those that were worth a mail first, and how many more there are."""
    findings = () if unusual is None else unusual.findings
    said = tuple(finding.text for finding in sorted(findings, key=lambda finding: not finding.is_high))
    if len(said) <= _SHOWN + 1:
        return said
    left_out = len(said) - _SHOWN
    return (*said[:_SHOWN], figures.plural("{n} more is not over.", "{n} more are not over.", left_out))


def unusual_table(unusual: UnusualSummary | None, figures: Figures) -> tuple[Table, ...]:
    """One row a finding, those that were worth a mail first; none where nothing was checked."""
    if unusual is None:
        return ()
    _ = figures.words
    findings = sorted(unusual.findings, key=lambda finding: not finding.is_high)
    levels = {True: _("High"), False: _("Medium")}
    return (
        Table(
            "anomalies",
            _("Unusual"),
            (
                Column("text", _("What is unusual"), Kind.NAME),
                Column("since", _("Since"), Kind.DAY),
                Column("level", _("Severity"), Kind.TEXT, minor=True),
            ),
            tuple((finding.text, finding.since, levels[finding.is_high]) for finding in findings),
            limit=_SHOWN,
            lead="" if findings else _("Nothing is unusual."),
            marks=tuple(Tone.BAD if finding.is_high else Tone.NEUTRAL for finding in findings),
        ),
    )
