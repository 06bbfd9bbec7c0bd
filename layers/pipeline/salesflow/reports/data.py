"""The files that programs read: CSV, Parquet and JSON.

CSV and Parquet hold one row a product with what is known of its sales and its stock:

| column | type | in |
|---|---|---|
| sku, name | text | all |
| revenue, returned_amount, previous_revenue | money | sales, combined |
| quantity, transactions, returned_quantity, previous_quantity | whole number | sales, combined |
| share | fraction of all products' revenue, unknown where that is not above 0 | sales, combined |
| category, status | text | stock, combined |
| stock, threshold | whole number | stock, combined |
| price, stock_value, cost_value | money | stock, combined |
| daily_sales, coverage_days | number | stock, combined |
| last_sold | date | stock, combined |
| urgent | true or false | stock, combined |
| date, period | business date, and period of the report | all |

Sold products come first, by revenue; products of the stock list that were not sold follow in its order. Where one side does
not know a product, its columns are empty. Products meet by SKU (by name where there is no SKU).
Names and values are the same in every language, because programs read them.

CSV is UTF-8 with a byte order mark, because Excel takes the file for the local 8-bit code without one and every reader that matters
here (pandas and Python: "utf-8-sig"; LibreOffice; DuckDB) skips it. CRLF and quotes as in RFC 4180; delimiter and decimal mark are what a
sheet of the reader's language expects (`COMMA_IS_DECIMAL`). Numbers have no thousands; money is in major units with the currency's digits;
dates are ISO 8601; an unknown value is empty. No cell begins a formula, whichever delimiter a sheet takes for the file's (`harmless`).

Parquet is typed, with money as decimal128 and provenance in the file's metadata: `salesflow.report_type`, `.period`, `.currency`,
`.business_date`, `.first_day`, `.last_day` (of the sales), `.timezone`, `.data_as_of`, `.sales_rows`, `.stock_rows`, `.set_aside`, `.version`.

JSON holds the whole content: `schema` ("salesflow-report/1"), `report_type`, `period`, `currency`, `provenance`, `sales`, `stock` and
`forecast` (null where the report has none). Below `sales`, `stock`, `forecast` and `provenance` the names are those of
`salesflow.analytics.results`, which says what each holds; `window`s are `{"first", "last"}`. Money is a JSON number in major units with
exactly the currency's digits (1240.00 is written so; parse it as a decimal to keep every cent). Shares and ratios are fractions. Days and
moments are ISO 8601, moments in the merchant's zone. Keys are sorted.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from salesflow.analytics.results import ProductSales, ReportContent, StockItem
from salesflow.language import Language
from salesflow.money import Currency

SCHEMA: Final = "salesflow-report/1"
ENCODING: Final = "utf-8-sig"
COMMA_IS_DECIMAL: Final = (Language.FR, Language.LN)
"""Where sheets read numbers with a comma and columns apart by semicolons (a number with a point is a text to them, or a date);
elsewhere it is a point, and commas."""

_MONEY_DIGITS: Final = 18
_SEPARATORS: Final = ";,\t\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029|"
_UNSEEN: Final = (
    "\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
"""What no eye sees before a sign, as a class of a regular expression."""
_FORMULA: Final = re.compile(
    f"(^|[{_SEPARATORS}])(?=[{_UNSEEN}]*[=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b])"
)
_LINE_START: Final = ("\t", "\r", "\n")


type FieldType = Literal["text", "money", "whole", "number", "day", "flag"]
"""What a column holds."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its name, what it holds, and how it is taken from a product's two sides."""

    name: str
    type: FieldType
    of: Callable[[ProductSales | None, StockItem | None], Any]


def _from_sales(name: str, kind: FieldType) -> Field:
    return Field(name, kind, lambda sold, _: getattr(sold, name) if sold is not None else None)


def _from_stock(name: str, kind: FieldType, attribute: str = "") -> Field:
    source = attribute or name
    return Field(name, kind, lambda _, item: getattr(item, source) if item is not None else None)


def _either(name: str) -> Field:
    def value(sold: ProductSales | None, item: StockItem | None) -> Any:
        return getattr(sold if sold is not None else item, name)

    return Field(name, "text", value)


_KEYS: Final = (_either("sku"), _either("name"))
_SALES: Final = (
    _from_sales("revenue", "money"),
    _from_sales("quantity", "whole"),
    _from_sales("transactions", "whole"),
    _from_sales("share", "number"),
    _from_sales("returned_quantity", "whole"),
    _from_sales("returned_amount", "money"),
    _from_sales("previous_quantity", "whole"),
    _from_sales("previous_revenue", "money"),
)
_STOCK: Final = (
    _from_stock("category", "text"),
    _from_stock("status", "text"),
    _from_stock("urgent", "flag"),
    _from_stock("stock", "whole"),
    _from_stock("threshold", "whole"),
    _from_stock("price", "money"),
    _from_stock("stock_value", "money", "value"),
    _from_stock("cost_value", "money"),
    _from_stock("daily_sales", "number"),
    _from_stock("coverage_days", "number"),
    _from_stock("last_sold", "day"),
)


def fields_of(content: ReportContent) -> tuple[Field, ...]:
    """The columns of a report, by what it holds."""
    day, period = content.provenance.business_date, str(content.period)
    when = (Field("date", "day", lambda _, __: day), Field("period", "text", lambda _, __: period))
    return _KEYS + (_SALES if content.sales else ()) + (_STOCK if content.stock else ()) + when


def product_rows(content: ReportContent, columns: Sequence[Field]) -> Iterator[tuple[Any, ...]]:
    """One tuple a product, in the order of the columns; money in minor units."""
    for sold, item in _pairs(content):
        yield tuple(column.of(sold, item) for column in columns)


