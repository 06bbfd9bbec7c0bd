"""The products of a report as Parquet (columns: `product_rows`): typed, money as decimal128, provenance in the file's metadata.

Metadata keys: `salesflow.report_type`, `.period`, `.currency`, `.business_date`, `.first_day`, `.last_day` (of the sales),
`.timezone`, `.data_as_of`, `.sales_rows`, `.stock_rows`, `.set_aside`, `.version`.
"""

from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from salesflow.analytics.results import ReportContent
from salesflow.money import Currency
from salesflow.reports.content.product_rows import FieldType, fields_of, product_rows

_MONEY_DIGITS: Final = 18


def render_parquet(content: ReportContent) -> bytes:
    """The bytes of the Parquet file; each page has a checksum."""
    fields = fields_of(content)
    currency = Currency(content.currency)
    types = {
        FieldType.TEXT: pa.string(),
        FieldType.MONEY: pa.decimal128(_MONEY_DIGITS, currency.digits),
        FieldType.WHOLE: pa.int64(),
        FieldType.NUMBER: pa.float64(),
        FieldType.DAY: pa.date32(),
        FieldType.FLAG: pa.bool_(),
    }
    schema = pa.schema([pa.field(field.name, types[field.type]) for field in fields], metadata=_provenance(content))
    columns = list(zip(*product_rows(content, fields), strict=True)) or [()] * len(fields)
    arrays = [
        pa.array([_cell(value, field.type, currency) for value in values], types[field.type])
        for field, values in zip(fields, columns, strict=True)
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


def _cell(value: Any, kind: FieldType, currency: Currency) -> Any:
    if value is None:
        return None
    match kind:
        case FieldType.MONEY:
            return currency.to_major(value)
        case FieldType.TEXT:
            return str(value).encode("utf-8", "replace").decode()
        case _:
            return value


def _provenance(content: ReportContent) -> dict[bytes, bytes]:
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
