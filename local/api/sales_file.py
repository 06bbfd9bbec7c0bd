"""A file of sales lines as people have it: CSV, Excel or Parquet, under the usual names of columns.

What cannot be read is refused with its row and its column as the file calls it; nothing is guessed, cut or rounded.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

_NAMES = {
    "invoice": (
        "invoice invoiceno invoicenumber invoiceid transactionid transactionno transactionnumber transaction orderid orderno "
        "ordernumber order receipt receiptno receiptnumber receiptid ticket ticketno ticketid saleid saleno billno billid bill "
        "checkno checkid basketid"
    ),
    "sku": (
        "sku stockcode productcode productid productno itemcode itemid itemno itemnumber articlecode articleno articleid "
        "barcode ean code pizzaid menuitemid"
    ),
    "name": (
        "description productname itemname articlename productdetail productdescription itemdescription pizzaname "
        "product item article name title"
    ),
    "quantity": "quantity qty quantitysold qtysold units unitssold pieces pcs transactionqty itemquantity count",
    "date": (
        "invoicedate invoicedatetime datetime transactiondatetime transactiontimestamp timestamp saledate saledatetime "
        "orderdatetime orderdate transactiondate soldat createdat purchasedate date day"
    ),
    "time": "time saletime transactiontime ordertime invoicetime timeofday",
    "price": "unitprice price itemprice saleprice sellingprice priceeach priceperunit rate",
    "total": "linetotal totalprice totalamount subtotal extendedprice amount total revenue sales",
}
"""What each column may be called, without case, blanks and marks; the first name that a file has is taken."""
_COLUMNS = {field: tuple(names.split()) for field, names in _NAMES.items()}
_DATE = re.compile(
    r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?)?"
)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?")
_MONEY_SIGNS = re.compile(r"[\s\u00a0'’£$€¥]|[A-Z]{2,3}\b")
_MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class SaleRows:
    """One row a sale line, as arrays of the same length, in the file's order.

    invoices, skus, names: text. sold_at: naive. quantities: int64. unit_prices, subtotals: Decimal in major units; a
    subtotal is None where the file has none, and is then quantity * price.
    """

    invoices: npt.NDArray[np.object_]
    skus: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]
    sold_at: npt.NDArray[np.datetime64]
    quantities: npt.NDArray[np.int64]
    unit_prices: npt.NDArray[np.object_]
    subtotals: npt.NDArray[np.object_] | None


@dataclass(frozen=True, slots=True)
class _Table:
    """The cells of a file as text, "" where there is none; places: how each row is called."""

    file: str
    cells: pd.DataFrame
    place: Callable[[int], str]

    def column(self, field: str) -> str | None:
        """The file's own name for a field."""
        known = {_key(name): name for name in reversed(self.cells.columns.tolist())}
        return next((known[key] for key in _COLUMNS[field] if key in known), None)


def read_sales_file(path: Path, *, minor_digits: int) -> SaleRows:
    """The lines of a file.

    minor_digits: digits after the point of the currency. A price may have two more than the currency (wholesale prices do;
    subtotals are rounded to it), none where the currency has none. Raises ValueError that names the row and the column.
    """
    table = _read(path)
    named = {field: table.column(field) for field in _COLUMNS}
    missing = [
        f"{what} (such as {example})"
        for what, example, fields in (
            ("a date", "InvoiceDate or Date", ("date",)),
            ("a product", "StockCode, SKU or Description", ("sku", "name")),
            ("a quantity", "Quantity or Qty", ("quantity",)),
            ("a price", "UnitPrice, Price or Total", ("price", "total")),
        )
        if not any(named[field] for field in fields)
    ]
    if missing:
        raise ValueError(
            f"{path.name} lacks the columns of {', '.join(missing)}; it has {_listed(table.cells.columns)}."
        )
    table = _Table(path.name, *_without_blank_rows(table))
    if table.cells.empty:
        raise ValueError(f"{path.name} holds no row of sales.")
    quantities = _parsed(table, named["quantity"], _pieces)
    prices, subtotals = _prices(table, named["price"], named["total"], quantities, minor_digits)
    skus, names = (_texts(table, named[field]) for field in ("sku", "name"))
    nameless = np.flatnonzero((skus == "") & (names == ""))
    if len(nameless):
        raise _refused(table, named["sku"] or named["name"], [(int(row), "is empty") for row in nameless])
    return SaleRows(
        invoices=_texts(table, named["invoice"])
        if named["invoice"]
        else np.arange(1, len(skus) + 1).astype(str).astype(object),
        skus=np.where(skus == "", names, skus),
        names=names,
        sold_at=_moments(table, named["date"], named["time"]),
        quantities=np.array(quantities, np.int64),
        unit_prices=prices,
        subtotals=subtotals,
    )