def _pairs(content: ReportContent) -> Iterator[tuple[ProductSales | None, StockItem | None]]:
    items = content.stock.items if content.stock else ()
    waiting: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        waiting.setdefault(item.sku or item.name, []).append(place)
    met: set[int] = set()
    for sold in content.sales.products if content.sales else ():
        places = waiting.get(sold.sku or sold.name)
        if places:
            met.add(places[0])
            yield sold, items[places.pop(0)]
        else:
            yield sold, None
    for place, item in enumerate(items):
        if place not in met:
            yield None, item


def render_csv(content: ReportContent, language: Language = Language.EN) -> bytes:
    """The bytes of the CSV file."""
    columns = fields_of(content)
    currency = Currency(content.currency)
    types = [column.type for column in columns]
    file = io.BytesIO()
    text = io.TextIOWrapper(file, ENCODING, "replace", newline="")
    delimiter, mark = (";", ",") if language in COMMA_IS_DECIMAL else (",", ".")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([column.name for column in columns])
    for row in product_rows(content, columns):
        writer.writerow([_csv_cell(value, kind, currency, mark) for value, kind in zip(row, types, strict=True)])
    text.detach()
    return file.getvalue()


def harmless(text: str) -> str:
    """The text, with an apostrophe wherever a sheet would begin to compute it: at its start, and after each sign that a sheet of
    another country takes for the end of a cell. NUL, at which many readers stop, is U+FFFD."""
    text = _FORMULA.sub(r"\1'", text.replace("\x00", "\ufffd"))
    return f"'{text}" if text.startswith(_LINE_START) else text


def _csv_cell(value: Any, kind: FieldType, currency: Currency, mark: str) -> str:
    if value is None:
        return ""
    match kind:
        case "text":
            return harmless(str(value))
        case "money":
            return str(currency.to_major(value)).replace(".", mark)
        case "flag":
            return "true" if value else "false"
        case "day":
            return str(value.isoformat())
        case _:
            return repr(value).replace(".", mark)


def render_parquet(content: ReportContent) -> bytes:
    """The bytes of the Parquet file; each page has a checksum."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = fields_of(content)
    currency = Currency(content.currency)
    types = {
        "text": pa.string(),
        "money": pa.decimal128(_MONEY_DIGITS, currency.digits),
        "whole": pa.int64(),
        "number": pa.float64(),
        "day": pa.date32(),
        "flag": pa.bool_(),
    }
    schema = pa.schema([pa.field(column.name, types[column.type]) for column in columns], metadata=_metadata(content))
    values = list(zip(*product_rows(content, columns), strict=True)) or [()] * len(columns)
    arrays = [
        pa.array([_parquet_cell(value, column.type, currency) for value in cells], types[column.type])
        for column, cells in zip(columns, values, strict=True)
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=schema),
        sink,
        compression="zstd",
        write_page_checksum=True,
        write_statistics=False,
    )
    return bytes(sink.getvalue().to_pybytes())


def _parquet_cell(value: Any, kind: FieldType, currency: Currency) -> Any:
    if value is None:
        return None
    match kind:
        case "money":
            return currency.to_major(value)
        case "text":
            return str(value).encode("utf-8", "replace").decode()
        case _:
            return value


def _metadata(content: ReportContent) -> dict[bytes, bytes]:
    source = content.provenance
    facts = {
        "report_type": content.report_type,
        "period": content.period,
        "currency": content.currency,
        "business_date": source.business_date.isoformat(),
        "timezone": source.timezone,
        "data_as_of": source.data_as_of.isoformat() if source.data_as_of else "",
        "sales_rows": str(source.sales_rows),
        "stock_rows": str(source.stock_rows),
        "set_aside": str(source.set_aside),
        "version": source.version,
    }
    if content.sales:
        facts["first_day"] = content.sales.window.first.isoformat()
        facts["last_day"] = content.sales.window.last.isoformat()
    return {f"salesflow.{key}".encode(): value.encode() for key, value in facts.items()}


_MONEY: Final = frozenset({
    "adjustments", "average_ticket", "by_hour", "by_weekday", "cost", "cost_value", "daily_average", "dead_stock_value", "earlier_revenue",
    "gross_profit", "lost_revenue", "lower80", "month_revenue", "overstock_value", "peak_value", "previous_revenue", "price", "profit",
    "returned", "returned_amount", "revenue", "sold", "stock_value", "total", "unit_cost", "upper80", "usual_gross_profit", "usual_revenue", "value",
    "vat",
})  # fmt: skip
"""Names of what is money, wherever it stands."""
_NOT_IN_JSON: Final = frozenset({"sale_lines", "made", "brand"})
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", order="sorted")


def render_json(content: ReportContent) -> bytes:
    """The bytes of the JSON file, UTF-8."""
    return _ENCODER.encode(_plain(content, Currency(content.currency)) | {"schema": SCHEMA}) + b"\n"


def _plain(value: Any, currency: Currency, *, money: bool = False) -> Any:
    """Dataclasses as objects, amounts as decimals in major units."""
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name), currency, money=field.name in _MONEY)
            for field in fields(value)
            if field.name not in _NOT_IN_JSON
        }
    match value:
        case tuple() if value and is_dataclass(value[0]):
            # 100,000 products as JSON take a tenth of what they take as objects.
            return msgspec.Raw(b"[%b]" % b",".join([_ENCODER.encode(_plain(item, currency)) for item in value]))
        case tuple():
            return [_plain(item, currency, money=money) for item in value]
        case bool() | Decimal() | None:
            return value
        case int() if money:
            return currency.to_major(value)
        case str():
            return str(value).encode("utf-8", "replace").decode()
        case datetime() | date():
            return value.isoformat()
        case _:
            return value
