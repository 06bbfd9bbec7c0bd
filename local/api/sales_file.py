"""A file of sales lines as people have it: CSV, Excel or Parquet, under the usual names of columns.

What cannot be read is refused with its row and its column as the file calls it; nothing is guessed, cut or rounded.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from local.api.sales_cells import Ambiguous, day_comes_first, decimal_mark, moment, number, time_of_day

_NAMES = {
    "invoice": (
        "invoice invoiceno invoicenumber invoiceid transactionid transactionno transactionnumber transaction orderid orderno "
        "ordernumber order receipt receiptno receiptnumber receiptid ticket ticketno ticketid ticketnumber saleid saleno billno billid "
        "bill checkno checkid basketid beleg belegnr bon bonnr rechnung facture numerofacture commande factura pedido 订单号 单号 小票号"
    ),
    "sku": (
        "sku stockcode productcode productid productno itemcode itemid itemno itemnumber articlecode articleno articleid "
        "barcode ean code pizzaid menuitemid artikelnummer artikelnr reference codeproduit codearticle codigo 商品编码 编码 条码"
    ),
    "name": (
        "description productname itemname articlename productdetail productdescription itemdescription pizzaname "
        "product item article name title artikel bezeichnung produkt produit designation libelle producto produto 商品名称 商品 品名 名称"
    ),
    "quantity": (
        "quantity qty quantitysold qtysold units unitssold pieces pcs transactionqty itemquantity count menge anzahl quantite qte "
        "cantidad quantidade 数量"
    ),
    "date": (
        "invoicedate invoicedatetime datetime transactiondatetime transactiontimestamp timestamp saledate saledatetime "
        "orderdatetime orderdate transactiondate soldat createdat purchasedate date day datum fecha data 日期 销售日期"
    ),
    "time": "time saletime transactiontime ordertime invoicetime timeofday uhrzeit zeit heure hora 时间",
    "price": (
        "unitprice price itemprice saleprice sellingprice priceeach priceperunit rate einzelpreis stuckpreis preis prixunitaire prix "
        "preciounitario precio preco 单价 价格"
    ),
    "total": (
        "linetotal totalprice totalamount subtotal extendedprice amount total revenue sales summe gesamt betrag umsatz montant importe "
        "金额 总价"
    ),
}
"""What each column may be called, without case, accents, blanks and marks; the first name that a file has is taken."""
_COLUMNS = {field: tuple(names.split()) for field, names in _NAMES.items()}
_NEEDED = {
    "a date (such as InvoiceDate or Date)": ("date",),
    "a product (such as StockCode, SKU or Description)": ("sku", "name"),
    "a quantity (such as Quantity or Qty)": ("quantity",),
    "a price (such as UnitPrice, Price or Total)": ("price", "total"),
}
_NUMBER_OF = re.compile(
    r"^(?:numero|number|num|nro|nr|no|n)(?:dela|della|del|de|do|di|du|of)?|(?:numero|number|num|nro|nr|no|n)$"
)
"""What says that a column numbers something: "N° ticket", "Numéro de facture", "Bon-Nr."."""
_ABOVE_A_HEADER = 30
"""So many rows are looked at for the header: exports begin with a title and a span of days."""
_NO_WESTERN_WORD = re.compile(rb"[\x80-\xff]{3}")
_LIKE_GROUPED = re.compile(r"-?\d{1,3}\.\d{3}")
_LONGEST_CELL = 10**7
_MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class SaleRows:
    """One row a sale line, as arrays of the same length, in the file's order.

    invoices, skus, names: text. sold_at: naive. quantities: int64. unit_prices, subtotals: Decimal in major units;
    subtotals are None where the file has none, and are then quantity * price.
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
        if field == "invoice":
            known = {_NUMBER_OF.sub("", key): name for key, name in known.items()} | known
        return next((known[key] for key in _COLUMNS[field] if key in known), None)


def read_sales_file(path: Path, *, minor_digits: int) -> SaleRows:
    """The lines of a file.

    minor_digits: digits after the point of the currency. A price may have two more than the currency (wholesale prices do;
    subtotals are rounded to it), none where the currency has none. Raises ValueError that names the row and the column.
    """
    table = _read(path)
    named = {field: table.column(field) for field in _COLUMNS}
    table = _Table(path.name, *_without_blank_rows(table))
    if table.cells.empty:
        raise ValueError(f"{path.name} holds no row of sales.")
    figures = [pd.unique(_texts(table, named[field])) for field in ("quantity", "price", "total") if named[field]]
    mark = decimal_mark(np.concatenate(figures).tolist(), minor_digits)
    quantities = _parsed(table, named["quantity"], _pieces_by(mark))
    prices, subtotals = _prices(table, named["price"], named["total"], quantities, minor_digits, mark)
    invoices, unnumbered = _texts(table, named["invoice"]), [f"#{row}" for row in range(1, len(table.cells) + 1)]
    invoices = np.where(invoices == "", unnumbered, invoices)
    if subtotals is None and named["total"]:
        subtotals = _paid(table, named["total"], invoices, prices * quantities, minor_digits, mark)
    skus, names = (_texts(table, named[field]) for field in ("sku", "name"))
    nameless = np.flatnonzero((skus == "") & (names == ""))
    if len(nameless):
        raise _refused(table, named["sku"] or named["name"], [(int(row), "is empty") for row in nameless])
    return SaleRows(
        invoices=invoices,
        skus=np.where(skus == "", names, skus),
        names=names,
        sold_at=_moments(table, named["date"], named["time"]),
        quantities=np.array(quantities, np.int64),
        unit_prices=prices,
        subtotals=subtotals,
    )