def _read(path: Path) -> _Table:
    match path.suffix.lower():
        case ".parquet":
            return _Table(path.name, _as_text(pd.read_parquet(path)), lambda row: f"row {row + 1}")
        case ".csv" | ".txt" | ".tsv":
            text = _decoded(path.read_bytes())
            first = text.partition("\n")[0]
            separator = max(",;\t|", key=first.count)
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
            head = rows[0] if rows else []
            ragged = next((n for n, row in enumerate(rows) if row and len(row) != len(head)), None)
            if ragged is not None:
                raise ValueError(
                    f"{path.name}, row {ragged + 1} has {len(rows[ragged])} cells and the header {len(head)}."
                )
            numbers = [n for n, row in enumerate(rows) if row and n]
            cells = pd.DataFrame([rows[n] for n in numbers], columns=pd.Index(head, dtype=object), dtype=object)
            return _Table(path.name, cells, lambda row: f"row {numbers[row] + 1}")
        case ".xlsx" | ".xlsm":
            sheets = pd.read_excel(path, sheet_name=None, dtype=object)
            tables = {name: _as_text(sheet) for name, sheet in sheets.items() if len(sheet.columns)}
            places = [f"sheet {name!r}, row {n + 2}" for name, sheet in tables.items() for n in range(len(sheet))]
            cells = pd.concat(tables.values(), ignore_index=True).fillna("") if tables else pd.DataFrame()
            return _Table(path.name, cells, places.__getitem__)
        case _:
            raise ValueError(f"{path.name} is none of .csv, .xlsx and .parquet.")


