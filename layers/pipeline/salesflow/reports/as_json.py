"""The whole content of a report as JSON, for programs.

Structure: `schema` ("salesflow-report/1"), `report_type`, `period`, `currency`, `provenance`, `sales`, `stock` and `forecast` (null
where the report has none), `verification` (a checksum of the file, see `seal`; its key sorts last). Below `sales`, `stock`, `forecast`
and `provenance` the names are those of `salesflow.analytics.results`, which says what each holds; `window`s are `{"first", "last"}`.
Money is a JSON number in major units with exactly the currency's digits (1240.00 is written so; parse it as a decimal to keep every
cent). Shares and ratios are fractions. Days and moments are ISO 8601, moments in the merchant's zone. Keys are sorted.
"""

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any, Final

import msgspec

from salesflow.analytics.results import ReportContent
from salesflow.money import Currency
from salesflow.reports.seal import BLANK, MARK, seal

SCHEMA: Final = "salesflow-report/1"

_MONEY: Final = frozenset(
    {
        "adjustments",
        "average_ticket",
        "by_hour",
        "by_weekday",
        "cost_value",
        "daily_average",
        "dead_stock_value",
        "lower80",
        "peak_value",
        "previous_revenue",
        "price",
        "returned_amount",
        "revenue",
        "stock_value",
        "total",
        "upper80",
        "value",
    }
)


def render_json(content: ReportContent) -> bytes:
    """The bytes of the JSON file, UTF-8."""
    plain = _plain(content, Currency(content.currency))
    encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")
    return seal(encoder.encode(plain | {"schema": SCHEMA, "verification": MARK + BLANK}) + b"\n")


def _plain(value: Any, currency: Currency, *, money: bool = False) -> Any:
    """Dataclasses as objects, amounts as decimals in major units."""
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name), currency, money=field.name in _MONEY)
            for field in fields(value)
        }
    match value:
        case tuple():
            return [_plain(item, currency, money=money) for item in value]
        case bool() | None:
            return value
        case int() if money:
            return currency.to_major(value)
        case str():
            return str(value).encode("utf-8", "replace").decode()
        case datetime() | date():
            return value.isoformat()
        case _:
            return value