def _read(path: Path) -> _Table:
    """The cells below the header. Raises ValueError where the file is none of its kind, or no row names what is needed."""
    kind = path.suffix.lower()
    if kind in {".csv", ".txt", ".tsv"}:
        return _of_text(path)
    if kind not in {".parquet", ".xlsx", ".xlsm"}:
        raise ValueError(f"{path.name} is none of .csv, .xlsx and .parquet; save it as one of them.")
    try:
        found = pd.read_parquet(path) if kind == ".parquet" else pd.read_excel(path, None, header=None, dtype=object)
    except OSError:
        raise
    except Exception as error:  # of zip, XML or Arrow: whatever their readers raise
        raise ValueError(f"{path.name} is no whole {kind} file ({str(error)[:200]}).") from error
    if isinstance(found, dict):
        return _of_sheets(path.name, found)
    cells = _as_text(found.reset_index() if any(found.index.names) else found)
    _ensure_named(path.name, cells.columns)
    return _Table(path.name, cells, lambda row: f"row {row + 1}")


def _of_text(path: Path) -> _Table:
    text = _decoded(path)
    csv.field_size_limit(_LONGEST_CELL)

    def rows_by(separator: str, most: int | None = None) -> list[list[str]]:
        try:
            return list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=separator), most))
        except csv.Error as error:
            raise ValueError(f"{path.name} is no whole .csv file ({error}).") from error

    begins = {separator: rows_by(separator, _ABOVE_A_HEADER) for separator in ",;\t|"}
    separator = next(
        (one for one, rows in begins.items() if not _missing(rows[_header(rows)] if rows else ())),
        max(begins, key=text.partition("\n")[0].count),
    )
    rows = rows_by(separator)
    top = _header(rows)
    head = rows[top] if rows else []
    _ensure_named(path.name, head)
    numbers = [n for n, row in enumerate(rows) if n > top and any(row)]
    for n in numbers:
        if len(rows[n]) < len(head) or any(rows[n][len(head) :]):
            raise ValueError(f"{path.name}, row {n + 1} has {len(rows[n])} cells and the header {len(head)}.")
    cells = pd.DataFrame([rows[n][: len(head)] for n in numbers], columns=pd.Index(head, dtype=object), dtype=object)
    return _Table(path.name, cells, lambda row: f"row {numbers[row] + 1}")


def _of_sheets(file: str, sheets: dict[str, pd.DataFrame]) -> _Table:
    tables, places = [], []
    for name, sheet in sheets.items():
        cells = _as_text(sheet)
        if not cells.ne("").to_numpy(dtype=bool).any():
            continue
        top = _header(cells.head(_ABOVE_A_HEADER).to_numpy().tolist())
        head = cells.iloc[top].tolist()
        _ensure_named(f"{file}, sheet {name!r}", head)
        below = cells.iloc[top + 1 :].set_axis(pd.Index(head, dtype=object), axis=1)
        tables.append(below.loc[:, [title != "" and title not in head[:n] for n, title in enumerate(head)]])
        places += [f"sheet {name!r}, row {row + 1}" for row in range(top + 1, len(cells))]
    if not tables:
        _ensure_named(file, ())
    return _Table(file, pd.concat(tables, ignore_index=True).fillna(""), places.__getitem__)


def _missing(names: Iterable[object]) -> list[str]:
    """What a header lacks, in words."""
    keys = {_key(name) for name in names}
    return [what for what, fields in _NEEDED.items() if not any(keys.intersection(_COLUMNS[field]) for field in fields)]


def _header(rows: Sequence[Sequence[str]]) -> int:
    """Which row names the columns: the first that names all that is needed, or else the first that is not blank."""
    filled = [n for n, row in enumerate(rows[:_ABOVE_A_HEADER]) if any(row)]
    return next((n for n in filled if not _missing(rows[n])), filled[0] if filled else 0)


