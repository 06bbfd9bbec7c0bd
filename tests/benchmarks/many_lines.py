"""A report over very many sale lines: processor time and peak memory of a fresh process that reads, sums and renders them.

`python -m tests.benchmarks.many_lines [LINES_A_DAY ...] [--keep WORKBOOK]`, by default 52,400 and 1,000,000, on each of twenty days of one
month, 5,000 SKUs, in the local cloud: the month's file is written here as a sync writes it, so that the report alone is measured. 52,400 a day
are as many as a sheet of a workbook takes; of more it has none, as in the job.
"""

import argparse
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from local.cloud.aws import LocalAws
from salesflow.history.lines import ROW_GROUP, SCHEMA
from salesflow.history.reading import Reading
from salesflow.history.terms import Terms
from salesflow.money import Currency
from tests.benchmarks.measuring import in_fresh_process, show
from tests.benchmarks.scale import environment_of

FIRST, DAYS, SKUS, MEAN_ITEMS = date(2026, 11, 1), 20, 5_000, 3
TERMS = Terms(Currency("CNY"), "UTC", time(0))
_REPORT = """
import json, os, resource, sys
from datetime import date, datetime, time
import pandas as pd
from salesflow.analytics.lines import SaleLines
from salesflow.analytics.results import Provenance, ReportContent
from salesflow.analytics.sales import analyse_sales, days_needed
from salesflow.analytics.services import services_among
from salesflow.analytics.statement import state_money, usual_profit, wares_of
from salesflow.analytics.stock import analyse_stock
from salesflow.jobs import report  # what a cold report function has in memory
from salesflow.jobs.runtime import Runtime
from salesflow.memory import give_back
from salesflow.reports import render
from salesflow.reports.content.notes import MOST_SALE_LINES
from salesflow.windows import Period
from tests.benchmarks.measuring import peak_megabytes

runtime = Runtime.from_environment(os.environ)
day, skus = date.fromisoformat(sys.argv[1]), int(sys.argv[2])
begun, base = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), peak_megabytes()
needed = days_needed(Period.MONTHLY, day)
sold = runtime.history.read_sold_days(needed.first, day)
read = peak_megabytes()
sales = analyse_sales(sold, Period.MONTHLY, day, known_from=needed.first)
stock = pd.DataFrame({"product_id": range(skus), "sku": [f"SKU{n:06d}" for n in range(skus)], "name": "Article", "price": 500,
                      "stock_quantity": 100, "low_stock_threshold": 10, "cost": 300, "category": "Any"})
counted = analyse_stock(stock, sold, day, known_from=needed.first, counted_at=datetime.combine(day, time(23, 30)))
services_among(sold, {p.sku for p in sales.products[:100]})
usual_profit(sold, sales.window, wares_of(stock), 1)
lists_lines = sales.rows <= MOST_SALE_LINES
content = ReportContent("combined", Period.MONTHLY, "CNY", sales, counted, Provenance(day, "UTC", sales.data_as_of, sales.rows, skus, 0, (), (), "1"),
                        statement=state_money(sales.kpis, sales.products, wares_of(stock)),
                        sale_lines=SaleLines.from_table(runtime.history.read_lines(sales.window.first, day)) if lists_lines else None)
files = {}
for fmt in ("pdf", "html", "csv", "parquet", "json", "excel"):
    give_back()
    files[fmt] = render(content, fmt)
if sys.argv[3]:
    open(sys.argv[3], "wb").write(files["excel"])
spent = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - begun
print(json.dumps([sales.rows, sales.kpis.revenue, len(sales.products), spent, base, read, peak_megabytes()]))
"""


