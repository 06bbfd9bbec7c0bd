"""A shop out of a file of sales lines: a till's export, or UCI's Online Retail in its circulating forms."""

import zlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from local.api.records import DateStyle, Product, Sale, SaleItem
from local.api.sales_file import SaleRows, read_sales_file
from local.api.store import SalesStore

_SALES_WINDOW = timedelta(days=90)
_LONGEST_SALE = np.timedelta64(12, "h")
_CATEGORIES = ("Home", "Kitchen", "Garden", "Gifts", "Stationery", None)


def online_retail_store(path: Path, *, minor_digits: int = 2, date_style: DateStyle = DateStyle.JAVA) -> SalesStore:
    """The sales of a file that holds one row a sale line; see `local.api.sales_file` for what it may look like.

    minor_digits: digits after the point of the file's currency. Each invoice is a sale at its earliest date, each row one
    of its lines, in the file's order; without invoices each row is a sale. Rows of one number that lie more than half a day apart are
    of different sales: tills begin again with 1, each day or when they are reset. A line's subtotal is quantity * price, exact,
    rounded half up (away from zero) to the currency; `totalAmount` is the sum of its lines' subtotals. The id is the
    invoice number; a letter before it (`C` for a cancellation) adds its character code times 10^9; where any invoice is
    numbered in another way, they are numbered in the file's order. Products and their stock are derived from the SKUs and
    their sales, always in the same way. Raises ValueError that names the row and the column, or what the file lacks.
    """
    rows = read_sales_file(path, minor_digits=minor_digits)
    lines = pd.DataFrame(
        {
            "StockCode": rows.skus,
            "Description": rows.names,
            "Quantity": rows.quantities,
            "InvoiceDate": rows.sold_at,
            "UnitPrice": rows.unit_prices.astype(np.float64),
        }
    )
    products, product_ids = _products(lines, minor_digits)
    return SalesStore(_sales(rows, lines, product_ids, minor_digits), products, date_style=date_style)


def sale_id(invoice: str) -> int:
    """The numeric id of an invoice number: "536365" -> 536365, "C536379" -> 67000536379. ValueError for other forms."""
    digits = invoice[1:] if invoice[:1].isalpha() else invoice
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 9 and ord(invoice[0]) < 2**20):
        raise ValueError(f"Invoice {invoice!r} is not a number of up to 9 digits with at most one letter before it.")
    return int(digits) + (ord(invoice[0]) * 10**9 if digits is not invoice else 0)


def _sale_ids(invoices: npt.NDArray[np.object_]) -> list[int]:
    """The ids of distinct invoices."""
    try:
        ids = [sale_id(invoice) for invoice in invoices]
    except ValueError:
        ids = []
    return ids if len(set(ids)) == len(invoices) else list(range(1, len(invoices) + 1))


def subtotal_minor(rows: SaleRows, minor_digits: int) -> npt.NDArray[np.int64]:
    """Each line's subtotal in minor units, shape [n]: exact, then half a unit rounded away from zero."""
    if rows.subtotals is not None:
        return np.array([int(amount.scaleb(minor_digits)) for amount in rows.subtotals], np.int64)
    codes, prices = pd.factorize(rows.unit_prices)
    scale = 100 if minor_digits else 1
    scaled = np.array([int(Decimal(price).scaleb(minor_digits) * scale) for price in prices], np.int64)
    exact = rows.quantities * scaled[codes]
    rounded: npt.NDArray[np.int64] = np.sign(exact) * ((np.abs(exact) + scale // 2) // scale)
    return rounded


def _sales(rows: SaleRows, lines: pd.DataFrame, product_ids: npt.NDArray[np.int64], minor_digits: int) -> list[Sale]:
    subtotals, unit = subtotal_minor(rows, minor_digits), 10**minor_digits
    items = list(
        map(
            SaleItem,
            product_ids.tolist(),
            rows.names.tolist(),
            rows.skus.tolist(),
            rows.quantities.tolist(),
            lines["UnitPrice"].tolist(),
            (subtotals / unit).tolist(),
        )
    )
    codes, invoices = _invoices(rows)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(invoices) + 1))
    totals = np.add.reduceat(subtotals[order], starts[:-1])
    dates = lines["InvoiceDate"].dt.as_unit("us").groupby(codes).min().dt.to_pydatetime()
    positions = order.tolist()
    return [
        Sale(
            number,
            dates[n],
            int(totals[n]) / unit,
            tuple(items[position] for position in positions[starts[n] : starts[n + 1]]),
        )
        for n, number in enumerate(_sale_ids(invoices))
    ]


def _invoices(rows: SaleRows) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.object_]]:
    """The number of each row's sale, shape [n], and the invoice number of each sale."""
    codes, _ = pd.factorize(rows.invoices)
    order = np.lexsort((rows.sold_at, codes))
    codes, moments = codes[order], rows.sold_at[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (np.diff(codes) > 0) | (np.diff(moments) > _LONGEST_SALE)
    numbers = np.empty(len(order), dtype=np.intp)
    numbers[order] = np.cumsum(begins) - 1
    return numbers, rows.invoices[order[begins]]


def _products(lines: pd.DataFrame, minor_digits: int) -> tuple[list[Product], npt.NDArray[np.int64]]:
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
        price = float(prices.get(n, 0.0))
        products.append(
            Product(
                id=n + 1,
                sku=sku,
                name=names.get(n, ""),
                price=round(price, minor_digits),
                stock_quantity=stock,
                low_stock_threshold=threshold,
                cost=round(price * (0.45 + dice % 30 / 100), minor_digits),
                category=_CATEGORIES[dice % len(_CATEGORIES)],
                created_at=created[n],
            )
        )
    return products, (codes + 1).astype(np.int64)
