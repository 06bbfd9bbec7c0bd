"""A shop out of a file of invoice lines with the columns of UCI's Online Retail data set, Parquet or CSV."""

import zlib
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from local.api.records import DateStyle, Product, Sale, SaleItem
from local.api.store import SalesStore

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice")
_PRICE_SCALE = 10_000
_SALES_WINDOW = timedelta(days=90)
_CATEGORIES = ("Home", "Kitchen", "Garden", "Gifts", "Stationery", None)


def online_retail_store(path: Path, *, date_style: DateStyle = DateStyle.JAVA) -> SalesStore:
    """The sales of a file (`.parquet` or `.csv`) that holds one row an invoice line.

    Each InvoiceNo is a sale at its earliest InvoiceDate, each row one of its lines, in the file's order. A line's
    subtotal is Quantity * UnitPrice, exact, rounded half up (away from zero) to cents; `totalAmount` is the sum of its
    lines' subtotals. A missing Description is an empty name. The id is the invoice number; a letter before it (`C` for
    a cancellation) adds its character code times 10^9. Products and their stock are derived from the SKUs and their
    sales, always in the same way. Raises ValueError that names what the file lacks.
    """
    lines = _read(path)
    if lines.empty:
        return SalesStore([], [], date_style=date_style)
    products, product_ids = _products(lines)
    return SalesStore(_sales(lines, product_ids), products, date_style=date_style)


def sale_id(invoice: str) -> int:
    """The numeric id of an invoice number: "536365" -> 536365, "C536379" -> 67000536379. ValueError for other forms."""
    digits = invoice[1:] if invoice[:1].isalpha() else invoice
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 9):
        raise ValueError(f"InvoiceNo {invoice!r} is not a number of up to 9 digits with at most one letter before it.")
    return int(digits) + (ord(invoice[0]) * 10**9 if digits is not invoice else 0)


def subtotal_cents(quantities: npt.NDArray[np.int64], unit_prices: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Quantity * price in cents, shape [n]: exact in ten-thousandths, then half a cent rounded away from zero.

    Raises ValueError for a price with more than four decimals: its product would not be exact.
    """
    scaled = np.rint(unit_prices * _PRICE_SCALE)
    if not np.allclose(scaled / _PRICE_SCALE, unit_prices, rtol=0, atol=1e-9):
        raise ValueError("A UnitPrice has more than four decimals or is missing.")
    exact = quantities * scaled.astype(np.int64)
    cents: npt.NDArray[np.int64] = np.sign(exact) * ((np.abs(exact) + 50) // 100)
    return cents


def _read(path: Path) -> pd.DataFrame:
    if path.suffix.lower() == ".parquet":
        lines = pd.read_parquet(path)
    elif path.suffix.lower() == ".csv":
        lines = pd.read_csv(path, dtype={"InvoiceNo": str, "StockCode": str, "Description": str}, encoding="utf-8")
    else:
        raise ValueError(f"{path.name} is neither .parquet nor .csv.")
    missing = [column for column in COLUMNS if column not in lines.columns]
    if missing:
        raise ValueError(f"{path.name} lacks the columns {', '.join(missing)}.")
    lines = lines[list(COLUMNS)].reset_index(drop=True)
    holes = [column for column in COLUMNS if column != "Description" and lines[column].isna().any()]
    if holes:
        raise ValueError(f"{path.name} has empty cells in {', '.join(holes)}.")
    if not isinstance(lines["InvoiceDate"].dtype, np.dtype) or lines["InvoiceDate"].dtype.kind != "M":
        lines["InvoiceDate"] = pd.to_datetime(lines["InvoiceDate"], format="ISO8601")
    for column, dtype in (
        ("InvoiceNo", object),
        ("StockCode", object),
        ("Quantity", np.int64),
        ("UnitPrice", np.float64),
    ):
        lines[column] = lines[column].astype(dtype)
    lines["Description"] = lines["Description"].astype(object).where(lines["Description"].notna(), "")
    return lines


def _sales(lines: pd.DataFrame, product_ids: npt.NDArray[np.int64]) -> list[Sale]:
    quantities, prices = lines["Quantity"].to_numpy(), lines["UnitPrice"].to_numpy()
    cents = subtotal_cents(quantities, prices)
    items = list(
        map(
            SaleItem,
            product_ids.tolist(),
            lines["Description"].tolist(),
            lines["StockCode"].tolist(),
            quantities.tolist(),
            prices.tolist(),
            (cents / 100).tolist(),
        )
    )
    codes, invoices = pd.factorize(lines["InvoiceNo"])
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(invoices) + 1))
    totals = np.add.reduceat(cents[order], starts[:-1])
    dates = lines["InvoiceDate"].dt.as_unit("us").groupby(codes).min().dt.to_pydatetime()
    positions = order.tolist()
    return [
        Sale(
            sale_id(invoice),
            dates[n],
            int(totals[n]) / 100,
            tuple(items[position] for position in positions[starts[n] : starts[n + 1]]),
        )
        for n, invoice in enumerate(invoices)
    ]


def _products(lines: pd.DataFrame) -> tuple[list[Product], npt.NDArray[np.int64]]:
    """A product a SKU, ascending by SKU, ids from 1; and the product id of every line.

    Its name is the last description that is not empty, its price the last that is positive. Its stock is a cover of 5
    to 90 days of what was sold in the last 90 days; the checksum of the SKU picks how many, and which are out of stock
    or low.
    """
    codes, skus = pd.factorize(lines["StockCode"], sort=True)
    named, priced = lines["Description"] != "", lines["UnitPrice"] > 0
    names = dict(zip(codes[named], lines["Description"][named], strict=True))  # the last one of a SKU stays
    prices = dict(zip(codes[priced], lines["UnitPrice"][priced], strict=True))
    last = lines["InvoiceDate"].max()
    recent = (lines["InvoiceDate"] > last - _SALES_WINDOW).to_numpy()
    net = np.bincount(codes, weights=np.where(recent, lines["Quantity"], 0), minlength=len(skus))
    created = lines["InvoiceDate"].dt.as_unit("us").groupby(codes).min().dt.to_pydatetime()
    products = []
    for n, sku in enumerate(skus):
        dice = zlib.crc32(sku.encode())
        daily = max(0.0, float(net[n])) / _SALES_WINDOW.days
        threshold = max(2, round(daily * 7))
        if dice % 20 == 0:
            stock = 0
        elif dice % 20 <= 2:
            stock = max(1, threshold // 2)
        else:
            stock = max(threshold + 3, round(daily * (5 + dice // 20 % 86)))
        products.append(
            _product(n + 1, sku, names.get(n, ""), float(prices.get(n, 0.0)), stock, threshold, dice, created[n])
        )
    return products, (codes + 1).astype(np.int64)


def _product(
    number: int, sku: str, name: str, price: float, stock: int, threshold: int, dice: int, created: datetime
) -> Product:
    return Product(
        id=number,
        sku=sku,
        name=name,
        price=price,
        stock_quantity=stock,
        low_stock_threshold=threshold,
        cost=round(price * (0.45 + dice % 30 / 100), 2),
        category=_CATEGORIES[dice % len(_CATEGORIES)],
        created_at=created,
    )