def days_of_lines(lines: int, *, seed: int = 1) -> Iterator[pd.DataFrame]:
    """The sale lines of each day, as a sync stores them."""
    rng = np.random.default_rng(seed)
    popular = 1 / np.arange(1, SKUS + 1) ** 0.8
    below = np.cumsum(popular / popular.sum())
    skus = pd.Index([f"SKU{n:06d}" for n in range(SKUS)])
    names = pd.Index([f"Article {n:06d}" for n in range(SKUS)])
    prices = np.round(rng.lognormal(6, 0.8, SKUS)).astype(np.int64)
    for n in range(DAYS):
        sale = np.sort(rng.integers(0, lines // MEAN_ITEMS, lines))
        opens = np.append(True, sale[1:] != sale[:-1])
        number = np.cumsum(opens) - 1
        seconds = np.sort(rng.integers(8 * 3600, 20 * 3600, number[-1] + 1))
        begin = np.datetime64(datetime.combine(FIRST + timedelta(days=n), time()), "us")
        product, pieces = np.searchsorted(below, rng.random(lines)).clip(0, SKUS - 1), 1 + rng.poisson(0.6, lines)
        subtotal = prices[product] * pieces
        yield pd.DataFrame(
            {
                "sale_id": number + n * lines,
                "line": (np.arange(lines) - np.flatnonzero(opens)[number]).astype(np.int32),
                "sold_at": begin + seconds[number].astype("timedelta64[s]"),
                "sale_total": np.bincount(number, subtotal)[number].astype(np.int64),
                "product_id": product + 1,
                "sku": pd.Categorical.from_codes(product, skus),
                "name": pd.Categorical.from_codes(product, names),
                "quantity": pieces,
                "unit_price": prices[product] / 100,
                "subtotal": subtotal,
            }
        )


def put_month(aws: LocalAws, bucket: str, lines: int) -> tuple[int, int]:
    """Write the month's file; answers its bytes and the shop's revenue in minor units."""
    schema = SCHEMA.with_metadata({"salesflow.currency": "CNY", "salesflow.amounts": "integer minor units"})
    buffer, revenue = io.BytesIO(), 0
    with pq.ParquetWriter(buffer, schema, compression="zstd") as writer:
        for rows in days_of_lines(lines):
            revenue += int(rows["subtotal"].sum())
            writer.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False), row_group_size=ROW_GROUP)
    aws.client("s3").put_object(
        Bucket=bucket,
        Key=f"history/sales/month={FIRST:%Y-%m}/lines.parquet",
        Body=buffer.getvalue(),
        Metadata=Reading(FIRST, datetime(2026, 11, 21, tzinfo=UTC)).metadata() | dict(TERMS.words),
    )
    return len(buffer.getvalue()), revenue


def main(sizes: list[int], keep: str) -> None:
    """Measure and print. keep: where the workbook is to lie, to be opened; "" for nowhere."""
    found: list[tuple[object, ...]] = []
    for lines in sizes:
        aws, bucket = LocalAws.start(), f"lines-{lines}"
        environment = environment_of(aws, "http://127.0.0.1:9/api/v1", bucket)
        stored, revenue = put_month(aws, bucket, lines)
        last = FIRST + timedelta(days=DAYS - 1)
        said = in_fresh_process(_REPORT, last.isoformat(), str(SKUS), keep, environment=environment)
        rows, summed, products, spent, base, read, peak = json.loads(said.splitlines()[-1])
        if (rows, summed) != (lines * DAYS, revenue):
            raise AssertionError(f"{rows:,} lines and {summed:,}, not {lines * DAYS:,} and {revenue:,}")
        found.append((f"{rows:,}", f"{products:,}", round(stored / 1e6), spent, round(base), round(read), round(peak)))
        aws.stop()
    show(
        f"A month's report in six formats, {DAYS} days with sales",
        ("lines", "products", "MB stored", "CPU s", "MB before", "peak MB, summed", "peak MB, rendered"),
        found,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[52_400, 1_000_000], metavar="LINES_A_DAY")
    parser.add_argument("--keep", default="", metavar="WORKBOOK")
    given = parser.parse_args()
    main(given.sizes, given.keep)
