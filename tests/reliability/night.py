"""A stack's night: `main` and other shops in five zones, currencies and languages, some of them bad, through the real functions.

The shops are taken in as the desk takes them in; their schedules fire when they are due, several at the same time. Afterwards each good
shop's reports have to be there once, of her own sales, and told to her own readers; of the bad ones there is nothing, and nothing of anybody
lies with another.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from local.api import SalesFlowServer, SalesStore, sample_sales
from local.api.faults import Slow, Status
from local.cloud import Firing, Mail, Scheduler, SimulatedClock
from local.cloud.aws import ACCESS_KEYS
from local.shop import LocalShop, Shop
from ops import shop_schedules, shops
from ops.local_cloud import RunningCloud
from ops.schedules import KNOBS
from ops.target import Stack, local_stack
from salesflow.shop_id import MAIN_SHOP, key_prefix, partition_prefix
from salesflow.shops.token import keep_token
from tests.reliability.findings import Finding

PLACES = (
    ("Asia/Shanghai", "CNY", "zh"),
    ("Europe/Paris", "EUR", "fr"),
    ("Africa/Kinshasa", "CDF", "ln"),
    ("Africa/Nairobi", "KES", "sw"),
    ("America/New_York", "USD", "en"),
)
SLOW = ("answers 503", "hangs")
BAD = (*SLOW, "has another's token", "has a row that cannot be used", "has no token")
"""What is wrong with a bad shop; the slow ones keep each of their runs waiting."""
CRONS = {
    "sync-history-nightly": "20 4 * * ? *",
    "scheduled-sales-pdf": "0 7 * * ? *",
    "scheduled-stock-excel": "10 7 * * ? *",
}
"""What of the template's schedules a shop has in a night of sync and reports."""
DAY = date(2026, 6, 16)
"""On whose morning the schedules fire, in each shop's zone: the reports are of the day before."""
BUSINESS_DATE = DAY - timedelta(days=1)
REPORTS = {"scheduled-sales-pdf": ("sales", "pdf", "xlsx"), "scheduled-stock-excel": ("stock", "xlsx")}
"""The report that a schedule makes, and in which files."""
HISTORY_DAYS = 30
FOREVER = timedelta(days=3650)


@dataclass(frozen=True)
class Kept:
    """A shop of the night: `wrong` is empty for a good one."""

    id: str
    zone: ZoneInfo
    currency: str
    language: str
    api: SalesFlowServer
    wrong: str = ""

    @property
    def store(self) -> SalesStore:
        """Her sales."""
        return self.api.store

    @property
    def reader(self) -> str:
        """Who gets her reports, and nobody else's."""
        return f"reader@{self.id}.example.com"


@dataclass
class Night:
    """A night that is over: its firings, and the stack with all that it left."""

    stack: Stack
    shops: list[Kept]
    running: LocalShop
    firings: list[Firing]
    reports: list[tuple[str, ...]]

    @property
    def seconds(self) -> list[float]:
        """How long each run took."""
        return [one.duration for firing in self.firings if firing.result for one in firing.result.tries]

    def findings(self) -> list[Finding]:
        """Hold what is there now against the shops' own books."""
        left = _Left.of(self.stack, self.running)
        found: list[Finding] = []
        for one in self.shops:
            found += _of_a_bad_one(one, left) if one.wrong else _of_a_good_one(one, self.reports, left)
        found += _leaks(self.stack, self.shops, left)
        failed = {firing.event.get("shop", MAIN_SHOP) for firing in self.firings if not firing.succeeded}
        for shop in sorted(failed ^ {one.id for one in self.shops if one.wrong}):
            found.append(Finding("silent", shop, "a run failed" if shop in failed else "no run failed"))
        return found


