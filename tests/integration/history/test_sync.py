"""A sync against a real object API: what is lost, rolled back, late, of tomorrow or written under other settings is not believed."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pyarrow.parquet as pq
import pytest

from salesflow.errors import (
    HistoryDamaged,
    HistoryOfNewerVersion,
    HistoryUnavailable,
    HistoryWrittenOtherwise,
    SalesFlowError,
    SourceForgetsSales,
)
from salesflow.history.coverage import read_coverage
from salesflow.history.terms import Terms
from salesflow.s3 import ObjectStore
from tests.integration.history.stack import (
    EUR,
    FRIDAY,
    JPY,
    TERMS,
    Source,
    Stack,
    daily,
    lines_deleted,
    put_by_hand,
    true_revenue,
)
from tests.stand_ins.aws import Request, Wire, calls
from tests.unit.analytics.tables import Item, Sale


def all_tables_deleted(stack: Stack) -> None:
    stack.delete(*(key for key in stack.stored() if "month=2026-10" in key))


@pytest.mark.parametrize("deed", [lines_deleted, all_tables_deleted, put_by_hand])
def test_a_month_that_is_not_as_it_was_written_is_read_again(
    stack: Stack, source: Source, deed: Callable[[Stack], None]
) -> None:
    stack.stands(source, FRIDAY - timedelta(days=1))
    deed(stack)
    outcome = stack.sync(source)
    assert outcome.plan.lost == ("2026-10",)
    assert source.asked[-1] == date(2026, 10, 1)
    assert stack.revenue() == true_revenue(source.sales)
    assert stack.sync(source).plan.lost == ()


def test_a_month_that_was_rolled_back_to_an_older_version_is_read_again(stack: Stack, source: Source) -> None:
    stack.stands(source, date(2026, 10, 20))
    old = {key: stack.get(key) for key in stack.stored() if "month=2026-10" in key}
    stack.stands(source, FRIDAY - timedelta(days=1))
    for key, (body, metadata) in old.items():
        stack.put(key, body, metadata)
    assert stack.sync(source).plan.lost == ("2026-10",)
    assert stack.revenue() == true_revenue(source.sales)


@pytest.mark.parametrize(
    "claim",
    [
        {"first": "2026-08-12", "last": "2030-01-01"},
        {"first": "2016-05-01", "last": "2026-11-19"},
        {"first": "2026-12-01", "last": "2026-11-19"},
    ],
)
def test_an_index_that_claims_what_cannot_be_is_not_believed(
    stack: Stack, source: Source, claim: dict[str, str]
) -> None:
    stack.stands(source, FRIDAY - timedelta(days=1))
    for part in ("sales", "daily", "shop"):
        stack.put(f"history/coverage/{part}.json", json.dumps(claim).encode())
    source.asked = []
    assert stack.sync(source).coverage.last == FRIDAY
    assert source.asked[0] >= date(2026, 8, 1)
    assert stack.revenue() == true_revenue(source.sales)


@pytest.mark.parametrize("months", [[], "2026-10", {"2026-10": None}])
def test_an_index_whose_months_are_no_such_thing_is_named(stack: Stack, source: Source, months: object) -> None:
    index = {"first": "2026-08-12", "last": "2026-11-19", "months": months}
    stack.put("history/coverage/sales.json", json.dumps(index).encode())
    with pytest.raises(HistoryDamaged, match=r"history/coverage/sales\.json"):
        stack.sync(source)


@pytest.mark.parametrize(
    "records", [{}, [1], [{"call": "x"}], [{"call": "x", "record": "y", "field": "z", "reason": "r", "day": 7}]]
)
def test_a_list_of_what_was_set_aside_that_is_none_is_named(stack: Stack, source: Source, records: object) -> None:
    stack.put("history/set-aside.json", json.dumps(records).encode())
    with pytest.raises(HistoryDamaged, match=r"history/set-aside\.json"):
        stack.sync(source)


def test_a_deep_read_of_a_day_to_come_was_none(stack: Stack, source: Source) -> None:
    sunday = FRIDAY + timedelta(days=2)
    stack.sync(source)
    for part in ("sales", "daily", "shop"):
        index, _ = stack.get(f"history/coverage/{part}.json")
        stack.put(f"history/coverage/{part}.json", json.dumps(json.loads(index) | {"deep_read": "2036-01-06"}).encode())
    assert stack.sync(source, sunday).plan.since == sunday - timedelta(days=60)
    assert stack.sync(source, sunday).plan.since == sunday - timedelta(days=7)


@pytest.mark.parametrize("part", ["sales", "daily", "shop", "coverage"])
@pytest.mark.parametrize("before", ["nothing", "other settings", "a damaged month"])
def test_a_sync_that_ends_in_the_middle_is_gone_on_with_where_it_ended(
    stack: Stack, source: Source, wire: Wire, part: str, before: str
) -> None:
    """Days that counted as covered before their months are written would be lost for good: nobody would ask for them again."""
    rebuild = before == "a damaged month"
    if before != "nothing":
        settings = JPY if before == "other settings" else TERMS
        fewer = daily(date(2026, 8, 12), FRIDAY, a_day=2)
        stack.stands(Source(fewer, minor=100 if settings is JPY else 1), terms=settings)
    if rebuild:
        stack.put("history/shop/month=2026-10/shop.csv.gz", b"by hand")
    is_index = part == "coverage"

    def is_written(request: Request) -> bool:
        if is_index:
            return request.operation == "PUT history/coverage/shop.json" and b"2026-09-30" in request.body
        return request.operation.startswith(f"PUT history/{part}/month=2026-10")

    wire.refuse(is_written, 403, "AccessDenied")
    with pytest.raises(HistoryUnavailable):
        stack.sync(source, rebuild=rebuild)
    outcome = stack.sync(source)
    assert source.asked[-1] == (date(2026, 8, 25) if is_index else date(2026, 9, 24))  # a week before the month
    assert stack.revenue() == true_revenue(source.sales)
    assert outcome.coverage == read_coverage(ObjectStore(stack.clients.s3, stack.bucket), "shop")


def test_another_currency_with_other_digits_has_everything_read_again(stack: Stack, source: Source) -> None:
    stack.stands(source, FRIDAY - timedelta(days=1))
    in_yen = Source(source.sales, minor=100)
    outcome = stack.sync(in_yen, terms=JPY)
    assert outcome.plan.because == ("digits after the point 2 instead of 0",)
    assert stack.revenue(JPY) == true_revenue(source.sales, minor=100)
    with pytest.raises(HistoryWrittenOtherwise, match=r"month=2026-08.*digits after the point 0 instead of 2"):
        stack.revenue(TERMS)


def test_another_currency_with_the_same_digits_is_another_word_for_the_same_figures(
    stack: Stack, source: Source
) -> None:
    stack.stands(source, FRIDAY - timedelta(days=1))
    outcome = stack.sync(source, terms=EUR)
    assert (outcome.plan.because, outcome.plan.since) == ((), FRIDAY - timedelta(days=7))
    assert stack.revenue(EUR) == true_revenue(source.sales)


@pytest.mark.parametrize("terms", [replace(TERMS, zone="America/New_York"), replace(TERMS, day_ends_at=time(4))])
def test_another_zone_or_end_of_the_day_has_everything_read_again(stack: Stack, source: Source, terms: Terms) -> None:
    stack.stands(source, FRIDAY - timedelta(days=1))
    outcome = stack.sync(source, terms=terms)
    assert outcome.plan.because
    assert outcome.plan.since <= date(2026, 8, 12)
    assert stack.revenue(terms) == true_revenue(source.sales)
    assert stack.sync(source, terms=terms).plan.because == ()


def forget_words(stack: Stack) -> None:
    """As version 1.0.0 left it: an index of two dates, objects that say when they were read alone."""
    for key in stack.stored():
        body, metadata = stack.get(key)
        if "/coverage/" in key:
            body = json.dumps({name: json.loads(body)[name] for name in ("first", "last")}).encode()
        stack.put(key, body, {name: metadata[name] for name in metadata if name in ("since", "read-at")})


def test_what_version_1_0_0_wrote_is_read_on(stack: Stack, source: Source) -> None:
    stack.stands(source, FRIDAY - timedelta(days=1))
    forget_words(stack)
    outcome = stack.sync(source)
    assert (outcome.plan.lost, outcome.plan.because) == ((), ())
    assert stack.revenue() == true_revenue(source.sales)
    assert stack.sync(source).plan.since == FRIDAY - timedelta(days=7)


def test_of_what_version_1_0_0_wrote_a_month_in_the_middle_that_is_gone_is_read_again(
    stack: Stack, source: Source
) -> None:
    source.sales = [
        sale for sale in source.sales if sale.sold_at.date() >= date(2026, 9, 3)
    ]  # a shop younger than the history
    stack.stands(source, FRIDAY - timedelta(days=1))
    forget_words(stack)
    lines_deleted(stack)
    assert stack.sync(source).plan.lost == ("2026-10",)
    assert stack.revenue() == true_revenue(source.sales)


def test_the_currency_that_version_1_0_0_wrote_under_is_known_from_its_parquet(stack: Stack, source: Source) -> None:
    stack.stands(source, FRIDAY - timedelta(days=1))
    forget_words(stack)
    assert stack.sync(Source(source.sales, minor=100), terms=JPY).plan.because
    assert stack.revenue(JPY) == true_revenue(source.sales, minor=100)


def test_what_a_newer_version_wrote_is_refused_by_name_and_a_rebuild_writes_it_anew(
    stack: Stack, source: Source
) -> None:
    stack.stands(source, FRIDAY - timedelta(days=1))
    key = "history/coverage/sales.json"
    stack.put(key, json.dumps({**json.loads(stack.get(key)[0]), "schema": "3"}).encode())
    with pytest.raises(HistoryOfNewerVersion, match=key):
        stack.sync(source)
    stack.sync(source, rebuild=True)
    assert stack.revenue() == true_revenue(source.sales)


@pytest.mark.parametrize("read_at", ["2036-11-19T23:00:05+00:00", "2026-11-19T23:00:05", "yesterday"])
def test_a_reading_that_nobody_can_have_made_keeps_no_new_sale_out(stack: Stack, source: Source, read_at: str) -> None:
    stack.stands(source, FRIDAY - timedelta(days=1))
    for key in [key for key in stack.stored() if "month=2026-11" in key]:
        body, metadata = stack.get(key)
        stack.put(key, body, {**metadata, "since": "2026-11-12", "read-at": read_at})
    stack.sync(source)
    assert stack.revenue() == true_revenue(source.sales)


def test_what_is_later_than_the_read_is_not_stored_and_costs_no_month(stack: Stack, source: Source) -> None:
    source.sales = [*source.sales, Sale(datetime(2062, 11, 20, 12), (Item("A1", "Tea", 1, 1200),))]
    outcome = stack.sync(source)
    assert not [key for key in stack.stored() if "2062" in key]
    assert outcome.coverage.last == FRIDAY
    assert outcome.newest_sale == datetime(2026, 11, 20, 12, 2)


@pytest.mark.parametrize("gone", [lambda sale: True, lambda sale: sale.sold_at.date() > FRIDAY - timedelta(days=3)])
def test_a_large_loss_is_believed_once_a_second_read_says_the_same(
    stack: Stack, source: Source, gone: Callable[[Sale], bool]
) -> None:
    stack.stands(source)
    everything = source.sales
    source.sales, source.asked = [sale for sale in everything if not gone(sale)], []
    outcome = stack.sync(source)
    assert len(source.asked) == 2
    assert outcome.loss is not None
    assert outcome.loss.sales_now < outcome.loss.sales_before
    kept = [sale for sale in everything if sale.sold_at.date() < outcome.plan.since or not gone(sale)]
    assert stack.revenue() == true_revenue(kept)


@pytest.mark.parametrize("rebuild", [False, True])
def test_an_answer_that_is_gone_with_the_next_changes_nothing(stack: Stack, source: Source, rebuild: bool) -> None:
    stack.stands(source)
    source.answers = [[]]
    outcome = stack.sync(source, rebuild=rebuild)
    assert outcome.loss is None
    assert stack.revenue() == true_revenue(source.sales)


def test_two_answers_that_lack_much_and_differ_are_refused(stack: Stack, source: Source) -> None:
    stack.stands(source)
    source.answers = [[], list(source.sales)[-2:]]
    with pytest.raises(SourceForgetsSales, match="asked twice it answers differently"):
        stack.sync(source)
    assert stack.revenue() == true_revenue(source.sales)


def test_a_correction_of_a_few_sales_is_read_once(stack: Stack, source: Source) -> None:
    stack.stands(source)
    source.sales, source.asked = source.sales[:-2], []
    assert stack.sync(source).loss is None
    assert len(source.asked) == 1
    assert stack.revenue() == true_revenue(source.sales)


def test_what_arrives_late_is_found_by_the_week_s_deep_read(stack: Stack, source: Source) -> None:
    stack.stands(source)
    late = Sale(datetime(2026, 10, 5, 10), (Item("B2", "Cup", 1, 99999),))
    source.sales = [*source.sales, late]
    saturday, sunday, monday = (FRIDAY + timedelta(days=n) for n in (1, 2, 3))
    assert stack.sync(source, saturday).plan.since == saturday - timedelta(days=7)
    assert stack.sync(source, sunday).plan.since == sunday - timedelta(days=60)
    assert stack.revenue()[date(2026, 10, 5)] == 3 * 1200 + 99999
    assert stack.sync(source, sunday).plan.since == sunday - timedelta(days=7)
    assert stack.sync(source, monday).plan.since == monday - timedelta(days=7)


def test_what_is_known_begins_with_the_first_sale(stack: Stack) -> None:
    outcome = stack.sync(Source(daily(date(2026, 11, 18), FRIDAY)))
    history = stack.history()
    stack.sync(Source(daily(date(2026, 11, 18), FRIDAY)))
    history._store.survey("history/", before="history/stock/")
    assert history.known_from(outcome.coverage, date(2026, 8, 1)) == date(2026, 11, 18)
    assert history.known_from(outcome.coverage, date(2026, 12, 1)) <= date(2026, 11, 18)


def test_months_before_the_first_sale_are_covered_with_its_own(stack: Stack, wire: Wire) -> None:
    source = Source(daily(date(2026, 11, 3), FRIDAY))
    assert stack.sync(source).coverage.first == date(2026, 8, 12)
    written = [operation for operation in wire.operations() if operation.startswith("PUT history/coverage/")]
    assert sorted(written) == [f"PUT history/coverage/{part}.json" for part in ("daily", "sales", "shop")]
    assert stack.sync(source).plan.since == FRIDAY - timedelta(days=7)
    assert stack.revenue() == true_revenue(source.sales)


def test_a_month_whose_sales_are_all_gone_is_not_the_first_that_is_known(stack: Stack) -> None:
    stack.sync(Source(daily(date(2026, 10, 25), FRIDAY)))
    outcome = stack.sync(Source(daily(date(2026, 11, 3), FRIDAY)), rebuild=True)
    history = stack.history()
    history._store.survey("history/", before="history/stock/")
    assert history.known_from(outcome.coverage, date(2026, 8, 1)) == date(2026, 11, 3)


@pytest.mark.parametrize("day_ends_at", [time(0), time(4)])
def test_what_passes_some_days_at_a_time_is_stored_as_what_passes_at_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, day_ends_at: time
) -> None:
    sales = [
        Sale(
            datetime(2026, 10, 25) + timedelta(hours=5 * n),
            (Item(f"S{n % 3}", f"Name {n % 4}", 1 - 3 * (n % 7 == 0), n + 1), Item(f"S{n % 5}", "Other", 2, 900 + n)),
        )
        for n in range(120)
    ]
    later = [*sales[:100], *(replace(sale, items=sale.items[:1]) for sale in sales[100:])]
    monkeypatch.setattr("salesflow.history.lines.ROW_GROUP", 7)
    stored: list[dict[str, bytes]] = []
    for lines, size in ((10**6, 10**9), (1, 1)):
        monkeypatch.setattr("salesflow.history.passing.MOST_LINES", lines)
        monkeypatch.setattr("salesflow.history.months.BATCH_BYTES", size)
        for told, day in ((sales, FRIDAY - timedelta(days=1)), (later, FRIDAY)):
            stack.sync(Source(told), day, replace(TERMS, day_ends_at=day_ends_at))
        stored.append({key: stack.get(key)[0] for key in stack.stored()})
        stack.delete(*stored[-1])
    assert stored[0] == stored[1]
    month = pq.read_table(io.BytesIO(stored[1]["history/sales/month=2026-11/lines.parquet"])).to_pandas()
    begins = datetime(2026, 11, 1, day_ends_at.hour)
    wanted = [
        (sale.sold_at, item.sku, item.name, item.subtotal)
        for sale in later
        if sale.sold_at >= begins
        for item in sale.items
    ]
    assert list(month[["sold_at", "sku", "name", "subtotal"]].itertuples(index=False, name=None)) == wanted


def test_a_first_sync_that_broke_off_is_gone_on_with_at_the_month_that_it_was_at(
    stack: Stack, source: Source, wire: Wire
) -> None:
    wire.refuse(calls("PUT history/sales/month=2026-11"), 403, "AccessDenied")
    with pytest.raises(SalesFlowError):
        stack.sync(source)
    wire.reset()
    source.asked = []
    stack.sync(source)
    assert source.asked == [date(2026, 10, 25)], "a month and the usual overlap, and not as far as a week's deep read"
    assert stack.revenue() == true_revenue(source.sales)
