"""The life of an alert: opened, ongoing and quiet, worse, resolved. Pure: the state before a date in, the state after it out.

- It opens with its first finding that is serious enough to be told and among the month's dearest, and is then quiet however long it
  goes on.
- It is told again when it got clearly worse than it was when last told: the ratio to the expected value moved on by half,
  and by 15 points at least, of pieces and sales beyond chance (or, without an expected value, the money at stake doubled).
- It is over after `CLEAR_DAYS` judged days in a row without a finding: one usual day between two bad ones is no end. Where sales are
  not back by then, it may go on: for `NOT_BACK` times as many days a finding that began before they did is the same spell, told already.
  Days on which nothing can be judged (closed, missing, partial) count neither way. A product that stopped selling is back when it sells; a
  level that moved is the usual one after four weeks.
- Its end is told where it lasted and is true: somebody was told of it, it went on for three days at least, and sales are back at the
  level before it began. An end waits for the next mail, unless the owner wants one for it, and goes with it only if it still holds: a
  product that sells nothing again that day is not said to be back. That sales come in again after a closure is a mail of its own.
- What began before the first date ever checked is known and not told, unless it gets worse. Nor is it news that sales rise from a low that
  was told, or fall from a high, to where they stood before it, however much the usual has learnt from it since.
- A muted subject is followed and not told; when the mute ends, what was never told and still goes on is told then.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Self

import msgspec

from salesflow.findings.event import DayState, Event, EventType, Severity, Statement
from salesflow.findings.subjects import RANK, SHOP, Facet, Finding, event_as_dict


class Change(StrEnum):
    """What is told of an alert."""

    OPENED = "opened"
    WORSE = "worse"
    RESOLVED = "resolved"


CLEAR_DAYS = 2
NOT_BACK = 3
LEVEL_DAYS = 28
"""Judged days after which a level that moved is the usual one."""

LASTED_DAYS = 2
"""Days between the first and the last of something that lasted: what was over sooner has no end to tell."""

WAIT_DAYS = 7
"""How long an end waits for a mail to go with."""

FORGET_STOPPED_DAYS = 90
"""A product that stopped selling and never sold again is given up without a word after so many days."""

WORSE_RATIO = math.log(1.5)
WORSE_POINTS = 0.15
NOTHING_LEFT = 0.02
MOST_OPEN = 400
"""Alerts that are followed at once, by money at stake: a row of the state table holds no more than 400 KB."""

_ONCE = ("sku", "name")
"""What a row holds of an alert alone, not of its statement as well: names can be long, and there can be many."""

_AGAINST = {Facet.UP: Facet.DOWN, Facet.DOWN: Facet.UP}
_ONE_DAY = {EventType.MISSING_DAY, EventType.PARTIAL_DAY, EventType.STOPPED_SELLING}
_NO_END = {EventType.LEVEL_MOVED, EventType.RETURNS}
_DAY_BADNESS = {EventType.PARTIAL_DAY: 0.0, EventType.MISSING_DAY: -1.0}


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert that is not over.

    since: first day of the event; opened: the date whose check opened it; clear: judged days without a finding, in a row.
    told: somebody was told. quiet: nobody is to be told unless it gets worse. told_deviation, told_impact: how bad it was when
    last told (or when it became known). expected, metric: of its first day, to say later what is usual. statement: what was last
    told, or first known.
    """

    id: str
    sku: str | None
    name: str | None
    type: EventType
    severity: Severity
    since: date
    opened: date
    last_seen: date
    told: bool
    quiet: bool
    told_deviation: float | None
    told_impact: int
    metric: str
    expected: float | None
    statement: Statement
    clear: int = 0

    @property
    def subject(self) -> str:
        """The subject, as in `Finding`."""
        return self.id.partition("|")[2]

    @property
    def facet(self) -> Facet:
        """The facet, as in `Finding`."""
        return Facet(self.id.partition("|")[0])

    def as_dict(self) -> dict[str, Any]:
        """The alert as JSON values."""
        values: dict[str, Any] = msgspec.to_builtins(self, enc_hook=float)
        said = self.statement.as_dict()
        return values | {"statement": {name: said[name] for name in said if name not in _ONCE}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The alert that `as_dict` made these values of; what another version says besides is passed over."""
        said = values["statement"] | {name: values[name] for name in _ONCE}
        return msgspec.convert({**values, "statement": said}, cls)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to tell: a change of an alert on a date, the event behind it (None for an end), and what is to be said.

    statement: of the event; of an end: of what is over. also: what else the date's finding says.
    """

    change: Change
    alert: str
    on: date
    statement: Statement
    event: Event | None
    impact: int
    also: tuple[Statement, ...] = ()
    since: date | None = None
    sku: str | None = None
    name: str | None = None
    recent: tuple[tuple[str, float], ...] = ()
    """Labels and values of the days to compare with, oldest first, the day itself last; in the unit of the event's metric."""

    @property
    def key(self) -> str:
        """What must be told only once for a date."""
        return f"{self.change}|{self.alert}"

    @property
    def is_news(self) -> bool:
        """Whether it is worth a mail of its own: all but ends, and of these that sales come in again."""
        return self.change is not Change.RESOLVED or self.statement.type is EventType.MISSING_DAY

    @property
    def is_shop(self) -> bool:
        """Whether it is about the whole shop."""
        return self.alert.endswith(f"|{SHOP}")

    @property
    def rises(self) -> bool:
        """Whether more is sold than usual: what gets more so is not worse."""
        return self.alert.startswith((Facet.UP, Facet.LEVEL_UP))

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON values."""
        values: dict[str, Any] = msgspec.to_builtins(self, enc_hook=float)
        return values | {
            "statement": self.statement.as_dict(),
            "event": None if self.event is None else event_as_dict(self.event),
            "also": [said.as_dict() for said in self.also],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The entry that `as_dict` made these values of; what another version says besides is passed over."""
        return msgspec.convert(values, cls)


@dataclass(frozen=True, slots=True)
class Rules:
    """Who is told of what. mail_from: the least severity that is told. top: products told in one digest.

    clear_days: judged days without a finding that end an alert. is_muted: of a subject, on the date. mail_ends: an end is worth a mail of
    its own.
    """

    mail_from: Severity = Severity.HIGH
    top: int = 10
    clear_days: int = CLEAR_DAYS
    mail_ends: bool = False
    is_muted: Callable[[str], bool] = lambda _: False


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """What one date showed. sold: pieces a SKU sold that day (`shop`: of all), before returns. recent: as in `Entry`.

    is_back: whether sales of an alert's subject stand where they stood before it began; is_back_today: those of the date alone.
    """

    day: date
    state: DayState
    findings: tuple[Finding, ...]
    sold: Mapping[str, float]
    recent: Callable[[Event], tuple[tuple[str, float], ...]] = lambda _: ()
    is_back: Callable[[Alert], bool] = lambda _: True
    is_back_today: Callable[[Alert], bool] = lambda _: False


@dataclass(frozen=True, slots=True)
class Step:
    """The state after a date, what is to be told, and how many changes of products were left out as less important.

    sold: as in `JudgedDay`. mail_ends: as in `Rules`.
    """

    alerts: tuple[Alert, ...]
    entries: tuple[Entry, ...]
    left_out: int
    sold: Mapping[str, float] = field(default_factory=dict)
    mail_ends: bool = False


def advance(before: Iterable[Alert] | None, day: JudgedDay, rules: Rules) -> Step:
    """The next state. before: the alerts that are open, None where no date was ever checked."""
    known = {alert.id: alert for alert in before or ()}
    were_told = {alert.id for alert in known.values() if alert.told}
    after: dict[str, Alert] = {}
    entries: list[Entry] = []
    for finding in day.findings:
        alert = known.pop(finding.id, None)
        if alert is not None and alert.clear >= _clear_days(alert, rules) and finding.event.since > alert.last_seen:
            alert = None  # another spell, and news
        if alert is None and finding.event.severity is Severity.LOW:
            continue
        against = known.get(f"{_AGAINST.get(finding.facet)}|{finding.subject}")
        returns = against is not None and against.told and day.is_back_today(against)
        kept, change = _met(
            alert, finding, day, rules, is_known=returns or (before is None and not finding.event.is_new)
        )
        after[kept.id] = kept
        if change is not None:
            entries.append(_entry(change, kept, day, finding))
    for alert in known.values():
        remaining = _missed(alert, day, rules)
        if remaining is not None:
            after[alert.id] = remaining
        elif alert.told and not rules.is_muted(alert.subject) and _end_is_told(alert, day):
            entries.append(_entry(Change.RESOLVED, alert, day))
    told, left_out = _most_important(entries, rules.top)
    for entry in left_out:
        if entry.alert in after:
            after[entry.alert] = replace(after[entry.alert], told=entry.alert in were_told, quiet=True)
    followed = sorted(after.values(), key=lambda alert: (alert.subject != SHOP, -abs(alert.told_impact), alert.id))
    return Step(tuple(followed[:MOST_OPEN]), told, len(left_out), day.sold, rules.mail_ends)


def to_tell(entries: Iterable[Entry], day: date, step: Step) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """What is told on a day, and the ends that wait: for a mail to go with (unless `step.mail_ends`), or for the product to sell again.

    Those that waited a week are dropped, and those of which another spell has begun. entries: the day's, and what waited before.
    """
    goes_on = {alert.id for alert in step.alerts}

    def waited(entry: Entry) -> bool:
        return entry.on < day and entry.change is Change.RESOLVED

    def holds(entry: Entry) -> bool:
        sells = entry.sku is None or not step.sold.get(SHOP) or step.sold.get(entry.sku, 0) > 0
        return sells or not waited(entry)

    ordered = [entry for entry in in_order(entries) if not (waited(entry) and entry.alert in goes_on)]
    with_a_mail = step.mail_ends or any(entry.is_news for entry in ordered)
    told = tuple(entry for entry in ordered if with_a_mail and holds(entry))
    waiting = (entry for entry in ordered if entry not in told)
    return told, tuple(entry for entry in waiting if (day - entry.on).days < WAIT_DAYS)


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The whole shop first, then products by money at stake; ends after the rest."""
    return tuple(
        sorted(entries, key=lambda e: (e.change is Change.RESOLVED, not e.is_shop, -abs(e.impact), e.on, e.key))
    )


def _met(
    alert: Alert | None, finding: Finding, day: JudgedDay, rules: Rules, *, is_known: bool
) -> tuple[Alert, Change | None]:
    """The alert after a date on which its finding was there, and what is to be told of it."""
    event = finding.event
    loud = event.within_budget and RANK[event.severity] >= RANK[rules.mail_from] and not rules.is_muted(finding.subject)
    new = alert is None
    if alert is None:
        alert = Alert(
            finding.id, event.sku, event.name, event.type, event.severity, event.since, opened=day.day, last_seen=day.day,
            told=False, quiet=is_known, told_deviation=_deviation(event), told_impact=event.impact,
            metric=event.metric, expected=event.expected, statement=event.statement,
        )  # fmt: skip
    lasting = EventType.STOPPED_SELLING if alert.type is EventType.STOPPED_SELLING else event.type
    seen = replace(alert, last_seen=day.day, clear=0, type=lasting, severity=event.severity)
    if loud and not seen.told and not seen.quiet:
        change = Change.OPENED
    elif loud and not new and _is_worse(event, seen):
        change = Change.WORSE
    else:
        return seen, None
    told = replace(seen, told=True, quiet=False, statement=event.statement)
    return replace(told, told_deviation=_deviation(event), told_impact=event.impact), change


def _missed(alert: Alert, day: JudgedDay, rules: Rules) -> Alert | None:
    """The alert after a date on which it was not found; None when it is over."""
    if day.state is not DayState.OPEN:
        return alert
    if alert.type is EventType.STOPPED_SELLING:
        back = day.sold.get(alert.sku or "", 0) > 0
        return None if back or _given_up(alert, day) else alert
    needed, clear = _clear_days(alert, rules), alert.clear + 1
    if clear >= needed and alert.told and alert.type not in _ONE_DAY | _NO_END and not day.is_back(alert):
        needed *= NOT_BACK
    return None if clear >= needed else replace(alert, clear=clear)


def _clear_days(alert: Alert, rules: Rules) -> int:
    if alert.type in _ONE_DAY:
        return 1
    return LEVEL_DAYS if alert.type is EventType.LEVEL_MOVED else rules.clear_days


def _end_is_told(alert: Alert, day: JudgedDay) -> bool:
    last = day.day if alert.type is EventType.STOPPED_SELLING else alert.last_seen
    if alert.type in _NO_END or _given_up(alert, day) or (last - alert.since).days < LASTED_DAYS:
        return False
    return alert.type in _ONE_DAY or day.is_back(alert)


def _given_up(alert: Alert, day: JudgedDay) -> bool:
    return alert.type is EventType.STOPPED_SELLING and (day.day - alert.last_seen).days > FORGET_STOPPED_DAYS


def _deviation(event: Event) -> float | None:
    if event.type in _DAY_BADNESS:
        return _DAY_BADNESS[event.type]
    if event.type is EventType.STOPPED_SELLING:
        return -1.0
    return event.deviation


def _is_worse(event: Event, alert: Alert) -> bool:
    now, then = _deviation(event), alert.told_deviation
    if now is None or then is None:
        return abs(event.impact) >= 2 * max(abs(alert.told_impact), 1)
    grown = abs(_ratio(now)) - abs(_ratio(then))
    return grown >= WORSE_RATIO and abs(now) - abs(then) >= WORSE_POINTS and not _by_chance(event, then)


def _by_chance(event: Event, then: float) -> bool:
    """Whether a few pieces, or sales, are as many as they might be had it stayed as bad as it was: within two Poisson spreads."""
    if event.metric not in ("quantity", "transactions") or event.value is None or not event.expected:
        return False
    stayed = max(event.expected * (1 + then), 0.0)
    return abs(event.value - stayed) < 2 * math.sqrt(max(stayed, 1.0))


def _ratio(deviation: float) -> float:
    return math.log(max(1 + deviation, NOTHING_LEFT))


def _entry(change: Change, alert: Alert, day: JudgedDay, finding: Finding | None = None) -> Entry:
    """What is told of an alert on a date; without a finding, of its end."""
    about = Entry(change, alert.id, day.day, replace(alert.statement, type=alert.type), None, alert.told_impact)
    about = replace(about, since=alert.since, sku=alert.sku, name=alert.name)
    if finding is None:
        return about
    event = finding.event
    told = replace(about, statement=event.statement, event=event, impact=event.impact)
    return replace(told, also=finding.also, recent=day.recent(event))


def _most_important(entries: list[Entry], top: int) -> tuple[tuple[Entry, ...], list[Entry]]:
    """What is told, in order, and what is left out: products beyond the `top` by money at stake (ends are not counted)."""
    ordered = in_order(entries)
    of_products = [entry for entry in ordered if not entry.is_shop]
    left_out = [entry for entry in of_products if entry.change is not Change.RESOLVED][top:]
    left_out += [entry for entry in of_products if entry.change is Change.RESOLVED][max(top, 1) * 3 :]
    dropped = {entry.key for entry in left_out}
    return tuple(entry for entry in ordered if entry.key not in dropped), left_out