def _decoded(body: bytes) -> str:
    """The text of a CSV file: UTF-8 or UTF-16 by its mark, else UTF-8, else Windows' Latin-1."""
    for encoding in ("utf-16",) if body[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Typed cells as the text that a CSV file would have."""
    columns = {}
    for name in frame.columns:
        values, kinds = pd.factorize(frame[name], use_na_sentinel=True)
        texts = np.array([*(_text(kind) for kind in kinds), ""], dtype=object)
        columns[str(name)] = texts[values]
    return pd.DataFrame(columns, dtype=object)


def _text(value: Any) -> str:
    if isinstance(value, datetime | np.datetime64):
        return pd.Timestamp(value).isoformat(sep=" ")
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _key(name: object) -> str:
    return re.sub(r"[\W_]", "", str(name).lower())


def _listed(names: pd.Index) -> str:
    return ", ".join(str(name) for name in names[:20]) or "none"


def _without_blank_rows(table: _Table) -> tuple[pd.DataFrame, Callable[[int], str]]:
    blank = table.cells.eq("").all(axis=1).to_numpy(dtype=bool)
    kept = np.flatnonzero(~blank)
    return table.cells.iloc[kept].reset_index(drop=True), lambda row: table.place(int(kept[row]))


def _texts(table: _Table, name: str | None) -> npt.NDArray[np.object_]:
    if name is None:
        return np.full(len(table.cells), "", dtype=object)
    return _column(table, name).str.strip().to_numpy(dtype=object)


def _column(table: _Table, name: str) -> pd.Series:
    """A column; the first where the file has several of that name."""
    found = table.cells[name]
    return found.iloc[:, 0] if isinstance(found, pd.DataFrame) else found


def _parsed(table: _Table, name: str | None, parse: Callable[[str], Any]) -> npt.NDArray[np.object_]:
    """A column, each distinct cell parsed once; ValueError names the rows whose cells `parse` refuses."""
    codes, kinds = pd.factorize(_texts(table, name))
    values, problems = np.empty(len(kinds), dtype=object), {}
    for code, text in enumerate(kinds):
        try:
            values[code] = parse(text)
        except ValueError as error:
            problems[code] = f"{text!r} {error}" if text else "is empty"
    if problems:
        rows = np.flatnonzero(np.isin(codes, list(problems)))
        raise _refused(table, name, [(int(row), problems[int(codes[row])]) for row in rows])
    return values[codes]


def _refused(table: _Table, name: str | None, bad: Sequence[tuple[int, str]]) -> ValueError:
    told = "; ".join(f"{table.place(row)}, {name}: {problem}" for row, problem in bad[:_MOST_EXAMPLES])
    more = f"; and {len(bad) - _MOST_EXAMPLES:,} more rows" if len(bad) > _MOST_EXAMPLES else ""
    return ValueError(f"{table.file}, {told}{more}.")


def _number(text: str) -> Decimal:
    """An amount as people write it: 1,234.50 or 1.234,50 or 2,55 or £3."""
    plain = _MONEY_SIGNS.sub("", text)
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1]}"
    if "," in plain:
        grouped = re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d*)?", plain)
        plain = plain.replace(",", "") if grouped else plain.replace(".", "").replace(",", ".")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise ValueError("is no number") from None
    if not number.is_finite() or abs(number) > 10**11:
        raise ValueError("is no amount")
    return number


def _pieces(text: str) -> int:
    number = _number(text)
    if number != number.to_integral_value():
        raise ValueError(
            "is no whole number of pieces; quantity by weight is not kept, so write pieces and their price"
        )
    if abs(number) >= 2**31:
        raise ValueError("is no quantity")
    return int(number)


def _decimals(number: Decimal) -> int:
    return max(0, -int(number.normalize().as_tuple().exponent))


def _prices(
    table: _Table, price: str | None, total: str | None, quantities: npt.NDArray[np.object_], minor_digits: int
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_] | None]:
    """The unit prices and, of a file that has totals alone, the subtotals."""

    def amount_of(most: int) -> Callable[[str], Decimal]:
        def parse(text: str) -> Decimal:
            number = _number(text)
            if _decimals(number) > most:
                allowed = f"more than {most} decimals" if most else "decimals, and the currency has none"
                raise ValueError(f"has {allowed}")
            return number

        return parse

    if price is not None:
        return _parsed(table, price, amount_of(minor_digits + 2 if minor_digits else 0)), None
    subtotals = _parsed(table, total, amount_of(minor_digits))
    each = [
        round(paid / pieces, 4) if pieces else Decimal(0) for paid, pieces in zip(subtotals, quantities, strict=True)
    ]
    prices = np.empty(len(each), dtype=object)
    prices[:] = each
    return prices, subtotals


def _moments(table: _Table, name: str | None, time_name: str | None) -> npt.NDArray[np.datetime64]:
    day_first = _day_first(table, name)
    days = _parsed(table, name, lambda text: _moment(text, day_first))
    if time_name is not None and time_name != name:
        times = _parsed(table, time_name, _time)
        days = np.array([datetime.combine(day.date(), at) for day, at in zip(days, times, strict=True)], dtype=object)
    return days.astype("datetime64[us]")


def _day_first(table: _Table, name: str | None) -> bool:
    """Whether 03/11/2026 is the third of November, by the column's own dates. ValueError where they do not say."""
    firsts, seconds, ambiguous = set(), set(), None
    codes, kinds = pd.factorize(_texts(table, name))
    for code, text in enumerate(kinds):
        found = _DATE.fullmatch(text)
        if found and len(found[1]) < 3 and len(found[4]) != 3:
            if found[2] == ".":
                return True
            firsts.add(int(found[1]))
            seconds.add(int(found[3]))
            ambiguous = code
    if ambiguous is None or max(firsts) > 12 or max(seconds) > 12:
        return ambiguous is not None and max(firsts) > 12
    row = int(np.flatnonzero(codes == ambiguous)[0])
    said = (
        f"{kinds[ambiguous]!r} may be day/month or month/day, and no other date of the column tells; write 2026-11-30"
    )
    raise _refused(table, name, [(row, said)])


def _moment(text: str, day_first: bool) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _written_date(text, day_first)
    if moment.tzinfo is not None:
        raise ValueError("has a time zone; write the shop's local time")
    if not date(1970, 1, 1) <= moment.date() < date(2200, 1, 1):
        raise ValueError("is no date of a sale")
    return moment


def _written_date(text: str, day_first: bool) -> datetime:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("is no date")
    one, _, two, three, *clock_parts = found.groups()
    if len(one) == 4:
        year, month, day = int(one), int(two), int(three)
    else:
        year = int(three) + (2000 if len(three) == 2 else 0)
        day, month = (int(one), int(two)) if day_first else (int(two), int(one))
    at = _clock(*clock_parts) if clock_parts[0] else time.min
    try:
        return datetime.combine(date(year, month, day), at)
    except ValueError:
        raise ValueError("is no date of the calendar") from None


def _time(text: str) -> time:
    found = _TIME.fullmatch(text)
    if found is None:
        try:
            return datetime.fromisoformat(text).time()
        except ValueError:
            raise ValueError("is no time of day") from None
    return _clock(*found.groups())


def _clock(hour: str, minute: str, second: str | None, half: str | None) -> time:
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    try:
        return time(hours, int(minute), int(second or 0))
    except ValueError:
        raise ValueError("is no time of day") from None
