"""The replay as an operator runs it: on a file of invoice lines, and on the stack's own history."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ops.commands.simulate import _past_of_file
from ops.complaints import Failed, Misused
from ops.simulate import past_of_stack, replay
from ops.target import Target
from salesflow import clock
from tests.integration.ops.running import Desk, ops

FIRST = date(2011, 5, 1)
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


@pytest.fixture
def a_file_of_sales(tmp_path: Path) -> Path:
    """Five months of a shop that sells a dozen times a day, twice as much on Saturdays, and nearly nothing on the 15th of September."""
    rows, number = [], 536365
    for ordinal in range(FIRST.toordinal(), date(2011, 10, 1).toordinal()):
        day = date.fromordinal(ordinal)
        count = 2 if day == date(2011, 9, 15) else (28 if day.weekday() == 5 else 14) + ordinal * 7 % 3
        for n in range(count):
            minute = 9 * 60 + n * 600 // max(count - 1, 1)
            rows.append(f"{number},A{n % 7},Tea {n % 7},1,{day} {minute // 60:02}:{minute % 60:02}:00,2.5,1,France\n")
            number += 1
    path = tmp_path / "invoices.csv"
    path.write_text(HEADER + "".join(rows), "utf-8")
    return path


def test_a_replay_shows_the_alerts_and_how_many_a_month(a_file_of_sales: Path) -> None:
    period = ("--from", "2011-09-01", "--to", "2011-09-30")
    asked = ("simulate", "anomalies", "--data", a_file_of_sales, *period, "--sensitivity", "1", "--sensitivity", "4")
    said = ops(*asked)
    assert said.code == 0, said.err
    assert "2011-09-15\topened\t1, 4\tThursday's" in said.out
    assert "resolved" not in said.out.split("alerts_per_month\topened")[0]  # one slow day has no end to tell
    data = ops(*asked, "--json").data
    assert (data["from"], data["to"]) == ("2011-09-01", "2011-09-30")
    assert [one["alerts_per_month"] for one in data["replays"]] == [1, 4]
    for one in data["replays"]:
        assert one["opened"] >= 1
        assert one["opened_a_month"] == one["opened"]
        assert one["mails"] == len(one["digests"])
        assert f"{one['alerts_per_month']:g}\t{one['opened']}\t{one['worse']}\t" in said.out


def test_a_replay_asks_the_stock_of_each_day_and_a_period_that_makes_no_sense_is_refused(a_file_of_sales: Path) -> None:
    lines = a_file_of_sales.read_text("utf-8").splitlines(keepends=True)
    a_file_of_sales.write_text(
        "".join(line for line in lines if ",A3," not in line or line.split(",")[4] < "2011-09-10"), "utf-8"
    )
    past = _past_of_file(["--data", str(a_file_of_sales)], {})

    def told(pieces: int) -> list[str]:
        counted = {f"A{n}": pieces for n in range(7)}
        (found,) = replay(replace(past, stock=lambda _: counted), date(2011, 9, 8), date(2011, 9, 20), [4])
        return [one.text for _, digest in found.digests for one in digest]

    assert any(text.startswith("Tea 3 (A3) is out of stock") for text in told(0))
    assert any(text.startswith("Tea 3 (A3) is in stock (40)") for text in told(40))
    with pytest.raises(Failed, match=f"known from {FIRST} to 2011-09-30"):
        past.period(date(2010, 1, 1), date(2011, 9, 30))
    with pytest.raises(Misused, match="--from 2011-09-30 lies after --to 2011-09-01"):
        past.period(date(2011, 9, 30), date(2011, 9, 1))


def test_what_is_said_has_the_last_word(a_file_of_sales: Path) -> None:
    period = ("--from", "2011-09-14", "--to", "2011-09-18")
    asked = ("simulate", "anomalies", "--data", a_file_of_sales, *period, "--sensitivity", "4")
    said = ops(*asked).out
    assert "below a usual Thursday" in said
    assert "(A6)" not in said  # the slow day of the whole shop explains it
    assert "below a usual Thursday" not in ops(*asked, "--min-deviation", "99", "--mute", "A6").out


def test_a_file_that_holds_no_sales_is_refused_in_the_user_s_words(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("a,b\n1,2\n")
    said = ops("simulate", "anomalies", "--data", path)
    assert said.code == 1
    assert "cannot be read as invoice lines" in said.err
    assert "should not happen" not in said.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--holidays", "Atlantis"), "HOLIDAYS"),
        (("--sample",), "--data and --sample are two shops"),
    ],
)
def test_options_that_make_no_sense_are_refused(a_file_of_sales: Path, words: tuple[str, ...], complaint: str) -> None:
    said = ops("simulate", "anomalies", "--data", a_file_of_sales, *words)
    assert said.code == 2
    assert complaint in said.err


def test_without_a_stack_it_says_what_to_replay_instead(desk: Desk) -> None:
    said = ops("simulate", "anomalies")
    assert said.code == 2
    assert "No region was said" in said.err
    assert "--data FILE or --sample" in said.err


def test_a_stack_is_replayed_from_its_own_history_with_its_own_settings(desk: Desk) -> None:
    empty = desk("simulate", "anomalies")
    assert empty.code == 3
    assert "no history of sales yet" in empty.err
    assert desk("run", "sync-history").code == 0
    assert desk("run", "report", "--type", "stock", "--notify", "none").code == 0
    yesterday = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1)
    said = desk("simulate", "anomalies", "--from", yesterday - timedelta(days=30), "--to", yesterday, "--json")
    assert said.code == 0, said.err
    assert [one["alerts_per_month"] for one in said.data["replays"]] == [1, 2, 4, 8]
    mails = [one["mails"] for one in said.data["replays"]]
    assert mails == sorted(mails)
    assert desk("simulate", "anomalies", "--to", yesterday + timedelta(days=1)).code == 1
    past = past_of_stack(Target(local=True).resolve(), {})
    assert past.stock(yesterday)
    assert set(past.listed()) == set(past.stock(yesterday))
    assert past.stock(yesterday - timedelta(days=1)) == {}


def test_what_has_no_price_of_its_own_is_listed_as_a_service_with_the_reason(a_file_of_sales: Path) -> None:
    with a_file_of_sales.open("a", encoding="utf-8") as file:
        for n in range(30):
            file.write(f"{900_000 + n},POST,Postage,1,2011-09-{n + 1:02} 19:30:00,{1.5 + 2 * n},1,France\n")
    said = ops("services", "--data", a_file_of_sales, "--json")
    assert said.code == 0, said.err
    (service,) = said.data["services"]
    assert (service["sku"], service["name"]) == ("POST", "Postage")
    assert service["why"].startswith("No price of its own: ")
    assert service["low"] < service["high"] / 10