@contextmanager
def night(
    others: int,
    bad: Sequence[str] = (),
    *,
    schedules: Collection[str] = CRONS.keys(),
    at_once: int = 2,
    patience: int = 60,
) -> Iterator[Night]:
    """Let `main` and so many other shops have a night of these schedules, the last of them bad in these ways; the stack ends with the block.

    patience: seconds that a source may keep a run waiting.
    """
    crons = {name: CRONS[name] for name in schedules}
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    first = Shop(
        sample_sales(7, DAY + timedelta(days=2), HISTORY_DAYS), ZoneInfo(PLACES[0][0]), PLACES[0][1],
        report_recipients=("reader@main.example.com",), alert_recipients=(), owners=("owner@main.example.com",),
        parameters={knob: crons.get(name, "") for name, knob in KNOBS.items()}, settings={"history_days": "180"},
    )  # fmt: skip
    with ExitStack() as open_until_then:
        running = open_until_then.enter_context(LocalShop.open(first, datetime.combine(DAY, datetime.min.time(), UTC)))
        aws, name = running.cloud.aws, running.cloud.stack.stack
        stack = local_stack(RunningCloud(aws.endpoint_url, aws.region, name, ACCESS_KEYS))
        kept = [Kept(MAIN_SHOP, first.zone, first.currency, "en", running.api)]
        for number in range(others):
            wrong = bad[number - others] if number >= others - len(bad) else ""
            kept.append(_kept(number, wrong, running.clock))
            open_until_then.enter_context(kept[-1].api)
            _take_in(stack, kept[-1], crons, patience)
        fired = _fire_all(Scheduler(running.cloud), running.clock, kept, at_once)
        yield Night(stack, kept, running, fired, [REPORTS[name] for name in crons if name in REPORTS])


def _kept(number: int, wrong: str, clock: SimulatedClock) -> Kept:
    zone, currency, language = PLACES[number % len(PLACES)]
    place = ZoneInfo(zone)
    store = sample_sales(100 + number, DAY + timedelta(days=2), HISTORY_DAYS)
    api = SalesFlowServer(store, clock=lambda: clock().astimezone(place).replace(tzinfo=None))
    match wrong:
        case "answers 503":
            api.faults.inject("*", Status(503), times=None)
        case "hangs":
            api.faults.inject("*", Slow(3600), times=None)
    return Kept(f"shop-{number:03d}", place, currency, language, api, wrong)


def _take_in(stack: Stack, one: Kept, crons: Mapping[str, str], patience: int) -> None:
    """As `shops add` does it; a bad one is spoiled afterwards."""
    hers = stack.of_shop(one.id)
    values: dict[str, Any] = {
        "salesflow_api_url": one.api.url,
        "shop_name": f"Shop {one.id}",
        "timezone": one.zone.key,
        "currency": one.currency,
        "language_code": one.language,
        "report_recipients": [one.reader],
        "alert_recipients": [],
        "owner_recipients": [f"owner@{one.id}.example.com"],
        "history_days": "180",
        "source_wait_seconds": str(patience),
    }
    shops.take_in(hers, values)
    if one.wrong != "has no token":
        token = json.dumps({"token": one.api.issue_token(FOREVER)}) if one.wrong != "has another's token" else "a.b.c"
        keep_token(hers.rows, hers.client("kms"), stack.physical_id("ShopsKey"), token)
    shop_schedules.make(hers, one.zone.key, crons)
    if one.wrong == "has a row that cannot be used":
        row = next(iter(hers.rows.newest("settings", 1)))
        hers.rows.put({**row, "values": {**values, "currency": "no money"}})


def _fire_all(scheduler: Scheduler, clock: SimulatedClock, kept: Sequence[Kept], at_once: int) -> list[Firing]:
    """The day's schedules in all zones, those that are due at the same moment several at a time; nobody waits for a slow shop's."""
    first = datetime.combine(DAY, datetime.min.time(), ZoneInfo("Pacific/Kiritimati"))
    last = datetime.combine(DAY + timedelta(days=1), datetime.min.time(), ZoneInfo("Etc/GMT+12"))
    due = [one for one in scheduler.due(first, last) if one[0].astimezone(ZoneInfo(one[1].zone)).date() == DAY]
    slow = {one.id for one in kept if one.wrong in SLOW}
    fired: list[Future[Firing]] = []
    with ThreadPoolExecutor(at_once) as pool, ThreadPoolExecutor(1 + len(slow) * len(CRONS)) as apart:
        for moment, some in groupby(due, key=lambda one: one[0]):
            clock.set(moment)
            waited_for: list[Future[Firing]] = []
            for _, schedule in some:
                is_slow = schedule.event(moment).get("shop") in slow
                fired.append((apart if is_slow else pool).submit(scheduler.fire, schedule, moment))
                waited_for += [] if is_slow else fired[-1:]
            wait(waited_for)
    return [firing.result() for firing in fired]