def _ensure_named(where: str, names: Iterable[object]) -> None:
    if missing := _missing(names):
        has = ", ".join(str(name) for name in list(names)[:20]) or "none"
        raise ValueError(f"{where} lacks the columns of {', '.join(missing)}; it has {has}.")


def _decoded(path: Path) -> str:
    """The text of a CSV file: UTF-8, UTF-16 by its mark, or Windows' Latin-1. Raises ValueError for what is none of them."""
    body = path.read_bytes()
    try:
        text = body.decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        if _NO_WESTERN_WORD.search(body):
            raise ValueError(
                f"{path.name} is not UTF-8 (from byte {error.start:,} on), and its encoding cannot be told; save it as CSV UTF-8."
            ) from None
        text = body.decode("cp1252", errors="replace")
    if "\0" in text:
        raise ValueError(
            f"{path.name} is no text (it holds a NUL); save it as CSV UTF-8, or give it the ending of its kind."
        )
    return text


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Typed cells as the text that a CSV file would have."""
    columns = {}
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        try:
            values, kinds = pd.factorize(column, use_na_sentinel=True)
        except TypeError:  # lists and the like
            values, kinds = pd.factorize(column.map(str))
        texts = np.array([*(_text(kind) for kind in np.asarray(kinds)), ""], dtype=object)
        columns[str(name)] = texts[values]
    return pd.DataFrame(columns, dtype=object)


def _text(value: Any) -> str:
    if isinstance(value, datetime | np.datetime64):
        return pd.Timestamp(value).isoformat(sep=" ")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    text = str(value)
    # The point of a number that is none of a text parts no thousands.
    return f"{text}0" if not isinstance(value, str) and _LIKE_GROUPED.fullmatch(text) else text


def _key(name: object) -> str:
    plain = unicodedata.normalize("NFKD", str(name)).lower()
    return re.sub(r"[\W_]", "", "".join(sign for sign in plain if not unicodedata.combining(sign)))


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


def _pieces_by(mark: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        pieces = number(text, mark, is_money=False)
        if pieces != pieces.to_integral_value():
            raise ValueError(
                "is no whole number of pieces; quantity by weight is not kept, so write pieces and their price"
            )
        if abs(pieces) >= 2**31:
            raise ValueError("is no quantity")
        return int(pieces)

    return parse


def _decimals(amount: Decimal) -> int:
    return max(0, -int(amount.normalize().as_tuple().exponent))


def _prices(
    table: _Table,
    price: str | None,
    total: str | None,
    quantities: npt.NDArray[np.object_],
    minor_digits: int,
    mark: str,
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_] | None]:
    """The unit prices and, of a file that has totals, the subtotals."""

    def amount_of(most: int) -> Callable[[str], Decimal]:
        def parse(text: str) -> Decimal:
            amount = number(text, mark, is_whole=not most)
            if _decimals(amount) > most:
                allowed = f"more than {most} decimals" if most else "decimals, and the currency has none"
                raise ValueError(f"has {allowed}")
            return amount

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


def _paid(
    table: _Table,
    total: str,
    invoices: npt.NDArray[np.object_],
    due: npt.NDArray[np.object_],
    minor_digits: int,
    mark: str,
) -> npt.NDArray[np.object_] | None:
    """What was paid for each row of a file that has prices and totals: with discounts and taxes, which the price lacks.

    None where the totals are no numbers, say what the prices do, or are of whole invoices and stand beside each of their rows.
    """
    unit = Decimal(1).scaleb(-minor_digits)
    try:
        paid = _parsed(table, total, lambda text: number(text, mark).quantize(unit, ROUND_HALF_UP))
    except ValueError:
        return None
    rows = pd.DataFrame({"paid": paid, "due": due}, dtype=object).groupby(invoices, sort=False)
    sums, sizes = rows["due"].sum(), rows.size()
    is_of_invoice = sizes.max() > 1 and bool((rows["paid"].nunique() == 1).all())
    expected = sums if is_of_invoice else pd.Series(due)
    found = rows["paid"].first() if is_of_invoice else pd.Series(paid)
    room = unit * (sizes if is_of_invoice else 1)
    return None if ((found - expected).abs() <= room).all() else paid


def _moments(table: _Table, name: str | None, time_name: str | None) -> npt.NDArray[np.datetime64]:
    texts = _texts(table, name)
    try:
        day_first = day_comes_first(pd.unique(texts))
    except Ambiguous as error:
        row = int(np.flatnonzero(texts == error.example)[0])
        raise _refused(table, name, [(row, str(error))]) from None
    days = _parsed(table, name, lambda text: moment(text, day_first=day_first))
    if time_name is not None and time_name != name:
        times = _parsed(table, time_name, time_of_day)
        days = np.array([datetime.combine(day.date(), at) for day, at in zip(days, times, strict=True)], dtype=object)
    return days.astype("datetime64[us]")
