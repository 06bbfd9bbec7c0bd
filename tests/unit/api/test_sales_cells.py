"""Amounts and dates as people write them: what can be one thing only is read, what may be two is refused."""

from pathlib import Path

import pytest

from local.api import online_retail_store


@pytest.mark.parametrize(
    ("written", "digits", "total"),
    [
        ("1,234.50", 2, 1234.5),
        ("1.234,50", 2, 1234.5),
        ("12,5", 2, 12.5),
        ("1,234", 0, 1234.0),
        ("1.234", 0, 1234.0),
        ("1'234.565", 3, 1234.565),
        ("12.505", 3, 12.505),
        ("1,23,456.50", 2, 123456.5),
        ("\u20b91\u202f234.5", 2, 1234.5),
        ("Rs. 2.50", 2, 2.5),
        ("2,50 kr", 2, 2.5),
        ("\u22122.50", 2, -2.5),
        ("0.125", 2, 0.13),
        ("1234.567", 2, 1234.57),
    ],
)
def test_amounts_as_people_write_them(tmp_path: Path, written: str, digits: int, total: float) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(f"date;product;qty;price\n2026-11-20;Tea;1;{written}\n")
    (sale,) = online_retail_store(path, minor_digits=digits).sales
    assert sale.total_amount == total


@pytest.mark.parametrize(
    ("rows", "sold"),
    [
        (["1.234;2,55"], [(1234, 2.55)]),
        (["1,000;2,55"], [(1, 2.55)]),
        (["2;1.234", "1;2,55"], [(2, 1234.0), (1, 2.55)]),
        (["2;1,234", "1;2.55"], [(2, 1234.0), (1, 2.55)]),
        (["2;1.234.567"], [(2, 1234567.0)]),
        (["2;1,234.5", "1;1.234,5"], [(2, 1234.5), (1, 1234.5)]),
    ],
)
def test_the_files_other_numbers_tell_a_thousand_from_three_decimals(
    tmp_path: Path, rows: list[str], sold: list[tuple[int, float]]
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("date;product;qty;price\n" + "".join(f"2026-11-20;Tea;{row}\n" for row in rows))
    sales = online_retail_store(path).sales
    assert [(sale.items[0].quantity, sale.items[0].unit_price) for sale in sales] == sold


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1;1.234", "row 2, price: '1.234' may be thousands or have three decimals.* write 1234 or 1.2340"),
        ("1;1,234", "row 2, price: '1,234' may be thousands"),
        ("1.000;2", "row 2, qty: '1.000' may be thousands"),
        ("1;1.2.3", "row 2, price: '1.2.3' is no number"),
        ("1;1234,567.50", "row 2, price: '1234,567.50' is no number"),
        ("1_000;2", "row 2, qty: '1_000' is no number"),
        ("5 kg;2", "row 2, qty: '5 kg' is no number"),
        ("1;nan", "row 2, price: 'nan' is no number"),
    ],
)
def test_a_number_that_may_be_two_is_not_guessed(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(f"date;product;qty;price\n2026-11-20;Tea;{row}\n")
    with pytest.raises(ValueError, match=message):
        online_retail_store(path)


@pytest.mark.parametrize(
    ("dates", "days"),
    [
        (["11/11/2026"], [11]),
        (["03.11.26", "04.11.26"], [3, 4]),
        (["13/11/26", "14/11/26"], [13, 14]),
        (["20261103"], [3]),
    ],
)
def test_dates_that_can_be_one_day_only(tmp_path: Path, dates: list[str], days: list[int]) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("date,product,qty,price\n" + "".join(f"{day},Tea,1,2\n" for day in dates))
    assert [(sale.sold_at.month, sale.sold_at.day) for sale in online_retail_store(path).sales] == [
        (11, day) for day in days
    ]


def test_a_year_that_stands_first_is_not_taken_for_a_day(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("date,product,qty,price\n26-11-19,Tea,1,2\n26-11-20,Tea,1,2\n")
    with pytest.raises(ValueError, match=r"row 3, date: '26-11-20' may be day/month .* or begin with a year"):
        online_retail_store(path)