@dataclass(frozen=True)
class _Left:
    """What a night leaves: how often each key was written, and the mails by their recipient."""

    bodies: Callable[[str], bytes]
    keys: Counter[str]
    mails: dict[str, list[Mail]]

    @classmethod
    def of(cls, stack: Stack, running: LocalShop) -> "_Left":
        s3 = running.cloud.aws.client("s3")
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=stack.bucket)
        mails: dict[str, list[Mail]] = {}
        for mail in running.cloud.aws.mails():
            for recipient in mail.recipients:
                mails.setdefault(recipient, []).append(mail)
        return cls(
            lambda key: s3.get_object(Bucket=stack.bucket, Key=key)["Body"].read(),
            Counter(version["Key"] for page in pages for version in page.get("Versions", ())),
            mails,
        )


def _of_a_bad_one(one: Kept, left: _Left) -> Iterator[Finding]:
    own = [key for key in left.keys if _owner(key) == one.id and "/reports/" in key]
    if own or one.reader in left.mails:
        yield Finding("silent", one.id, f"it {one.wrong}, and there are {own}, told were {left.mails.get(one.reader)}")


def _of_a_good_one(one: Kept, reports: Sequence[tuple[str, ...]], left: _Left) -> Iterator[Finding]:
    told = left.mails.get(one.reader, [])
    if len(told) != len(reports):
        yield Finding("doubled", one.id, f"{one.reader} got {len(told)} mails of {len(reports)} reports")
    for report_type, *extensions in reports:
        folder = f"{key_prefix(one.id)}reports/{report_type}/daily/{BUSINESS_DATE}"
        files = [f"{folder}/{report_type}-daily-{BUSINESS_DATE}.{extension}" for extension in extensions]
        written = {key: left.keys[key] for key in (*files, f"{folder}/manifest.json")}
        for key, times in written.items():
            if times != 1:
                yield Finding("doubled" if times else "lost", one.id, f"{key} was written {times} times")
        if not all(written.values()):
            continue
        digests = {hashlib.sha256(left.bodies(key)).hexdigest() for key in files}
        brought = sum(digests <= _attached(mail) for mail in told)
        if brought != 1:
            yield Finding("doubled" if brought else "lost", one.id, f"{report_type} was brought {brought} times")
        yield from _of_her_own(one, report_type, json.loads(left.bodies(f"{folder}/manifest.json")))


def _leaks(stack: Stack, kept: Sequence[Kept], left: _Left) -> Iterator[Finding]:
    """What lies with nobody, or was told to somebody who is nobody's."""
    known = {one.id for one in kept}
    people = {f"{who}@{shop}.example.com" for shop in known for who in ("reader", "owner")}
    yield from (
        Finding("leaked", key, "it is of no shop of the stack") for key in left.keys if _owner(key) not in known
    )
    yield from (Finding("leaked", name, "was mailed") for name in left.mails if name not in people)
    owners = {partition_prefix(shop).removesuffix("|") for shop in known}
    for row in _rows(stack):
        owner, bar, _ = row["pk"]["S"].partition("|")
        if bar and owner not in owners:
            yield Finding("leaked", row["pk"]["S"], "it is a row of no shop of the stack")


def _of_her_own(one: Kept, report_type: str, manifest: dict[str, Any]) -> Iterator[Finding]:
    """Whether a report is made of the shop's own sales, as her books have them."""
    if report_type == "sales":
        sold = [sale for sale in one.store.sales if sale.sold_at.date() == BUSINESS_DATE]
        newest, lines = max(sale.sold_at for sale in sold), sum(len(sale.items) for sale in sold)
        if datetime.fromisoformat(manifest["data_as_of"]) != newest:
            yield Finding(
                "leaked", one.id, f"the report's newest sale is of {manifest['data_as_of']}, hers of {newest}"
            )
        if manifest["sales_rows"] != lines:
            yield Finding("leaked", one.id, f"the report has {manifest['sales_rows']} lines, her day {lines}")
    if manifest["timezone"] != one.zone.key:
        yield Finding("leaked", one.id, f"the report is of {manifest['timezone']}")


def _attached(mail: Mail) -> set[str]:
    """The digests of the files that a mail brings."""
    files = (part.get_payload(decode=True) for part in mail.message.iter_attachments())
    return {hashlib.sha256(content).hexdigest() for content in files if isinstance(content, bytes)}


def _owner(key: str) -> str:
    first, _, rest = key.partition("/")
    return rest.partition("/")[0] if first == "shops" else MAIN_SHOP


def _rows(stack: Stack) -> Iterator[dict[str, Any]]:
    for page in stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.state_table):
        yield from page["Items"]
