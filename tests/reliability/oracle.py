"""What a reader was told, what the file says, what the ledger says and what the raw sales say: held against each other.

It shares no code with the system: sums are made here from the sales as they are sold, files are read with the standard library.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from local.api import Sale
from tests.reliability.findings import Finding
from tests.reliability.world import EndState


@dataclass(frozen=True, slots=True)
class Takings:
    """A day's sale lines, pieces, revenue, and what the products brought: it differs from the revenue by what was adjusted at the till."""

    lines: int
    pieces: int
    revenue: Decimal
    of_products: Decimal

    def __str__(self) -> str:
        return f"{self.revenue} ({self.of_products} of products) for {self.pieces} pieces in {self.lines} lines"


def takings_of(sales: Iterable[Sale], first: date, last: date) -> Takings:
    """What was sold on some days, out of the raw sales."""
    within = [sale for sale in sales if first <= sale.sold_at.date() <= last]
    items = [item for sale in within for item in sale.items]
    revenue = sum((Decimal(str(sale.total_amount)) for sale in within), Decimal(0))
    of_products = sum((Decimal(str(item.subtotal)) for item in items), Decimal(0))
    return Takings(len(items), sum(item.quantity for item in items), revenue, of_products)


def takings_in(report: bytes) -> Takings:
    """What a JSON report says was sold."""
    document = json.loads(report)
    kpis, products = document["sales"]["kpis"], document["sales"]["products"]
    of_products = sum((Decimal(str(product["revenue"])) for product in products), Decimal(0))
    return Takings(document["sales"]["rows"], kpis["quantity"], Decimal(str(kpis["revenue"])), of_products)


def contradictions(where: str, state: EndState, day: date, true: Iterable[Takings]) -> list[Finding]:
    """What of a date's JSON report does not agree; true: what its figures may be, by the sales as they were and as they are now."""
    figures = set(true)
    folder = f"reports/sales/daily/{day}/"
    saved = {key: body for key, body in state.objects.items() if key.startswith(folder)}
    manifest = saved.pop(f"{folder}manifest.json", None)
    hashes = {key: hashlib.sha256(body).hexdigest() for key, body in saved.items()}
    problems = [
        f"{key} says {takings_in(body)}, sold were {' or '.join(map(str, figures))}"
        for key, body in saved.items()
        if takings_in(body) not in figures
    ]
    problems += _listed_wrongly(manifest, hashes)
    latest = state.objects.get("reports/latest/sales-daily.json")
    if saved and latest not in saved.values():
        problems.append("the newest report is not this date's")
    for (_, run_day), run in state.runs.items():
        if run_day == day.isoformat():
            problems += _recorded_wrongly(run, hashes)
    problems += _told_wrongly(state, hashes, figures)
    return [Finding("lost", where, problem) for problem in problems]


def older_than_the_newest(objects: Mapping[str, bytes]) -> list[str]:
    """Which files under `latest` are not those of the newest date that there is."""
    found = []
    for key, body in objects.items():
        shop, is_latest, name = key.rpartition("reports/latest/")
        kind, _, extension = name.rpartition(".")
        folder = f"{shop}reports/{kind.replace('-', '/', 1)}/"
        dated = [other for other in objects if other.startswith(folder) and other.endswith(f".{extension}")]
        if is_latest and body != objects[max(dated)]:
            found.append(f"{key} is not {max(dated)}")
    return found


def _listed_wrongly(manifest: bytes | None, hashes: Mapping[str, str]) -> Iterator[str]:
    for listed in json.loads(manifest or b'{"files": {}}')["files"].values():
        if listed["sha256"] != hashes.get(listed["key"]):
            yield f"the manifest gives another hash for {listed['key']}"


def _told_wrongly(state: EndState, hashes: Mapping[str, str], figures: Collection[Takings]) -> Iterator[str]:
    by_edition: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for mail in state.mails:
        for data in mail.attachments.values():
            by_edition[mail.reference][mail.recipient] = hashlib.sha256(data).hexdigest()
            if takings_in(data) not in figures:
                yield f"{mail.recipient} was told {takings_in(data)}"
    for reference, told in by_edition.items():
        if len(set(told.values())) > 1:
            yield f"the readers of {reference} were told different figures"
    anybody = {sha256 for told in by_edition.values() for sha256 in told.values()}
    yield from (f"{key} is not what any reader was mailed" for key, sha256 in hashes.items() if sha256 not in anybody)


def _recorded_wrongly(run: Mapping[str, Any], hashes: Mapping[str, str]) -> Iterator[str]:
    for artifact in run.get("artifacts", {"L": []})["L"]:
        key, sha256 = artifact["M"]["key"]["S"], artifact["M"]["sha256"]["S"]
        if key in hashes and hashes[key] != sha256:
            yield f"the ledger gives another hash for {key}"
