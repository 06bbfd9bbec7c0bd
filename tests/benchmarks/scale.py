"""One shop of growing size: processor time and peak memory of each job, each in a fresh process, against the local cloud.

`python -m tests.benchmarks.scale [LINES:SKUS[:DAYS] ...] [--shops FOLDER]`, by default a small shop, 1, 3 and 10 million sale lines a year with 5,000
SKUs, and 3 million with 100,000; 20000000:5000:20 is twenty days of a million lines each. A shop is made once, as the API would send it (150 bytes of
JSON a line), and kept in the folder.
"""

import argparse
import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import msgspec
import numpy as np

from local.cloud.aws import ACCESS_KEYS, LocalAws
from tests.benchmarks.measuring import ROOT, in_fresh_process, show

DAYS = "365"
MEAN_ITEMS = 3
WEEK = (0.8, 0.9, 0.95, 1.0, 1.15, 1.3, 0.9)
SIZES = ("60000:80", "1000000:5000", "3000000:5000", "10000000:5000", "3000000:100000")
_NIGHTLY: list[tuple[str, str, dict[str, object]]] = [
    ("later sync", "sync_history", {}),
    ("forecast", "forecast", {}),
    ("check of the shop", "anomaly_check", {}),
    ("check of the products", "anomaly_check", {"scope": "PRODUCT"}),
    ("daily sales PDF", "report", {"formats": ["pdf"]}),
    ("daily stock workbook", "report", {"report_type": "stock", "formats": ["excel"]}),
]
JOBS: list[tuple[str, str, dict[str, object]]] = [
    ("first sync, the whole history", "sync_history", {}),
    *_NIGHTLY,
    (
        "quarter, six formats",
        "report",
        {"period": "quarterly", "formats": ["pdf", "excel", "html", "csv", "parquet", "json"]},
    ),
]
_JOB = """
import importlib, json, os, resource, sys
from tests.benchmarks.measuring import peak_megabytes
from salesflow.jobs.runtime import Runtime
job = getattr(importlib.import_module(f"salesflow.jobs.{sys.argv[1]}"), sys.argv[1])
sys.stdout = sys.stderr
begun = 0.0
for event in json.loads(sys.argv[2]):
    runtime = globals().get("runtime") or Runtime.from_environment(os.environ)
    before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    status = job(event, None, runtime)["status"]
    begun = begun or before
spent = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
print(json.dumps([status, spent, spent - before, peak_megabytes()]), file=sys.__stdout__)
"""


