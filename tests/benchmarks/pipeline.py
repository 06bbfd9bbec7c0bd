"""Reading and analysing 541,909 real sale lines, against the least that such work can cost.

python -m tests.benchmarks.pipeline [--data ../shared/data/online_retail.parquet]
"""

import argparse
import json
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import urllib3

from local.api import SalesFlowServer, online_retail_store
from salesflow.analytics.lines import SaleLines
from salesflow.analytics.sales import daily_series, product_sales, revenue_by_hour, sales_kpis
from salesflow.analytics.sold_days import SoldDays
from salesflow.source.client import SalesFlowClient
from salesflow.source.token import AccessToken, SystemToken
from salesflow.windows import Window
from tests.benchmarks.measuring import REAL_SALES, best_of, in_fresh_process, show

RUNS = 5
WHOLE = Window(date(2010, 12, 1), date(2011, 12, 9))
_MEMORY = """
import sys; sys.path[:0] = ["layers/pipeline", "."]
from tests.benchmarks import pipeline
from tests.benchmarks.measuring import peak_megabytes
import salesflow.source.client
before = peak_megabytes()
lines = pipeline.fetch_from(sys.argv[1], sys.argv[2])
print(f"{before:.0f} {peak_megabytes():.0f} {len(lines)}")
"""


class FixedToken(SystemToken):
    """The token of a benchmark: given, not read from a secret."""

    def __init__(self, token: str) -> None:
        self._token = AccessToken(token, generation=1, expires_at=None)

    def current(self, *, deadline: datetime | None = None) -> AccessToken:
        """The token."""
        return self._token


def fetch_from(url: str, token: str) -> pd.DataFrame:
    """All lines of a server, fetched, decoded, validated, flattened."""
    client = SalesFlowClient(url, FixedToken(token), minor_digits=2, zone=ZoneInfo("Europe/London"))
    return client.fetch_sales(20_000).lines


def plain_figures(sales: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of a report by a loop over the API's own records, as one would write it first."""
    revenue = quantity = returned = returned_amount = returns = subtotals = 0
    products: dict[str, list[Any]] = {}
    days: dict[str, list[int]] = {}
    hours: dict[int, int] = defaultdict(int)
    for sale in sales:
        paid = round(sale["totalAmount"] * 100)
        revenue += paid
        pieces = 0
        came_back = False
        seen = set()
        for item in sale["items"]:
            sku, sold, amount = item["sku"], item["quantity"], round(item["subtotal"] * 100)
            pieces += sold
            subtotals += amount
            product = products.setdefault(sku, ["", 0, 0, 0, 0, 0])
            product[0] = item["productName"]
            product[1] += sold
            product[2] += amount
            if sku not in seen:
                seen.add(sku)
                product[3] += 1
            if sold < 0:
                came_back = True
                returned -= sold
                returned_amount -= amount
                product[4] -= sold
                product[5] -= amount
        quantity += pieces
        returns += came_back
        day = days.setdefault(sale["saleDate"][:10], [0, 0, 0])
        day[0] += paid
        day[1] += pieces
        day[2] += 1
        hours[datetime.fromisoformat(sale["saleDate"]).hour] += paid
    return {
        "kpis": (revenue, quantity, len(sales), returned_amount, returned, returns, revenue - subtotals),
        "products": {sku: (p[1], p[2], p[3], p[4], p[5]) for sku, p in products.items()},
        "days": {day: tuple(figures) for day, figures in days.items()},
        "hours": [hours[hour] for hour in range(24)],
    }


def report_figures(lines: SaleLines) -> tuple[Any, ...]:
    """The report's own: KPIs, all products, every day, every hour."""
    sold = SoldDays.of(lines)
    nothing = sold.within(Window(date(2000, 1, 1), date(2000, 1, 1)))
    return sales_kpis(sold), product_sales(sold, nothing), daily_series(sold, WHOLE), revenue_by_hour(sold)


def same_figures(ours: tuple[Any, ...], plain: dict[str, Any]) -> bool:
    """Whether both came to the same, to the cent."""
    k, products, days, hours = ours
    kpis = (k.revenue, k.quantity, k.transactions, k.returned_amount, k.returned_quantity, k.returns, k.adjustments)
    of_products = {
        p.sku: (p.quantity, p.revenue, p.transactions, p.returned_quantity, p.returned_amount) for p in products
    }
    of_days = {d.day.isoformat(): (d.revenue, d.quantity, d.transactions) for d in days if d.transactions}
    return (kpis, of_products, of_days, list(hours)) == tuple(plain.values())


def main(path: Path) -> None:
    """Measure and print."""
    with SalesFlowServer(online_retail_store(path), clock=lambda: datetime(2011, 12, 10, 7)) as server:
        token = server.issue_token()
        pool = urllib3.PoolManager()

        def fetch_bytes() -> bytes:
            url = f"{server.url}/sales/history?days=20000"
            return pool.request("GET", url, headers={"Authorization": f"Bearer {token}"}).data

        fetch_seconds, body = best_of(RUNS, fetch_bytes)
        json_seconds, sales = best_of(RUNS, lambda: json.loads(body))
        ours_seconds, table = best_of(RUNS, lambda: fetch_from(server.url, token))
        memory = in_fresh_process(_MEMORY, server.url, token).split()
    show(
        f"Reading {len(table):,} lines in {len(sales):,} sales, {len(body) / 1e6:.0f} MB of JSON (best of {RUNS})",
        ("work", "seconds", "times bare decoding"),
        [
            ("bare json.loads of the bytes", json_seconds, 1.0),
            ("fetching the bytes alone", fetch_seconds, fetch_seconds / json_seconds),
            ("fetch + decode + validate + table (aim: at most 3)", ours_seconds, ours_seconds / json_seconds),
        ],
    )
    print(f"peak memory of a process that reads them: {memory[1]} MB ({memory[0]} MB after imports)\n")
    lines = SaleLines.from_table(table)
    loop_seconds, plain = best_of(3, lambda: plain_figures(sales))
    prepare_seconds, _ = best_of(RUNS, lambda: SaleLines.from_table(table))
    all_seconds, ours = best_of(RUNS, lambda: report_figures(lines))
    show(
        f"Figures of {len(table):,} lines; the two agree to the cent: {same_figures(ours, plain)}",
        ("work", "seconds", "times faster than the loop"),
        [
            ("plain Python loop over the records, all figures", loop_seconds, 1.0),
            (
                "summing by day and product; KPIs, all products, every day and hour (aim: 20)",
                all_seconds,
                loop_seconds / all_seconds,
            ),
            ("the same, with taking the columns out of the table", *_with(prepare_seconds + all_seconds, loop_seconds)),
        ],
    )


def _with(seconds: float, loop_seconds: float) -> tuple[float, float]:
    return seconds, loop_seconds / seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=REAL_SALES)
    main(parser.parse_args().data)
