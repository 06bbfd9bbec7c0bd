"""The replay as an operator runs it."""

from datetime import date
from pathlib import Path

import pytest

from tests.integration.test_ops_commands import ops

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


@pytest.fixture
def a_year_of_sales(tmp_path: Path) -> Path:
    """A shop that sells thirty times a day, twice as much on Saturdays, and nearly nothing on the 15th of September."""
    rows, number = [], 536365
    for ordinal in range(date(2011, 1, 1).toordinal(), date(2011, 10, 1).toordinal()):
        day = date.fromordinal(ordinal)
        count = 3 if day == date(2011, 9, 15) else (60 if day.weekday() == 5 else 30) + ordinal * 7 % 5
        for n in range(count):
            minute = 9 * 60 + n * 600 // max(count - 1, 1)
            rows.append(f"{number},A{n % 7},Tea {n % 7},1,{day} {minute // 60:02}:{minute % 60:02}:00,2.5,1,France\n")
            number += 1
    path = tmp_path / "invoices.csv"
    path.write_text(HEADER + "".join(rows), "utf-8")
    return path


def test_a_replay_shows_the_alerts_and_how_many_a_month(a_year_of_sales: Path) -> None:
    done = ops(
        "simulate", "anomalies", "--data", a_year_of_sales, "--from", "2011-09-01", "--to", "2011-09-30",
        "--sensitivity", "1", "--sensitivity", "4",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "AlertsPerMonth 1:" in done.stdout
    assert "AlertsPerMonth 4:" in done.stdout
    assert "2011-09-15\topened\tThursday's" in done.stdout
    assert "2011-09-17\tresolved\tSales are back to usual." in done.stdout
    summary = [line.split("\t") for line in done.stdout.splitlines() if line.startswith(("1\t", "4\t"))]
    assert [row[0] for row in summary] == ["1", "4"]
    assert all(float(row[5]) >= 1 for row in summary)


def test_a_period_that_is_not_known_is_refused_in_a_sentence(a_year_of_sales: Path) -> None:
    done = ops("simulate", "anomalies", "--data", a_year_of_sales, "--from", "2010-01-01", "--to", "2011-09-30")
    assert done.returncode == 1
    assert "known from 2011-01-01 to 2011-09-30" in done.stderr
    assert "Traceback" not in done.stderr