def make_shop(folder: Path, lines: int, skus: int, days: int, *, seed: int = 1) -> None:
    """Write the sales of so many days up to yesterday, a file a day, and the products and the inventory."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    popular = 1 / np.arange(1, skus + 1) ** 0.8
    below = np.cumsum(popular / popular.sum())
    prices = np.round(rng.lognormal(1.5, 0.8, skus), 2).tolist()
    names = [f"Article {n:06d} {'Café' if n % 7 == 0 else '大豆' if n % 11 == 0 else 'standard'}" for n in range(skus)]
    stock = rng.integers(0, 500, skus).tolist()
    products = [
        {"id": n + 1, "name": names[n], "sku": f"SKU{n:06d}", "price": prices[n], "stockQuantity": stock[n], "lowStockThreshold": 10}
        for n in range(skus)
    ]  # fmt: skip
    inventory = [
        {"sku": one["sku"], "name": one["name"], "quantity": one["stockQuantity"], "price": one["price"], "cost": round(one["price"] * 0.6, 2)}
        for one in products
    ]  # fmt: skip
    (folder / "products.json").write_bytes(msgspec.json.encode(products))
    (folder / "inventory.json").write_bytes(msgspec.json.encode(inventory))
    number = 0
    for day in (datetime.now(UTC).date() - timedelta(days=days - n) for n in range(days)):
        sales = 1 + int(rng.poisson(lines / days / MEAN_ITEMS * WEEK[day.weekday()]))
        sizes = 1 + rng.poisson(MEAN_ITEMS - 1, sales)
        products_sold = np.searchsorted(below, rng.random(int(sizes.sum()))).clip(0, skus - 1).tolist()
        pieces = (1 + rng.poisson(0.6, len(products_sold))).tolist()
        seconds = np.sort(rng.integers(8 * 3600, 20 * 3600, sales)).tolist()
        document, at = [], 0
        for size, second in zip(sizes.tolist(), seconds, strict=True):
            items = [
                {"productId": n + 1, "productName": names[n], "sku": f"SKU{n:06d}", "quantity": count, "unitPrice": prices[n],
                 "subtotal": round(prices[n] * count, 2)}
                for n, count in zip(products_sold[at : at + size], pieces[at : at + size], strict=True)
            ]  # fmt: skip
            at, number = at + size, number + 1
            moment = (
                f"{day.isoformat()}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{number % 1000:03d}"
            )
            paid = round(sum(item["subtotal"] for item in items), 2)
            document.append({"id": number, "saleDate": moment, "totalAmount": paid, "items": items})
        (folder / f"{day.isoformat()}.json").write_bytes(msgspec.json.encode(document)[1:-1])


@contextlib.contextmanager
def api_of(folder: Path) -> Iterator[str]:
    """The shop's API on a loopback port, straight from the files; answers its base URL."""
    days = sorted(folder.glob("????-??-??.json"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlparse(self.path)
            if url.path.endswith("/sales/history"):
                first = datetime.now(UTC).date() - timedelta(days=int(parse_qs(url.query)["days"][0]))
                wanted = [day for day in days if date.fromisoformat(day.stem) >= first]
            else:
                wanted = [folder / f"{url.path.rpartition('/')[2]}.json"]
            listed = url.path.endswith("/sales/history")
            self.send_response(200)
            commas = max(0, len(wanted) - 1) + 2 if listed else 0
            self.send_header("Content-Length", str(sum(day.stat().st_size for day in wanted) + commas))
            self.end_headers()
            for place, day in enumerate(wanted):
                self.wfile.write((b"," if place else b"[") * listed + day.read_bytes())
            self.wfile.write((b"]" if wanted else b"[]") * listed)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api/v1"
    server.shutdown()


def environment_of(aws: LocalAws, api: str, name: str) -> dict[str, str]:
    """A stack's bucket, table, secret and sender, and the environment of its functions."""
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.region})
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    aws.client("secretsmanager").create_secret(Name=name, SecretString="a.b.c")  # the API above asks nobody who he is
    aws.client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
    return {
        **os.environ,
        **ACCESS_KEYS,
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_DEFAULT_REGION": aws.region,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'pipeline'}",
        "SALESFLOW_API_URL": api,
        "SYSTEM_TOKEN_SECRET_ID": name,
        "REPORTS_BUCKET": name,
        "STATE_TABLE": name,
        "TIMEZONE": "UTC",
        "CURRENCY": "CNY",
        "MAIL_SENDER": "shop@example.com",
        "REPORT_RECIPIENTS": "reader@example.com",
        "ALERT_RECIPIENTS": "owner@example.com",
        "OWNER_RECIPIENTS": "owner@example.com",
        "SES_REGION": aws.region,
        "POWERTOOLS_METRICS_NAMESPACE": "SalesFlow",
        "POWERTOOLS_SERVICE_NAME": "salesflow",
    }


def main(sizes: list[str], shops: Path) -> None:
    """Make the shops that are not there yet, run the jobs, and print."""
    for size in sizes:
        lines, skus, days = map(int, [*size.split(":"), DAYS][:3])
        folder = shops / f"{lines}-{skus}-{days}"
        if not folder.exists():
            make_shop(folder, lines, skus, days)
        rows: list[tuple[object, ...]] = []
        night = 0.0
        aws = LocalAws.start()
        with api_of(folder) as api:
            environment = environment_of(aws, api, folder.name)
            for title, job, fields in JOBS:
                event = {**fields, "force": True}
                again = [event, event] if (title, job, fields) in _NIGHTLY else [event]
                said = in_fresh_process(_JOB, job, json.dumps(again), environment=environment)
                status, spent, warm, peak = json.loads(said.splitlines()[-1])
                rows.append((title, status, spent, warm if len(again) > 1 else "", round(peak)))
                night += warm if len(again) > 1 else 0
                print(rows[-1], file=sys.stderr, flush=True)
        aws.stop()
        rows.append(("a later night, warm", "", "", night, ""))
        show(
            f"{lines:,} sale lines in {days} days, {skus:,} SKUs",
            ("job", "status", "CPU s, all of the process", "CPU s, warm", "peak MB"),
            rows,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=SIZES, metavar="LINES:SKUS[:DAYS]")
    parser.add_argument("--shops", type=Path, default=ROOT / ".build" / "shops")
    given = parser.parse_args()
    main(list(given.sizes), given.shops)
