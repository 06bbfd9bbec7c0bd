"""A source of whole days of sales, and a bucket that a sync writes them to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd

from salesflow.aws import AwsClients
from salesflow.history.lines import SaleLineHistory
from salesflow.history.plan import Demand
from salesflow.history.sync import History, SyncOutcome
from salesflow.history.terms import Terms
from salesflow.money import Currency
from salesflow.s3 import ObjectStore
from salesflow.source.decode import decode_sales
from salesflow.source.records import SalesBatch
from tests.integration.kept import Kept, kept, put_back
from tests.unit.analytics.tables import Item, Sale

FRIDAY = date(2026, 11, 20)
FIRST = date(2026, 8, 1)
TERMS = Terms(Currency("CNY"), "Asia/Shanghai", time(0))
JPY, EUR = (replace(TERMS, currency=Currency(code)) for code in ("JPY", "EUR"))


def daily(first: date, last: date, a_day: int = 3) -> list[Sale]:
    """So many sales a day at noon, of 12.00."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [
        Sale(datetime.combine(day, time(12, n)), (Item("A1", "Tea", 1, 1200),)) for day in days for n in range(a_day)
    ]


@dataclass
class Source:
    """What the SalesFlow API has: the sales of whole days from a day on, as the client answers them in so many minor units."""

    sales: Sequence[Sale]
    minor: int = 1
    answers: list[Sequence[Sale]] = field(default_factory=list)
    """What it answers first, one after the other, instead of its sales."""
    asked: list[date] = field(default_factory=list)

    def fetch_sales_since(self, since: date, *, asked_on: date | None = None) -> SalesBatch:
        """As `SalesFlowClient.fetch_sales_since`."""
        self.asked.append(since)
        told = self.answers.pop(0) if self.answers else self.sales
        document = [
            {
                "id": number,
                "saleDate": sale.sold_at.isoformat(),
                "totalAmount": sale.total / 100,
                "items": [
                    {
                        "sku": i.sku,
                        "productName": i.name,
                        "quantity": i.quantity,
                        "unitPrice": 0,
                        "subtotal": i.subtotal / 100,
                    }
                    for i in sale.items
                ],
            }
            for number, sale in enumerate(told)
            if sale.sold_at.date() >= since
        ]
        digits = 2 if self.minor == 1 else 0
        return decode_sales(json.dumps(document).encode(), call="GET /sales/history", minor_digits=digits)


_STOOD: dict[object, tuple[date, list[Kept]]] = {}
"""Since when the source was asked, and the objects of the history, by what a first sync was of."""


@dataclass
class Stack:
    """A bucket, and what a new container of a function would make of it."""

    clients: AwsClients
    bucket: str

    def history(self, terms: Terms = TERMS) -> History:
        store = ObjectStore(self.clients.s3, self.bucket)
        return History(
            store, terms, SaleLineHistory(store, terms), history_days=100, overlap_days=7, deep_overlap_days=60
        )

    def sync(
        self,
        source: Source,
        day: date = FRIDAY,
        terms: Terms = TERMS,
        *,
        at: datetime | None = None,
        shared_for: timedelta = timedelta(0),
        **more: object,
    ) -> SyncOutcome:
        """A nightly sync for a business date."""
        demand = replace(Demand(day, True, day - timedelta(days=30), day + timedelta(days=1)), **more)  # type: ignore[arg-type]  # fields
        moment = at or datetime.combine(day, time(16, 20), UTC)
        return self.history(terms).sync(source, demand, read_at=moment, shared_for=shared_for)  # type: ignore[arg-type]  # a stand-in

    def stands(self, source: Source, day: date = FRIDAY, terms: Terms = TERMS) -> None:
        """The history as the first sync of a business date leaves it: made once of the same sales, then put back."""
        made = (day, terms, source.minor, len(source.sales), source.sales[0], source.sales[-1])
        if made not in _STOOD:
            self.sync(source, day, terms)
            _STOOD[made] = (source.asked[-1], kept(self.bucket, "history/"))
            return
        asked, objects = _STOOD[made]
        source.asked.append(asked)
        put_back(self.bucket, objects)

    def revenue(self, terms: Terms = TERMS) -> dict[date, int]:
        """Minor units by day, which lines and shop's days must agree on."""
        history = self.history(terms)
        lines, days = history.read_lines(FIRST, FRIDAY), history.read_shop_days(FIRST, FRIDAY)
        by_day: dict[date, int] = lines.groupby(lines["sold_at"].dt.date)["subtotal"].sum().to_dict()
        assert by_day == dict(zip(days["date"].dt.date, days["revenue"], strict=True))
        assert by_day == _by_day(history.read_panel(FIRST, FRIDAY))
        return by_day

    def put(self, key: str, body: bytes, metadata: dict[str, str] | None = None) -> None:
        self.clients.s3.put_object(Bucket=self.bucket, Key=key, Body=body, Metadata=metadata or {})

    def get(self, key: str) -> tuple[bytes, dict[str, str]]:
        found = self.clients.s3.get_object(Bucket=self.bucket, Key=key)
        return found["Body"].read(), found["Metadata"]

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.clients.s3.delete_object(Bucket=self.bucket, Key=key)

    def stored(self) -> list[str]:
        listed = self.clients.s3.list_objects_v2(Bucket=self.bucket, Prefix="history/")
        return [entry["Key"] for entry in listed.get("Contents", [])]


def _by_day(panel: pd.DataFrame) -> dict[date, int]:
    return panel.groupby(panel["date"].dt.date)["revenue"].sum().to_dict()


def true_revenue(sales: Sequence[Sale], minor: int = 1) -> dict[date, int]:
    found: dict[date, int] = {}
    for sale in sales:
        found[sale.sold_at.date()] = found.get(sale.sold_at.date(), 0) + sale.total // minor
    return found


def lines_deleted(stack: Stack) -> None:
    stack.delete("history/sales/month=2026-10/lines.parquet")


def put_by_hand(stack: Stack) -> None:
    stack.put("history/shop/month=2026-10/shop.csv.gz", b"by hand")
