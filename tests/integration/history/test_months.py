"""The stored history against a real object API: what a sync replaces, and what two syncs at once leave behind."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import pandas as pd
import pyarrow.parquet as pq
import pytest

from salesflow import s3
from salesflow.analytics.lines import SaleLines
from salesflow.analytics.sales import daily_series
from salesflow.aws import AwsClients
from salesflow.errors import HistoryConflict, HistoryDamaged, HistoryUnavailable
from salesflow.history import lines as line_history
from salesflow.history.coverage import Coverage, Index, Part, read_coverage
from salesflow.history.lines import SaleLineHistory
from salesflow.history.months import MonthlyTable, months
from salesflow.history.panel import DailyPanel, panel_of
from salesflow.history.reading import Reading
from salesflow.history.set_aside import SetAside, SetAsideRecord
from salesflow.history.stock import StockHistory, StockSnapshot
from salesflow.history.terms import Terms
from salesflow.money import Currency
from salesflow.s3 import ATTEMPTS, ObjectStore
from salesflow.windows import Window
from tests.stand_ins.aws import Answer, Wire, calls
from tests.unit.analytics.tables import Item, Sale, lines_of

NOVEMBER = date(2026, 11, 1)
TODAY = date(2026, 11, 23)
TERMS = Terms(Currency("CNY"), "Asia/Shanghai", time(0))


@pytest.fixture
def store(clients: AwsClients, bucket: str) -> ObjectStore:
    return ObjectStore(clients.s3, bucket)


@pytest.fixture
def lines(store: ObjectStore) -> SaleLineHistory:
    return SaleLineHistory(store, TERMS)


def shop(first: date, days: int, cents: int = 100) -> pd.DataFrame:
    """One sale a day at noon; `cents` tells one reading from another."""
    return lines_of(
        [
            Sale(
                datetime.combine(first + timedelta(days=n), datetime.min.time()).replace(hour=12),
                (Item("A1", "Thé 茶", 1, cents),),
            )
            for n in range(days)
        ]
    )


def reading(since: date, minute: int) -> Reading:
    return Reading(since, datetime(2026, 11, 23, 8, minute, tzinfo=UTC))


def store_days(table: MonthlyTable, rows: pd.DataFrame, taken: Reading) -> None:
    """Write the rows of a reading, month by month, as a sync does."""
    days = table.days(rows).astype("datetime64[M]").astype(str)
    for month in months(taken.since, TODAY):
        table.replace_month(month, [rows[days == month]], taken)


def cents_by_day(lines: SaleLineHistory, first: date, last: date) -> dict[date, int]:
    table = lines.read(first, last)
    return dict(zip(table["sold_at"].dt.date, table["subtotal"], strict=True))


def test_what_was_out_of_stock_at_the_counts_is_known_without_reading_them_again(store: ObjectStore) -> None:
    items = pd.DataFrame(
        {
            "product_id": [1, 2], "sku": ["A1", "B2"], "name": ["Tea", "Pot"], "price": [100, 900], "stock_quantity": [0, 3],
            "low_stock_threshold": [1, 1], "cost": pd.array([None, 5], dtype="Int64"), "category": pd.Series([None, "x"], dtype="str"),
        }
    )  # fmt: skip
    kept = StockHistory(store, TERMS)
    assert kept.stockouts().empty
    for back in (2, 1, 1):
        day = TODAY - timedelta(days=back)
        kept.keep(day, StockSnapshot(items, datetime(2026, 11, 23, 1)))
    (spell,) = StockHistory(store, TERMS).stockouts().to_dict("records")
    assert spell == {"sku": "A1", "first": pd.Timestamp("2026-11-21"), "last": pd.Timestamp("2026-11-22")}
    store.update("history/out-of-stock.csv.gz", lambda _: (b"torn", {}), "application/gzip")
    with pytest.raises(HistoryDamaged, match="out-of-stock"):
        StockHistory(store, TERMS).stockouts()


def test_what_was_stored_is_read_back_exactly(lines: SaleLineHistory) -> None:
    table = shop(date(2026, 9, 20), 60)
    store_days(lines.table, table, reading(date(2026, 9, 1), 0))
    back = lines.read(date(2026, 9, 1), TODAY)
    pd.testing.assert_frame_equal(back, table)


def test_only_the_days_asked_for_come_back(lines: SaleLineHistory) -> None:
    store_days(lines.table, shop(date(2026, 9, 20), 60), reading(date(2026, 9, 1), 0))
    back = lines.read(date(2026, 9, 30), date(2026, 10, 1))
    assert [moment.date() for moment in back["sold_at"]] == [date(2026, 9, 30), date(2026, 10, 1)]


@pytest.mark.parametrize("batch", [1, 1_500, 4_000_000])
def test_what_was_sold_is_the_same_however_few_days_are_read_at_a_time(
    lines: SaleLineHistory, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    rows = pd.concat([shop(date(2026, 9, 20), 60), shop(date(2026, 9, 20), 60, cents=7)])
    rows["sale_id"] = range(len(rows))
    store_days(lines.table, rows, reading(date(2026, 9, 1), 0))
    monkeypatch.setattr("salesflow.history.months.BATCH_BYTES", batch)
    sold = lines.sold_days(date(2026, 9, 25), date(2026, 11, 4))
    assert [
        (day.day, day.revenue, day.transactions)
        for day in daily_series(sold, Window(date(2026, 9, 25), date(2026, 11, 4)))
    ] == [(date(2026, 9, 25) + timedelta(days=n), 107, 2) for n in range(41)]
    assert sold.rows == 82
    assert not len(lines.sold_days(date(2026, 12, 1), date(2026, 12, 2)))


def test_a_later_reading_replaces_its_days_and_no_others(lines: SaleLineHistory) -> None:
    store_days(lines.table, shop(NOVEMBER, 20, cents=100), reading(NOVEMBER, 0))
    store_days(lines.table, shop(date(2026, 11, 15), 8, cents=200), reading(date(2026, 11, 15), 5))
    days = cents_by_day(lines, NOVEMBER, TODAY)
    assert {day: cents for day, cents in days.items() if day < date(2026, 11, 15)} == {
        NOVEMBER + timedelta(days=n): 100 for n in range(14)
    }
    assert {days[date(2026, 11, 15) + timedelta(days=n)] for n in range(8)} == {200}


def test_a_sale_deleted_at_the_source_goes(lines: SaleLineHistory) -> None:
    store_days(lines.table, shop(NOVEMBER, 20), reading(NOVEMBER, 0))
    store_days(lines.table, shop(date(2026, 11, 18), 0), reading(date(2026, 11, 18), 5))
    assert max(cents_by_day(lines, NOVEMBER, TODAY)) == date(2026, 11, 17)


def test_a_reading_begun_earlier_but_written_later_takes_nothing_back(lines: SaleLineHistory) -> None:
    late, early = reading(date(2026, 11, 15), 5), reading(NOVEMBER, 0)
    store_days(lines.table, shop(date(2026, 11, 15), 8, cents=200), late)
    store_days(lines.table, shop(NOVEMBER, 20, cents=100), early)
    days = cents_by_day(lines, NOVEMBER, TODAY)
    assert days[date(2026, 11, 14)] == 100
    assert days[date(2026, 11, 15)] == 200
    assert days[date(2026, 11, 22)] == 200


def test_ten_readings_at_once_leave_every_day_once(store: ObjectStore, clients: AwsClients, bucket: str) -> None:
    def sync(n: int) -> None:
        own, table = ObjectStore(clients.s3, bucket), shop(NOVEMBER, 20, cents=100 + n)
        store_days(SaleLineHistory(own, TERMS).table, table, reading(NOVEMBER, n))
        store_days(DailyPanel(own, TERMS).table, panel_of(SaleLines.from_table(table)), reading(NOVEMBER, n))

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(sync, range(10)))
    days = cents_by_day(SaleLineHistory(store, TERMS), NOVEMBER, TODAY)
    assert days == {NOVEMBER + timedelta(days=n): 109 for n in range(20)}  # the newest reading, whoever wrote last
    panel = DailyPanel(store, TERMS).read(NOVEMBER, TODAY)
    assert panel["revenue"].tolist() == [109] * 20


def test_unchanged_months_are_not_written_again(lines: SaleLineHistory, clients: AwsClients, bucket: str) -> None:
    for minute in range(3):
        store_days(lines.table, shop(NOVEMBER, 20), reading(NOVEMBER, minute))
    versions = clients.s3.list_object_versions(Bucket=bucket)["Versions"]
    assert len(versions) == 1


def test_the_same_days_give_the_same_bytes_however_they_were_read(lines: SaleLineHistory, store: ObjectStore) -> None:
    key = "history/sales/month=2026-11/lines.parquet"
    whole = shop(NOVEMBER, 20)
    store_days(lines.table, whole, reading(NOVEMBER, 0))
    first = store.read(key)
    store_days(lines.table, shop(NOVEMBER, 22, cents=900), reading(NOVEMBER, 1))
    store_days(lines.table, whole, reading(NOVEMBER, 2))
    again = store.read(key)
    assert first is not None
    assert again is not None
    assert first.body == again.body


def test_a_damaged_month_is_named_and_a_rebuild_mends_it(
    lines: SaleLineHistory, clients: AwsClients, bucket: str
) -> None:
    key = "history/sales/month=2026-11/lines.parquet"
    store_days(lines.table, shop(NOVEMBER, 20), reading(NOVEMBER, 0))
    clients.s3.put_object(Bucket=bucket, Key=key, Body=b"PAR1 and then nothing")
    with pytest.raises(HistoryDamaged, match=key) as caught:
        lines.read(NOVEMBER, TODAY)
    assert "rebuild" in caught.value.action
    with pytest.raises(HistoryDamaged):
        store_days(lines.table, shop(date(2026, 11, 15), 5), reading(date(2026, 11, 15), 1))
    store_days(lines.table, shop(NOVEMBER, 20), reading(date(2026, 10, 1), 2))
    assert len(cents_by_day(lines, NOVEMBER, TODAY)) == 20


def test_a_history_without_any_sale_is_an_empty_table(lines: SaleLineHistory) -> None:
    store_days(lines.table, shop(NOVEMBER, 0), reading(NOVEMBER, 0))
    empty = lines.read(NOVEMBER, TODAY)
    assert empty.empty
    assert [dtype.kind for dtype in empty.dtypes] == [dtype.kind for dtype in shop(NOVEMBER, 1).dtypes]


def test_coverage_grows_and_survives_two_writers(store: ObjectStore) -> None:
    part = Part("daily", (DailyPanel(store, TERMS).table,))
    assert read_coverage(store, "daily") is None
    spans = [Coverage(NOVEMBER, NOVEMBER + timedelta(days=n)) for n in range(8)]
    known = Index(Coverage(NOVEMBER, NOVEMBER), {})

    def extend(span: Coverage) -> None:
        part.extend(
            ObjectStore(store._bucket._client, store._bucket.name),
            span,
            {},
            known=known,
            deep_read=date.min,
            latest=TODAY,
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(extend, spans))
    assert read_coverage(store, "daily") == spans[-1]


def test_damaged_coverage_is_named(store: ObjectStore, clients: AwsClients, bucket: str) -> None:
    clients.s3.put_object(Bucket=bucket, Key="history/coverage/sales.json", Body=b"<html>")
    with pytest.raises(HistoryDamaged, match=r"history/coverage/sales\.json"):
        read_coverage(store, "sales")


def test_an_object_of_which_only_the_metadata_are_new_is_read_as_it_is_now(store: ObjectStore) -> None:
    for moment in ("1", "2"):
        store.update("history/x", partial(_same_bytes, moment), "text/plain")
        stored = store.read("history/x")
        assert stored is not None
        assert stored.metadata["read-at"] == moment


def _same_bytes(moment: str, _: object) -> tuple[bytes, dict[str, str]]:
    return b"same", {"read-at": moment}


def test_an_object_that_others_keep_rewriting_is_given_up_with_a_reason(
    store: ObjectStore, clients: AwsClients, bucket: str
) -> None:
    calls = 0

    def overtaken(_: object) -> tuple[bytes, dict[str, str]]:
        nonlocal calls
        calls += 1
        clients.s3.put_object(Bucket=bucket, Key="history/x", Body=f"another {calls}".encode())
        return b"mine", {}

    with pytest.raises(HistoryConflict, match="history/x"):
        store.update("history/x", overtaken, "text/plain")
    assert calls == ATTEMPTS


def test_a_stock_snapshot_is_kept_as_it_was_first_taken(store: ObjectStore) -> None:
    def stock(pieces: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "product_id": [1, 2],
                "sku": ["NA", "B2"],
                "name": ['=SUM(A1), "quoted"\nand broken', "Thé 茶"],
                "price": [1250, 0],
                "stock_quantity": [pieces, -1],
                "low_stock_threshold": [5, 0],
                "cost": pd.array([700, None], dtype="Int64"),
                "category": ["Tea", None],
            }
        )

    history = StockHistory(store, TERMS)
    assert history.read(TODAY) is None
    first = history.keep(TODAY, StockSnapshot(stock(10), datetime(2026, 11, 24, 0, 20)))
    second = history.keep(TODAY, StockSnapshot(stock(7), datetime(2026, 11, 24, 9, 40)))
    assert second.counted_at == first.counted_at == datetime(2026, 11, 24, 0, 20)
    assert second.items["stock_quantity"].tolist() == [10, -1]
    assert second.items["name"].tolist() == ['=SUM(A1), "quoted"\nand broken', "Thé 茶"]
    assert second.items["sku"].tolist() == ["NA", "B2"]
    assert second.items["cost"].isna().tolist() == [False, True]
    assert second.items["category"].isna().tolist() == [False, True]


def test_records_set_aside_are_remembered_by_day_and_forgotten_when_mended(store: ObjectStore) -> None:
    def record(number: int, day: str | None) -> SetAsideRecord:
        return SetAsideRecord("GET /sales/history", str(number), "quantity", "is missing", day)

    set_aside = SetAside(store)
    set_aside.replace_days([record(1, "2026-11-02"), record(2, "2026-11-20"), record(3, None)], reading(NOVEMBER, 0))
    assert [r.record for r in set_aside.read(date(2026, 11, 20), TODAY)] == ["3", "2"]
    set_aside.replace_days([], reading(date(2026, 11, 15), 1))
    assert [r.record for r in set_aside.read(NOVEMBER, TODAY)] == ["1"]


@pytest.mark.parametrize("broken", ["denied", "cut short"])
def test_a_bucket_that_does_not_do_its_part_is_named_with_the_key(store: ObjectStore, wire: Wire, broken: str) -> None:
    store.write_new("history/x", b"some bytes", "text/plain", {})
    if broken == "denied":
        wire.refuse(calls("GET history/x"), 403, "AccessDenied")
    else:
        wire.alter(calls("GET history/x"), lambda answer: setattr(answer, "body", answer.body[:3]), times=9)
    with pytest.raises(HistoryUnavailable, match="history/x"):
        store.read("history/x")


@pytest.mark.parametrize("in_memory", [4, 100])
def test_a_body_that_broke_off_once_is_read_again(
    store: ObjectStore, wire: Wire, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(s3, "IN_MEMORY", in_memory)
    store.write_new("history/x", b"some bytes", "text/plain", {})
    wire.alter(calls("GET history/x"), lambda answer: setattr(answer, "body", b"same bytes"))
    stored = store.read("history/x")
    assert stored is not None
    assert stored.body == b"some bytes"


def test_a_large_object_is_on_disk_and_no_other_way_of_being_stored(
    store: ObjectStore, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def content(byte: bytes) -> s3.Content:
        file = s3.new_content()
        file.write(byte * 20)
        return s3.finished(file)

    monkeypatch.setattr(s3, "IN_MEMORY", 10)
    store.survey("history/", before="history/y")
    for some in (content(b"a"), content(b"a"), content(b"b")):
        store.update("history/x", partial(lambda some, _: (some, {}), some), "text/plain")
    assert (stored := store.read("history/x")) is not None
    assert not isinstance(stored.content, bytes)
    assert (stored.body, stored.body, stored.size) == (b"b" * 20, b"b" * 20, 20)
    assert wire.operations().count("PUT history/x") == 2


def test_a_refused_write_is_named_with_the_key(store: ObjectStore, wire: Wire) -> None:
    wire.refuse(calls("PUT history/x"), 403, "AccessDenied")
    with pytest.raises(HistoryUnavailable, match=r"write s3://.*/history/x"):
        store.write_new("history/x", b"some bytes", "text/plain", {})


@pytest.mark.parametrize("times", [1, 9])
def test_what_lay_there_before_the_own_write_is_not_taken_for_what_is_there(
    store: ObjectStore, wire: Wire, times: int
) -> None:
    """S3 promises to answer with the last write. A report that is made of the one before would be wrong and look right."""
    store.write_new("history/x", b"before", "text/plain", {})
    old: list[Answer] = []
    wire.alter(calls("GET history/x"), old.append)
    store.update("history/x", lambda stored: (b"after", {}), "text/plain")
    wire.alter(calls("GET history/x"), lambda answer: vars(answer).update(vars(old[0])), times=times)
    if times == 1:
        assert (stored := store.read("history/x")) is not None
        assert stored.body == b"after"
    else:
        with pytest.raises(HistoryUnavailable, match="replaced"):
            store.read("history/x")


def test_what_another_run_writes_again_is_what_is_there_though_this_run_had_replaced_it(
    store: ObjectStore, clients: AwsClients, bucket: str
) -> None:
    """On a fresh stack jobs bring the same months up to date at one moment: an index may look again as it did before."""
    other = ObjectStore(clients.s3, bucket)
    store.write_new("history/x", b"first", "text/plain", {})
    store.update("history/x", lambda _: (b"second", {}), "text/plain")
    other.update("history/x", lambda _: (b"first", {}), "text/plain")
    assert (stored := store.read("history/x")) is not None
    assert stored.body == b"first"


@pytest.mark.parametrize("day_ends_at", [time(0), time(4)])
def test_a_few_days_are_the_same_whatever_groups_the_rows_of_a_month_lie_in(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch, day_ends_at: time
) -> None:
    monkeypatch.setattr(line_history, "ROW_GROUP", 7)
    sales = [
        Sale(datetime(2026, 10, 25) + timedelta(hours=5 * n), (Item(f"S{n % 3}", f"Name {n % 4}", 1, n),))
        for n in range(120)
    ]
    table = lines_of(sales)
    history = SaleLineHistory(store, replace(TERMS, day_ends_at=day_ends_at))
    store_days(history.table, table, reading(date(2026, 10, 1), 0))
    stored = store.read("history/sales/month=2026-11/lines.parquet")
    assert stored is not None
    assert pq.ParquetFile(io.BytesIO(stored.body)).num_row_groups > 5
    ends = timedelta(hours=day_ends_at.hour)
    for first, last in ((date(2026, 10, 30), date(2026, 11, 2)), (date(2026, 11, 5), date(2026, 11, 5))):
        begin, end = (datetime.combine(day, time()) + ends for day in (first, last + timedelta(days=1)))
        wanted = [n for n, sale in enumerate(sales) if begin <= sale.sold_at < end]
        found = history.read(first, last)
        assert found["subtotal"].tolist() == wanted
        assert found["sku"].astype(str).tolist() == [f"S{n % 3}" for n in wanted]
        assert found["name"].cat.categories.tolist() == sorted({f"Name {n % 4}" for n in wanted})
