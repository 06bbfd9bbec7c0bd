from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from local.api import online_retail_store
from local.demo import _of_file
from local.errors import LocalCloudError
from local.shop import retail_shop


def invoice_lines(**changes: list[object]) -> pd.DataFrame:
    columns: dict[str, list[object]] = {
        "InvoiceNo": ["536365", "536365", "C536379"],
        "StockCode": ["85123A", "71053", "D"],
        "Description": ["WHITE HANGING HEART", None, "Discount"],
        "Quantity": [6, 3, -1],
        "InvoiceDate": [datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 1, 8, 27), datetime(2010, 12, 1, 9, 41)],
        "UnitPrice": [2.55, 0.335, 27.5],
    }
    return pd.DataFrame({**columns, **changes})


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_of_lines_becomes_sales(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"lines.{suffix}"
    lines = invoice_lines()
    lines.to_csv(path, index=False) if suffix == "csv" else lines.to_parquet(path)
    first, second = online_retail_store(path).sales
    assert (first.id, first.sold_at, first.total_amount) == (536365, datetime(2010, 12, 1, 8, 26), 16.31)
    assert [(item.sku, item.product_name, item.quantity, item.unit_price, item.subtotal) for item in first.items] == [
        ("85123A", "WHITE HANGING HEART", 6, 2.55, 15.3),
        ("71053", "", 3, 0.335, 1.01),  # 1.005 rounds up
    ]
    assert (second.id, second.total_amount, second.items[0].quantity) == (67_000_536_379, -27.5, -1)


def test_half_a_cent_is_rounded_away_from_zero_also_below_it(tmp_path: Path) -> None:
    path = tmp_path / "lines.parquet"
    invoice_lines(Quantity=[1, -1, 3], UnitPrice=[0.005, 0.005, 0.001]).to_parquet(path)
    assert [item.subtotal for sale in online_retail_store(path).sales for item in sale.items] == [0.01, -0.01, 0.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"UnitPrice": [1.0, 0.12345, 1.0]}, "row 2, UnitPrice: '0.12345' has more than 4 decimals"),
        ({"UnitPrice": [1.0, np.nan, 1.0]}, "row 2, UnitPrice: is empty"),
        (
            {"Quantity": [0.35, 1.9, 1.0]},
            "row 1, Quantity: '0.35' is no whole number of pieces.*row 2, Quantity: '1.9'",
        ),
        ({"Quantity": [1, 2**33, 1]}, "row 2, Quantity: '8589934592' is no quantity"),
        ({"InvoiceDate": ["2010-12-01", "tomorrow", "2010-12-01"]}, "row 2, InvoiceDate: 'tomorrow' is no date"),
        ({"InvoiceDate": ["2010-12-01", "2010-12-01T09:00Z", "2010-12-01"]}, "row 2, InvoiceDate:.* has a time zone"),
        (
            {"InvoiceDate": ["31/12/2010", "30/02/2010", "1/1/2011"]},
            "row 2, InvoiceDate: .* is no date of the calendar",
        ),
        ({"InvoiceDate": ["1/2/2010", "3/4/2010", "5/6/2010"]}, "day/month or month/day"),
        ({"StockCode": ["A", None, "B"]}, "row 2, StockCode: is empty"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_by_its_number_and_column(
    tmp_path: Path, changes: dict[str, list[object]], message: str
) -> None:
    path = tmp_path / "lines.parquet"
    invoice_lines(**changes).to_parquet(path)
    with pytest.raises(ValueError, match=message):
        online_retail_store(path)


def test_rows_are_numbered_as_a_sheet_numbers_them(tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    path.write_text(
        "Date,Product,Qty,Price\n2026-11-20,Cheese,1,2.50\n\n2026-11-20,Cheese,0.35,20.00\n"
        + "2026-11-20,Ham,x,1\n" * 5
    )
    with pytest.raises(
        ValueError, match=r"my.csv, row 4, Qty: '0.35' .*; row 5, Qty: 'x' is no number; row 6, .*; and 3 more rows"
    ):
        online_retail_store(path)
    path.write_text("Date,Product,Qty,Price\n2026-11-20,Cheese,1\n")
    with pytest.raises(ValueError, match="row 2 has 3 cells and the header 4"):
        online_retail_store(path)


def test_a_file_without_the_columns_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    invoice_lines().drop(columns="Quantity").to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"lacks the columns of a quantity .*; it has InvoiceNo, StockCode"):
        online_retail_store(path)
    with pytest.raises(ValueError, match=r"none of \.csv, \.xlsx and \.parquet"):
        online_retail_store(tmp_path / "lines.pdf")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_a_file_without_lines_is_a_complaint(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"lines.{suffix}"
    written = invoice_lines().iloc[:0]
    {"csv": written.to_csv, "parquet": written.to_parquet, "xlsx": written.to_excel}[suffix](path, index=False)
    with pytest.raises(ValueError, match="holds no row of sales"):
        online_retail_store(path)
    path.with_suffix(".csv").write_bytes(b"")
    with pytest.raises(ValueError, match="lacks the columns"):
        online_retail_store(path.with_suffix(".csv"))


FORMS = {
    "Online Retail in Latin-1": (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,CAF\xc9 \xa3,6,12/1/2010 8:26,2.55,17850,United Kingdom\n"
        "C536379,D,Discount,-1,12/13/2010 9:41,27.5,14527,United Kingdom\n"
    ).encode("latin-1"),
    "Online Retail II": (
        "\ufeffInvoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
        "536365,85123A,CAF\xc9 \xa3,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
        "C536379,D,Discount,-1,2010-12-13 09:41:00,27.50,,United Kingdom\n"
    ).encode(),
    "a till in Germany": (
        "Beleg;Receipt No;SKU;Item Name;Qty;Sale Date;Sale Time;Unit Price\n"
        'x;536365;85123A;CAF\xc9 \xa3;6;01.12.2010;08:26;"2,55 \u20ac"\n'
        "x;C536379;D;Discount;-1,0;13.12.2010;9:41:00;27,50\n"
    ).encode("cp1252"),
    "totals and halves of days": (
        "order_id\tpizza_id\tpizza_name\tquantity\torder_date\torder_time\ttotal_price\n"
        "536365\t85123A\tCAF\xc9 \xa3\t6\t12/1/10\t8:26 AM\t$15.30\n"
        "C536379\tD\tDiscount\t-1\t12/13/10\t9:41 am\t(27.50)\n"
    ).encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_usual_forms_of_sales_files_give_the_same_shop(tmp_path: Path, form: str) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(FORMS[form])
    first, second = online_retail_store(path).sales
    assert (first.id, first.sold_at, first.total_amount) == (536365, datetime(2010, 12, 1, 8, 26), 15.3)
    assert (second.id, second.sold_at, second.total_amount) == (67_000_536_379, datetime(2010, 12, 13, 9, 41), -27.5)
    (item,) = first.items
    assert (item.sku, item.product_name, item.quantity, item.unit_price) == ("85123A", "CAF\xc9 \xa3", 6, 2.55)


def test_the_sheets_of_a_workbook_are_one_shop(tmp_path: Path) -> None:
    path = tmp_path / "sales.xlsx"
    lines = invoice_lines(StockCode=[85123, "71053", "D"], InvoiceNo=[536365, 536366, "C536379"])
    with pd.ExcelWriter(path) as book:
        lines.iloc[:1].to_excel(book, sheet_name="2009", index=False)
        lines.iloc[1:].assign(Quantity=[3, 0.5]).to_excel(book, sheet_name="2010", index=False)
        pd.DataFrame().to_excel(book, sheet_name="Notes")
    with pytest.raises(ValueError, match=r"sheet '2010', row 3, Quantity: '0\.5'"):
        online_retail_store(path)
    lines.to_excel(path, index=False)
    assert [(sale.id, sale.items[0].sku) for sale in online_retail_store(path).sales] == [
        (536365, "85123"),
        (536366, "71053"),
        (67_000_536_379, "D"),
    ]


def test_sales_that_are_numbered_in_another_way_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(
        "order,date,product,qty,price\nA-7,2026-11-20,Tea,1,2\nA-7,2026-11-20,Salt,1,3\nB/8,2026-11-21,Tea,2,2\n"
    )
    assert [(sale.id, sale.total_amount) for sale in online_retail_store(path).sales] == [(1, 5.0), (2, 4.0)]
    path.write_text("date,product,qty,price\n2026-11-20,Tea,1,2\n2026-11-20,Salt,1,3\n")
    assert [(sale.id, sale.items[0].sku) for sale in online_retail_store(path).sales] == [(1, "Tea"), (2, "Salt")]


@pytest.mark.parametrize(
    "text",
    [
        "Sales of November\n\nDate,Product,Qty,Price\n2026-11-20,Tea,1,2.5\n",
        "Shop: Tea & Co,,,\nfrom,1.11.,to,30.11.\nDate,Product,Qty,Price\n2026-11-20,Tea,1,2.5\n",
        "sep=;\nDate;Product;Qty;Price\n2026-11-20;Tea;1;2,5\n",
        "Date,Product,Qty,Price\n2026-11-20,Tea,1,2.5,\n",
        "Datum;Artikel;Menge;Einzelpreis\n20.11.2026;Tea;1;2,50\n",
        "Date;Produit;Quantit\xe9;Prix unitaire\n20/11/2026;Tea;1;2,50 \u20ac\n",
        "\u65e5\u671f,\u5546\u54c1\u540d\u79f0,\u6570\u91cf,\u5355\u4ef7\n2026/11/20,Tea,1,\uffe52.50\n",
    ],
)
def test_titles_above_the_header_and_its_other_languages(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(text)
    (sale,) = online_retail_store(path).sales
    assert (sale.sold_at, sale.total_amount, sale.items[0].sku) == (datetime(2026, 11, 20), 2.5, "Tea")
    book = path.with_suffix(".xlsx")
    lines = [["Sales of November", None, None, None], [None] * 4, ["Date", "Product", "Qty", "Price"]]
    pd.DataFrame([*lines, [datetime(2026, 11, 20), "Tea", 1, 2.505], [None, "Tea", "x", 1]]).to_excel(
        book, header=False, index=False
    )
    with pytest.raises(ValueError, match="row 5, Qty: 'x' is no number"):
        online_retail_store(book)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Date,Product,Qty,Price\n2026-11-20,\u8336\u53f6,1,2\n".encode("gbk"), r"is not UTF-8 \(from byte 34 on\)"),
        ("Date,Product,Qty,Price\n2026-11-20,Tea,1,2\n".encode("utf-16-le"), "holds a NUL.*save it as CSV UTF-8"),
        ("Date,Product,Qty,Price\n2026-11-20,Tea,1,2\n".encode("utf-32"), "holds a NUL"),
        (b"Date,Product,Qty,Price\n2026-11-20,T\0ea,1,2\n", "holds a NUL"),
    ],
)
def test_text_whose_encoding_cannot_be_told_is_no_guess(tmp_path: Path, body: bytes, message: str) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(body)
    with pytest.raises(ValueError, match=message):
        online_retail_store(path)


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_a_file_that_is_none_of_its_kind_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sales.{suffix}"
    path.write_text("date,product,qty,price\n2026-11-20,Tea,1,2\n")
    with pytest.raises(ValueError, match=rf"sales.{suffix} is no whole .{suffix} file"):
        online_retail_store(path)


def test_parquet_as_other_programs_write_it(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    lines = pd.DataFrame(
        {
            "Date": pd.to_datetime(["2026-11-20", "2026-11-21"]),
            "Product": pd.Categorical(["Tea", "Salt"]),
            "Qty": [Decimal("1.000"), Decimal("2.000")],
            "Price": np.array([1.459, 2], dtype=np.float32),
            "Tags": [["a"], ["b", "c"]],
        }
    )
    lines.set_index("Date").to_parquet(path)
    assert [(sale.items[0].quantity, sale.items[0].unit_price) for sale in online_retail_store(path).sales] == [
        (1, 1.459),
        (2, 2.0),
    ]


def test_numbers_that_begin_again_are_other_sales(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    rows = ["1,2026-11-20 09:00,1", "1,2026-11-20 09:01,2", "2,2026-11-20 23:59,3", "2,2026-11-21 00:01,4"]
    rows += ["1,2026-11-21 09:00,5", ",2026-11-21 10:00,6", ",2026-11-21 10:00,7"]
    path.write_text("receipt,date,price,product,qty\n" + "".join(f"{row},Tea,1\n" for row in rows))
    store = online_retail_store(path)
    assert sorted(sale.total_amount for sale in store.sales) == [3.0, 5.0, 6.0, 7.0, 7.0]
    assert len({sale.id for sale in store.sales}) == 5


@pytest.mark.parametrize(
    "title",
    ["N° ticket", "Numéro de facture", "Bon-Nr.", "Nº pedido", "No. Beleg", "Ticket №", "Número de factura", "Order #"],
)
def test_a_number_of_a_sale_is_known_by_its_name_whatever_says_that_it_is_a_number(title: str, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(
        f"{title},date,product,qty,price\n7,2026-11-20 09:00,Tea,1,2\n7,2026-11-20 09:00,Salt,1,3\n", "utf-8"
    )
    assert [len(sale.items) for sale in online_retail_store(path).sales] == [2]


@pytest.mark.parametrize(
    ("rows", "totals"),
    [
        (["1,Tea,2,10.00,18.00", "1,Salt,1,3.00,3.00"], [21.0]),  # a discount
        (["1,Tea,1,3.33,3.6635", "2,Salt,1,3.00,3.30"], [3.66, 3.3]),  # a tax
        (["1,Tea,2,10.00,23.00", "1,Salt,1,3.00,23.00", "2,Tea,1,10.00,10.00"], [23.0, 10.0]),  # of the whole invoice
        (["1,Tea,2,10.00,", "1,Salt,1,3.00,n/a"], [23.0]),
        (["1,Tea,3,3.335,10.00"], [10.01]),  # rounded otherwise
    ],
)
def test_what_was_paid_is_believed_before_the_price(tmp_path: Path, rows: list[str], totals: list[float]) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("order,product,qty,price,total,date\n" + "".join(f"{row},2026-11-20\n" for row in rows))
    assert [sale.total_amount for sale in online_retail_store(path).sales] == totals


def test_a_currency_without_decimals_takes_no_decimals(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("date,product,qty,price\n2026-11-20,Tea,2,12.50\n")
    with pytest.raises(ValueError, match=r"row 2, price: '12.50' has decimals, and the currency has none"):
        online_retail_store(path, minor_digits=0)


def test_the_shop_of_a_file_is_in_the_currency_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("date,product,qty,price\n2026-11-20,Tea,2,12.505\n")
    assert retail_shop(path, currency="KWD").store.sales[0].total_amount == 25.01
    path.write_text("date,product,qty,price\n2026-11-20,Tea,2,12.50\n")
    with pytest.raises(LocalCloudError, match=r"row 2, price: '12.50' has decimals, and the currency has none"):
        retail_shop(path, currency="JPY")
    with pytest.raises(LocalCloudError, match="'ZZZ' is no ISO 4217 currency code"):
        retail_shop(path, currency="zzz")


def test_the_last_days_of_a_file_are_not_those_of_a_wrong_date(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("date,product,qty,price\n2026-11-19,Tea,1,2\n2026-11-20,Tea,1,2\n2062-11-20,Tea,1,2\n")
    with pytest.raises(LocalCloudError, match=r"of 2062-11-20, more than a year after .* of 2026-11-20.*--date"):
        _of_file(path, None, None, None, 2)
    _, morning = _of_file(path, None, None, date(2026, 11, 20), 2)
    assert morning.date() == date(2026, 11, 21)
