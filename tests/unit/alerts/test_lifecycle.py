"""What is told of an alert over its life: once at its start, again when it got clearly worse, once at its end."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.alerts.lifecycle import (
    CLEAR_DAYS,
    FORGET_STOPPED_DAYS,
    MOST_OPEN,
    NOT_BACK,
    WAIT_DAYS,
    Alert,
    Change,
    Entry,
    JudgedDay,
    Rules,
    Step,
    advance,
    to_tell,
)
from salesflow.findings.event import (
    Causes,
    Contribution,
    DayState,
    Event,
    EventType,
    HourSpan,
    Note,
    NoteKind,
    Severity,
    Statement,
)
from salesflow.findings.subjects import findings_of
from tests.unit.alerts.events import START, Story, day, entries_of, event


def test_an_event_is_told_at_its_start_and_at_its_end_and_not_between() -> None:
    story = Story()
    assert story.next(event(-0.6)) == ["opened down|shop"]
    for _ in range(5):
        assert story.next(event(-0.6)) == []
    assert story.next() == []
    assert story.next() == ["resolved down|shop"]
    assert story.next() == []
    assert story.alerts == ()


@pytest.mark.parametrize("days", [1, 2, 3])
def test_only_what_lasted_three_days_has_an_end_to_tell(days: int) -> None:
    story = Story()
    for _ in range(days):
        story.next(event(-0.6))
    assert story.next() + story.next() == (["resolved down|shop"] if days == 3 else [])
    assert story.alerts == ()


def not_back(days: Iterable[Sequence[Event]]) -> tuple[list[str], tuple[Alert, ...]]:
    """What is told of days on which sales are never back at the level before, and the alerts that are left."""
    alerts: tuple[Alert, ...] = ()
    told: list[str] = []
    for number, events in enumerate(days):
        step = advance(alerts, replace(day(number, *events), is_back=lambda _: False), Rules())
        alerts = step.alerts
        told += [f"{number} {entry.change}" for entry in step.entries]
    return told, alerts


def test_an_end_is_not_told_where_sales_are_not_back_at_the_level_before() -> None:
    told, alerts = not_back([*[[event(-0.6)]] * 4, *[[]] * CLEAR_DAYS * NOT_BACK])
    assert told == ["0 opened"]
    assert alerts == ()


@pytest.mark.parametrize("quiet", range(1, CLEAR_DAYS * NOT_BACK))
def test_a_spell_that_is_found_again_days_later_is_told_once(quiet: int) -> None:
    bad = [event(-0.6, since=START)]
    told, _ = not_back([bad, bad, *[[]] * quiet, bad, bad])
    assert told == ["0 opened"]


@pytest.mark.parametrize(("pieces", "told"), [(3.0, []), (1.0, ["worse down|sku:A1"])])
def test_a_few_pieces_less_of_few_are_chance_and_no_worse(pieces: float, told: list[str]) -> None:
    story = Story()
    story.next(event(-0.55, sku="A1", metric="quantity", expected=14.0))
    assert story.next(event(pieces / 14 - 1, sku="A1", metric="quantity", expected=14.0, since=START)) == told


@pytest.mark.parametrize("quiet", [CLEAR_DAYS, CLEAR_DAYS * NOT_BACK])
def test_what_begins_after_the_end_of_a_spell_is_news(quiet: int) -> None:
    again = [event(-0.6, since=START + timedelta(days=1 + quiet))]
    told, _ = not_back([[event(-0.6)], *[[]] * quiet, again, again])
    assert told == ["0 opened", f"{1 + quiet} opened"]


def test_an_end_waits_for_a_mail_to_go_with_and_no_longer_than_a_week() -> None:
    opened, ended = entries_of(event(-0.6)), entries_of(event(-0.6, sku="A1", name="Tea"))
    over, nothing = replace(ended[0], change=Change.RESOLVED, event=None), Step((), (), 0)
    later = replace(opened[0], on=START + timedelta(days=3))
    assert to_tell([over], START, nothing) == ((), (over,))
    assert to_tell([over, later], later.on, nothing) == ((later, over), ())
    assert to_tell([over], START + timedelta(days=WAIT_DAYS), nothing) == ((), ())
    again = replace(over, statement=replace(over.statement, type=EventType.MISSING_DAY))
    assert to_tell([again], START, nothing) == ((again,), ())  # after a closure that sales come in again is news


def test_an_end_that_waited_is_told_only_where_it_still_holds() -> None:
    """A product sold again for four days, and has stopped once more when the next mail goes: it is not back."""
    opened = replace(entries_of(event(-0.6))[0], on=START + timedelta(days=3))
    ended = entries_of(event(-1, sku="A1", name="Tea", type_=EventType.STOPPED_SELLING))[0]
    over = replace(ended, change=Change.RESOLVED, event=None)
    for sold, told in ({"shop": 40, "A1": 5}, True), ({"shop": 40}, False), ({}, True):
        now, waits = to_tell([over, opened], opened.on, Step((), (), 0, sold))
        assert (now, waits) == (((opened, over), ()) if told else ((opened,), (over,)))
    story = Story()
    story.next(event(-1, sku="A1", name="Tea", type_=EventType.STOPPED_SELLING))
    stopped_again = Step(tuple(story.alerts or ()), (), 0, {"shop": 40, "A1": 5})
    assert to_tell([over, opened], opened.on, stopped_again) == ((opened,), ())


def test_an_end_is_a_mail_of_its_own_where_the_owner_wants_one() -> None:
    for rules in (Rules(), Rules(mail_ends=True)):
        alerts: tuple[Alert, ...] = ()
        told = []
        for number, findings in enumerate([[event(-0.5)]] * 4 + [[]] * CLEAR_DAYS):
            on = START + timedelta(days=number)
            judged = JudgedDay(on, DayState.OPEN, findings_of([replace(e, since=START) for e in findings]), {})
            step = advance(alerts, judged, rules)
            alerts = step.alerts
            told += [entry.change for entry in to_tell(step.entries, on, step)[0]]
        assert told == [Change.OPENED] + [Change.RESOLVED] * rules.mail_ends


def test_what_is_not_among_the_dearest_of_the_month_is_followed_and_not_told() -> None:
    story = Story()
    assert story.next(event(-0.6, sku="A1", within_budget=False)) == []
    assert [alert.id for alert in story.alerts or ()] == ["down|sku:A1"]
    assert story.next(event(-0.6, sku="A1")) == ["opened down|sku:A1"]


def test_a_level_that_moved_is_told_once_and_becomes_the_usual_one_in_silence() -> None:
    story = Story()
    moved = event(0.5, type_=EventType.LEVEL_MOVED)
    assert story.next(moved) == ["opened level-up|shop"]
    told = [line for _ in range(10) for line in story.next(moved)] + [line for _ in range(40) for line in story.next()]
    assert told == []
    assert story.alerts == ()


def test_one_usual_day_between_two_bad_ones_is_no_end() -> None:
    story = Story()
    told = [story.next(event(-0.6)), story.next(), story.next(event(-0.55, since=START)), story.next(), story.next()]
    assert told == [["opened down|shop"], [], [], [], ["resolved down|shop"]]


def test_one_slow_day_is_one_finding_whatever_was_measured_and_however_its_type_changes() -> None:
    story = Story()
    same_day = [event(-0.6), event(-0.5, metric="quantity"), event(-0.55, metric="transactions")]
    step = story.step(*same_day)
    assert len(step.entries) == 1
    assert len(step.entries[0].also) == 2
    assert story.next(event(-0.6, metric="quantity")) == []
    shift = event(-0.6, type_=EventType.LEVEL_SHIFT, since=START, on=START + timedelta(days=2))
    assert story.next(shift) == []


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (-0.38, -0.80, True),
        (-0.38, -0.45, False),
        (-0.80, -1.0, True),
        (-0.90, -1.0, False),  # ten points of what is usual: nothing new for the merchant
        (0.6, 0.7, False),
        (0.6, 1.6, True),
    ],
)
def test_it_is_told_again_only_when_it_is_clearly_worse(then: float, now: float, told: bool) -> None:
    story = Story()
    story.next(event(then))
    assert bool(story.next(event(now))) is told
    assert story.next(event(now)) == []  # and then quiet again


def test_a_wrong_price_of_what_sells_every_other_day_is_told_once() -> None:
    story, wrong = Story(), event(-0.9, sku="A1", type_=EventType.PRICE_CHANGE)
    assert [story.next(*found) for found in ((wrong,), (), (wrong,), ())] == [["opened price|sku:A1"], [], [], []]


def test_better_and_then_as_bad_as_before_is_not_worse() -> None:
    story = Story()
    story.next(event(-0.8))
    story.next(event(-0.4))
    assert story.next(event(-0.8)) == []


def test_a_medium_event_is_followed_in_silence_and_told_when_it_becomes_high() -> None:
    story = Story()
    assert story.next(event(-0.4, severity=Severity.MEDIUM)) == []
    assert story.next(event(-0.4)) == ["opened down|shop"]
    quiet = Story()
    quiet.next(event(-0.4, severity=Severity.MEDIUM))
    assert [quiet.next(), quiet.next(), quiet.next()] == [[], [], []]  # nobody was told of it: its end is silent
    mailed = Story(Rules(mail_from=Severity.MEDIUM))
    assert mailed.next(event(-0.4, severity=Severity.MEDIUM)) == ["opened down|shop"]


def test_a_low_event_opens_nothing_and_yet_keeps_an_open_alert_alive() -> None:
    story = Story()
    assert story.next(event(-0.3, severity=Severity.LOW)) == []
    assert story.alerts == ()
    story.next(event(-0.6))
    for _ in range(3):
        assert story.next(event(-0.3, severity=Severity.LOW)) == []


def test_history_is_not_told_on_the_first_check() -> None:
    story = Story(first_check=True)
    old = event(-0.6, type_=EventType.LEVEL_SHIFT, since=START - timedelta(days=9), is_new=False)
    assert story.next(old, event(2.0, sku="A1")) == ["opened up|sku:A1"]  # what began that day is news
    worse = event(-0.95, since=START - timedelta(days=9), is_new=False)
    assert story.next(worse) == ["worse down|shop"]


def test_a_closure_is_one_alert_and_ends_with_the_first_sale() -> None:
    story = Story()
    told = []
    for number in range(10):
        gone = event(-1, type_=EventType.MISSING_DAY, metric="day", since=START, on=START + timedelta(days=number))
        closed = number % 7 == 6
        told += story.next(*([] if closed else [gone]), state=DayState.CLOSED if closed else DayState.MISSING)
    assert told == ["opened day|shop"]
    assert story.next() == ["resolved day|shop"]


@pytest.mark.parametrize("state", [DayState.CLOSED, DayState.MISSING, DayState.PARTIAL])
def test_a_day_that_cannot_be_judged_ends_nothing(state: DayState) -> None:
    story = Story()
    story.next(event(-0.6))
    for _ in range(4):
        assert story.next(state=state) == []
    assert story.alerts is not None
    assert [alert.id for alert in story.alerts] == ["down|shop"]


def test_a_product_that_stopped_is_back_when_it_sells() -> None:
    story = Story(Rules(mail_from=Severity.MEDIUM))
    stopped = event(-1, sku="A1", type_=EventType.STOPPED_SELLING, severity=Severity.MEDIUM)
    assert story.next(stopped) == ["opened down|sku:A1"]
    for _ in range(20):
        assert story.next(sold={"B2": 5}) == []
    assert story.next(sold={"A1": 1}) == ["resolved down|sku:A1"]


def test_a_product_that_never_comes_back_is_forgotten_in_silence() -> None:
    story = Story(Rules(mail_from=Severity.MEDIUM))
    story.next(event(-1, sku="A1", type_=EventType.STOPPED_SELLING, severity=Severity.MEDIUM))
    told = [line for _ in range(FORGET_STOPPED_DAYS + 2) for line in story.next()]
    assert told == []
    assert story.alerts == ()


def test_up_and_down_are_two_things() -> None:
    story = Story()
    story.next(event(-0.6))
    assert story.next(event(1.5)) == ["opened up|shop"]


@pytest.mark.parametrize(("was_told", "told"), [(True, []), (False, ["opened up|shop"])])
def test_a_rise_to_where_sales_stood_before_a_low_that_was_told_is_no_news(was_told: bool, told: list[str]) -> None:
    low = event(-0.6, within_budget=was_told)
    alerts = advance((), day(0, low), Rules()).alerts
    risen = replace(day(1, event(0.7, on=START + timedelta(days=1))), is_back_today=lambda _: True)
    step = advance(alerts, risen, Rules())
    assert [f"{entry.change} {entry.alert}" for entry in step.entries] == told
    more = advance(step.alerts, day(2, event(2.5, since=START + timedelta(days=1))), Rules())
    assert [entry.change for entry in more.entries] == [Change.WORSE]  # what is more than that is told


def test_who_is_muted_is_followed_and_told_when_the_mute_ends_if_it_still_goes_on() -> None:
    muted = {"sku:A1"}
    story = Story(Rules(is_muted=lambda subject: subject in muted))
    assert story.next(event(-0.6, sku="A1"), event(-0.6, sku="B2")) == ["opened down|sku:B2"]
    assert story.next(event(-0.6, sku="A1"), event(-0.6, sku="B2")) == []
    muted.clear()
    assert story.next(event(-0.6, sku="A1"), event(-0.6, sku="B2")) == ["opened down|sku:A1"]


def test_the_end_of_what_is_muted_is_not_told() -> None:
    muted: set[str] = set()
    story = Story(Rules(is_muted=lambda subject: subject in muted))
    for _ in range(3):
        story.next(event(-0.6, sku="A1"), event(-0.6, sku="B2"))
    muted.add("sku:A1")
    assert story.next() + story.next() == ["resolved down|sku:B2"]


def test_of_many_products_that_are_back_at_once_three_times_the_top_are_told_and_the_rest_counted() -> None:
    story = Story(Rules(top=1))
    for last in (*range(5), 4, 4):  # one more is told each day
        story.next(*(event(-0.6, sku=f"P{n}", expected=1000.0 * (n + 1)) for n in range(last + 1)))
    story.next()
    step = story.step()
    assert [str(entry.change) for entry in step.entries] == ["resolved"] * 3
    assert step.left_out == 2


def test_the_shop_comes_first_then_products_by_money_and_the_rest_is_counted() -> None:
    story = Story(Rules(top=2))
    products = [event(-0.6, sku=f"P{n}", expected=1000.0 * n) for n in range(1, 6)]
    step = story.step(*products, event(-0.6, expected=100.0))
    assert [entry.alert for entry in step.entries] == ["down|shop", "down|sku:P5", "down|sku:P4"]
    assert step.left_out == 3
    for _ in range(2):  # what was left out is not told a day late
        assert story.next(*products, event(-0.6, expected=100.0)) == []
    assert story.next() + story.next() == [
        "resolved down|shop",
        "resolved down|sku:P5",
        "resolved down|sku:P4",
    ]


def test_entries_alerts_and_events_come_back_from_the_table_as_they_went_in() -> None:
    causes = Causes(
        -5, (Contribution("Thé", -5),), (Contribution("09:00-10:00", -5),), (Contribution("customers", -5),)
    )
    (entry,) = entries_of(
        event(-0.6, sku="茶", name="Thé", causes=causes, notes=(Note(NoteKind.OUT_OF_STOCK), Note(NoteKind.PRICE, 0.4)))
    )
    assert Entry.from_dict(entry.as_dict()) == entry
    hours = Statement(
        EventType.UNUSUAL_MIX, START, START, gained=HourSpan(19, 23, 0.4, 0.1), lost=HourSpan(9, 12, 0.1, 0.4)
    )
    silence = replace(hours, gained=None, silent_days=3, last_sold=date(2026, 10, 30))
    for said in (hours, silence):
        assert Statement.from_dict(json.loads(json.dumps(said.as_dict()))) == said
    story = Story()
    story.next(event(-0.6), event(-0.5, sku="茶", name="Thé"))
    assert len(story.alerts or ()) == 2
    for alert in story.alerts or ():
        assert Alert.from_dict(json.loads(json.dumps(alert.as_dict()))) == alert


def test_as_many_alerts_as_are_followed_fit_into_a_row_whatever_their_products_are_called() -> None:
    name = "超长的商品名称" * 15
    story = Story()
    story.next(
        *(event(-0.6123, sku=f"商品-{n:05d}", name=name, expected=123_456.789 + n) for n in range(MOST_OPEN + 50))
    )
    rows = json.dumps([alert.as_dict() for alert in story.alerts or ()], ensure_ascii=False)
    assert len(story.alerts or ()) == MOST_OPEN
    assert len(rows.encode()) < 340_000  # of the 400 KB that a row may have; the rest is for what is told


def test_findings_keep_the_loudest_event_of_a_subject() -> None:
    quiet, loud = event(-0.3, severity=Severity.MEDIUM), event(-0.5, metric="transactions")
    (finding,) = findings_of([quiet, loud])
    assert finding.event is loud
    assert finding.also == (quiet.statement,)


_SIZES = st.sampled_from([None, -1.0, -0.8, -0.6, -0.4, 0.5, 1.5, 4.0])
_LEVELS = st.sampled_from(list(Severity))
_STATES = st.sampled_from([DayState.OPEN, DayState.OPEN, DayState.OPEN, DayState.CLOSED, DayState.PARTIAL])


@given(st.lists(st.tuples(_SIZES, _SIZES, _LEVELS, _STATES), max_size=40), st.booleans())
def test_whatever_happens_no_start_is_told_twice_and_no_end_without_a_start(
    days: list[tuple[float | None, float | None, Severity, DayState]], first_check: bool
) -> None:
    story = Story(first_check=first_check)
    is_open: dict[str, bool] = {}
    for shop, product, severity, state in days:
        events = [event(shop, severity=severity)] if shop is not None else []
        events += [event(product, sku="A1", severity=severity)] if product is not None else []
        step = story.step(*(events if state is not DayState.CLOSED else []), state=state)
        for entry in step.entries:
            match entry.change:
                case Change.OPENED:
                    assert not is_open.get(entry.alert)
                    is_open[entry.alert] = True
                case Change.WORSE:
                    assert is_open.setdefault(entry.alert, True)
                case Change.RESOLVED:
                    assert is_open.pop(entry.alert)
        told_and_open = {alert.id for alert in step.alerts if alert.told}
        assert told_and_open <= set(is_open)
        is_open = {alert: True for alert in is_open if alert in told_and_open}  # the rest ended in silence
