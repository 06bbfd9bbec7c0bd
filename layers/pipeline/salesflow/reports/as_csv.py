"""The products of a report as CSV (columns: `product_rows`).

UTF-8 with a byte order mark, because Excel takes the file for the local 8-bit code without one and every reader that matters
here (pandas and Python: "utf-8-sig"; LibreOffice; DuckDB) skips it. Comma, CRLF and quotes as in RFC 4180. Numbers are plain:
a point, no thousands, money in major units with the currency's digits; dates are ISO 8601; an unknown value is empty. A text
that a sheet would take for a formula gets a leading apostrophe; numbers never do.
"""

import csv
import io
from typing import Any, Final

from salesflow.analytics.results import ReportContent
from salesflow.money import Currency
from salesflow.reports.content.product_rows import FieldType, fields_of, product_rows

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
ENCODING: Final = "utf-8-sig"


def render_csv(content: ReportContent) -> bytes:
    """The bytes of the CSV file."""
    fields = fields_of(content)
    currency = Currency(content.currency)
    types = [field.type for field in fields]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([field.name for field in fields])
    for row in product_rows(content, fields):
        writer.writerow([_cell(value, kind, currency) for value, kind in zip(row, types, strict=True)])
    return text.getvalue().encode(ENCODING, "replace")


def harmless(text: str) -> str:
    """The text, with an apostrophe before it where a sheet would compute it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _cell(value: Any, kind: FieldType, currency: Currency) -> str:
    if value is None:
        return ""
    match kind:
        case FieldType.TEXT:
            return harmless(str(value))
        case FieldType.MONEY:
            return str(currency.to_major(value))
        case FieldType.FLAG:
            return "true" if value else "false"
        case FieldType.DAY:
            return str(value.isoformat())
        case _:
            return repr(value)
