"""Reports of shops at their limits, with everything in them that such a shop has: to be looked at, and to be judged like any other."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from salesflow.analytics.results import ReportContent
from salesflow.language import Language, words
from salesflow.reports.content.notes import day_not_over, forecast_is_older, stock_counted_later
from tests.unit.analytics.tables import Item, Sale, lines_of
from tests.unit.reports.samples import BUSINESS_DATE
from tests.unit.reports.whole import sale_lines, stock_table, whole_content

_MANY: Final = 300
_LONG: Final = (
    "Confiture extra de fraises des bois de la vallée, cuite au chaudron, sans colorant, le grand bocal familial n° {n}"
)


def _without(kept: Callable[[pd.Series], pd.Series], **more: Any) -> ReportContent:
    """A day's report of the usual lines of those days alone."""
    table = sale_lines(more.get("price", 1_250))
    return whole_content("sales", table=table[kept(table["sold_at"].dt.normalize())], **more)


def _nothing_sold(**more: Any) -> ReportContent:
    return _without(lambda day: day < pd.Timestamp(BUSINESS_DATE), **more)


def _closed(**more: Any) -> ReportContent:
    return _without(lambda day: day.dt.weekday != BUSINESS_DATE.weekday(), **more)


def _three_days(**more: Any) -> ReportContent:
    return whole_content("sales", days_known=3, day_factor=1.0, **more)


def _negative(**more: Any) -> ReportContent:
    price = more.get("price", 1_250)
    noon = datetime.combine(BUSINESS_DATE, time(11, 20))
    today = lines_of(
        [
            Sale(noon, (Item("SKU-001", "Thé vert à la menthe", 2, 2 * price),)),
            Sale(noon + timedelta(hours=3), (Item("SKU-008", "Café crème moulu 250 g", -9, -9 * price),)),
        ]
    )
    before = sale_lines(price)
    before = before[before["sold_at"] < pd.Timestamp(BUSINESS_DATE)]
    today["sale_id"] += 100_000
    table = pd.concat([before.astype({"sku": "str", "name": "str"}), today.astype({"sku": "str", "name": "str"})])
    return whole_content("sales", table=table.astype({"sku": "category", "name": "category"}), **more)


def _long_names(**more: Any) -> ReportContent:
    price = more.get("price", 1_250)
    sales = [
        Sale(
            datetime.combine(BUSINESS_DATE - timedelta(days=back), time(8 + n % 12, n % 60)),
            (Item(f"SKU-{n:03d}", _LONG.format(n=n), 1 + n % 3, (1 + n % 3) * price),),
        )
        for back in range(98)
        for n in range(back % 3, _MANY, 3)
    ]
    few = stock_table(price)
    rows = [few.iloc[n % len(few)].to_dict() | {"sku": f"SKU-{n:03d}", "name": _LONG.format(n=n)} for n in range(_MANY)]
    return whole_content("combined", table=lines_of(sales), inventory=pd.DataFrame(rows), **more)


def _huge_yen(**more: Any) -> ReportContent:
    return whole_content("combined", **{**more, "currency": "JPY", "price": 98_765_432})


def _late(**more: Any) -> ReportContent:
    content = whole_content("combined", **more)
    _, day = words(more.get("language", Language.EN)), BUSINESS_DATE
    told = (day_not_over(_, day), stock_counted_later(_, day, datetime.combine(day, time(20, 4))))
    assert content.forecast is not None
    older = replace(content.forecast, stale=forecast_is_older(_, day, day - timedelta(days=2)))
    return replace(content, forecast=older, provenance=replace(content.provenance, notes=told, cautions=told[:1]))


HARD: Final[Mapping[str, Callable[..., ReportContent]]] = MappingProxyType(
    {
        "nothing sold": _nothing_sold,
        "closed": _closed,
        "three days": _three_days,
        "negative": _negative,
        "long names": _long_names,
        "huge yen": _huge_yen,
        "late": _late,
    }
)
"""How each is made; `language`, `currency` and `price` may be given."""
