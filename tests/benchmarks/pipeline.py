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

from ops.salesflow_api import SalesFlowServer, online_retail_store
from salesflow.analytics.lines import SaleLines
from salesflow.analytics.sales import daily_series, product_sales, revenue_by_hour, sales_kpis
from salesflow.source.client import SalesFlowClient
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


class FixedToken:
    """The token of a benchmark: given, not read from a secret."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get(self) -> str:
        """The token."""
        return self._token

    def refresh(self) -> str:
        """The same token."""
        return self._token


def fetch_from(url: str, token: str) -> pd.DataFrame:
    """All lines of a server, fetched, decoded, validated, flattened."""
    client = SalesFlowClient(url, FixedToken(token), minor_digits=2, zone=ZoneInfo("Europe/London"))
    return client.fetch_sales(20_000).lines


def plain_kpis(sales: list[dict[str, Any]]) -> dict[str, Any]:
    """The same figures by a loop over the API's own records, as one would write it first."""
    revenue = quantity = returned = 0
    products: dict[str, float] = defaultdict(float)
    days: dict[str, float] = defaultdict(float)
    hours: dict[int, float] = defaultdict(float)
    for sale in sales:
        revenue += round(sale["totalAmount"] * 100)
        sold_at = datetime.fromisoformat(sale["saleDate"])
        days[sale["saleDate"][:10]] += sale["totalAmount"]
        hours[sold_at.hour] += sale["totalAmount"]
        for item in sale["items"]:
            quantity += item["quantity"]
            products[item["sku"]] += item["subtotal"]
            if item["quantity"] < 0:
                returned -= item["quantity"]
    top = sorted(products.items(), key=lambda pair: -pair[1])[:5]
    return {"revenue": revenue, "quantity": quantity, "transactions": len(sales), "returned": returned, "top": top}


def kpis(lines: SaleLines) -> dict[str, Any]:
    """The report's own figures: KPIs, all products, every day, every hour."""
    figures = sales_kpis(lines)
    products = product_sales(lines, lines.within(Window(date(2000, 1, 1), date(2000, 1, 1))))
    daily_series(lines, WHOLE)
    revenue_by_hour(lines)
    return {
        "revenue": figures.revenue,
        "quantity": figures.quantity,
        "transactions": figures.transactions,
        "returned": figures.returned_quantity,
        "top": [(product.sku, product.revenue / 100) for product in products[:5]],
    }


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
    loop_seconds, expected = best_of(3, lambda: plain_kpis(sales))
    prepare_seconds, _ = best_of(RUNS, lambda: SaleLines.from_table(table))
    kpi_seconds, headline = best_of(RUNS, lambda: sales_kpis(lines))
    ours, found = best_of(RUNS, lambda: kpis(lines))
    rounded = [(sku, round(amount, 2)) for sku, amount in expected["top"]]
    agree = expected | {"top": rounded} == found | {"top": found["top"]} and headline.revenue == expected["revenue"]
    show(
        f"Figures of {len(table):,} lines (both agree: {agree})",
        ("work", "seconds", "times faster than the loop"),
        [
            ("plain Python loop over the records", loop_seconds, 1.0),
            (
                "KPIs alone, from the table (aim: 20)",
                prepare_seconds + kpi_seconds,
                loop_seconds / (prepare_seconds + kpi_seconds),
            ),
            ("KPIs, all products, every day and hour", prepare_seconds + ours, loop_seconds / (prepare_seconds + ours)),
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=REAL_SALES)
    main(parser.parse_args().data)
