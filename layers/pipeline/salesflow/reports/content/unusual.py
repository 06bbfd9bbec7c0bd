"""What is unusual and not over: a section of a report that has any, and the table of a workbook."""

from salesflow.analytics.results import UnusualSummary
from salesflow.figures import Figures, Kind
from salesflow.reports.content.document import Column, Section, Table, Tone

_SHOWN = 8


def unusual_section(unusual: UnusualSummary | None, figures: Figures) -> tuple[Section, ...]:
    """The section; none where nothing is known to be unusual."""
    if unusual is None or not unusual.findings:
        return ()
    _ = figures.words
    lead = _(
        "Found by the daily check and not over, as of {day}. What it expects rests on the days before.",
        day=figures.day_with_weekday(unusual.checked_on),
    )
    return (Section("anomalies", _("Unusual"), tables=unusual_table(unusual, figures), lead=lead),)


def unusual_table(unusual: UnusualSummary | None, figures: Figures) -> tuple[Table, ...]:
    """One row a finding, those that were worth a mail first; none where nothing was checked."""
    if unusual is None:
        return ()
    _ = figures.words
    findings = sorted(unusual.findings, key=lambda finding: not finding.is_high)
    levels = {True: _("High"), False: _("Medium")}
    return (
        Table(
            key="anomalies",
            title=_("Unusual"),
            columns=(
                Column("text", _("What is unusual"), Kind.NAME),
                Column("since", _("Since"), Kind.DAY),
                Column("level", _("Severity"), Kind.TEXT, minor=True),
            ),
            rows=tuple((finding.text, finding.since, levels[finding.is_high]) for finding in findings),
            limit=_SHOWN,
            lead="" if findings else _("Nothing is unusual."),
            marks=tuple(Tone.BAD if finding.is_high else Tone.NEUTRAL for finding in findings),
        ),
    )
