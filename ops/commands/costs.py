"""`costs`: what a month costs.

What a stack costs in a month at today's schedules: what is due, times what runs have taken, times list prices.

Due firings are counted from the schedules themselves; durations, log volume and metrics are read from the functions' logs of
the last days (Lambda's own `platform.report` records and the metrics in them); stored bytes from the bucket. What nothing has
measured is assumed, and said to be.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, NamedTuple

import typer

from ops.complaints import Failed
from ops.desk import Desk
from ops.groups import Group
from ops.logs import JOBS, ONLY_WITH
from ops.options import AllShopsOption
from ops.schedules import every
from ops.target import DeployedFunction, Stack
from ops.terminal import Facts, Table
from salesflow.errors import SalesFlowError
from salesflow.readers import MAIL, WHATSAPP, kind_of
from salesflow.stored import json_object

app = Group("What a month costs.")

PRICES = Path(__file__).parents[1] / "prices.toml"
MONTH = timedelta(days=30)
HOURS_OF_A_MONTH = 730
GB = 1e9
AGED = timedelta(days=365)
"""After so long, prices are to be looked up anew."""

_PRICE_OF_A_KIND = {MAIL: "ses_mails", WHATSAPP: "whatsapp_messages"}
_KINDS = (
    ("ses_mails", "SES", "mails"),
    ("whatsapp_messages", "End User Messaging", "WhatsApp messages, without Meta's own fee"),
    ("hook_messages", "Chats and programs", "messages"),
)


class Price(NamedTuple):
    """The list price of one unit, how many of them a month are free for an account, and when it was so."""

    unit: str
    price: float
    free: float
    as_of: date


class PriceList(NamedTuple):
    """Prices by what they are for, where they hold, and what a run is assumed to do."""

    region: str
    prices: Mapping[str, Price]
    assumed_per_run: Mapping[str, float]

    @property
    def as_of(self) -> date:
        """When the oldest of them was looked up."""
        return min(one.as_of for one in self.prices.values())

    def aged(self, today: date) -> list[str]:
        """Which are to be looked up anew."""
        return [name for name, one in self.prices.items() if one.price and one.as_of < today - AGED]


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of the bill. `basis` says where the amount comes from; `usd` is at list price, `beyond_free` after the free units."""

    service: str
    what: str
    amount: float
    unit: str
    usd: float
    beyond_free: float
    basis: str


@dataclass(slots=True)
class Measured:
    """What the log of a function shows of some days: billed seconds of each run, bytes, and the hours in which metrics had values."""

    billed_seconds: list[float] = field(default_factory=list)
    log_bytes: int = 0
    metric_hours: set[tuple[str, ...]] = field(default_factory=set)


def read_prices(path: Path = PRICES) -> PriceList:
    """The price list. Raises Failed, naming what is wrong with the file."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
        head = {name: found.pop(name) for name in ("as_of", "region", "source", "assumed_per_run")}
        prices = {
            name: Price(
                entry["unit"],
                float(entry["price"]),
                float(entry["free"]),
                date.fromisoformat(entry.get("as_of", head["as_of"])),
            )
            for name, entry in found.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failed(f"{path} is no price list: {error}.", action="Compare it with the repository's.") from None
    return PriceList(head["region"], prices, head["assumed_per_run"])


def month(
    stack: Stack, now: datetime, *, measured_days: int, prices: PriceList, others: Sequence[Stack] = ()
) -> list[Cost]:
    """The lines of a month's bill, by service; others: the same stack for other shops that fire, too. Raises the SDK's errors."""
    there = (job for job in JOBS if job not in ONLY_WITH or ONLY_WITH[job] in stack.resources)
    functions = {job: stack.function(job) for job in there}
    due = [(one, _due_runs(one, functions, now)) for one in (stack, *others)]
    runs = sum((of_one for _, of_one in due), Counter[str]())
    measured = {job: _measure(stack, function, now, measured_days) for job, function in functions.items()}
    bill = _Bill(prices)
    _compute(bill, functions, runs, measured, stack.parameters.get("Architecture", "x86_64"))
    total = sum(runs.values())
    bill.add("EventBridge Scheduler", "firings", "scheduler", total, "due times of the enabled schedules")
    for name, service in (("dynamodb_writes", "DynamoDB"), ("dynamodb_reads", "DynamoDB")):
        bill.add(service, name.partition("_")[2], name, total * prices.assumed_per_run[name], "assumed a run")
    stored = sum(_object_bytes(stack))
    bill.add("S3", "stored", "s3_storage", stored / GB, "the bucket's objects now, without old versions")
    for name in ("s3_writes", "s3_reads"):
        bill.add("S3", name.partition("_")[2], name, total * prices.assumed_per_run[name], "assumed a run")
    _messages(bill, due)
    bill.add("Secrets Manager", "system token", "secrets", 1, "the stack's")
    if "LinkKeys" in stack.resources:
        bill.add("Secrets Manager", "keys of the links", "secrets", 1, "the stack's")
    if "ShopsKey" in stack.resources:
        bill.add(
            "KMS",
            "key of channels and the shops' tokens",
            "kms_keys",
            1,
            "the stack's, with a shop beside main or without",
        )
    bill.add(
        "Secrets Manager", "reads", "secret_reads", total * prices.assumed_per_run["secret_reads"], "assumed a run"
    )
    _watching(bill, stack, measured, measured_days)
    return bill.lines


class _Bill:
    """Lines at the prices of a list."""

    def __init__(self, prices: PriceList) -> None:
        self._prices = prices.prices
        self.lines: list[Cost] = []

    def add(self, service: str, what: str, price: str, amount: float, basis: str) -> None:
        one = self._prices[price]
        beyond = max(amount - one.free, 0.0)
        self.lines.append(Cost(service, what, amount, one.unit, amount * one.price, beyond * one.price, basis))


def _due_runs(stack: Stack, functions: Mapping[str, DeployedFunction], now: datetime) -> Counter[str]:
    """How often each job is due in the next 30 days."""
    by_name = {function.name: job for job, function in functions.items()}
    runs: Counter[str] = Counter()
    for standing in every(stack):
        if standing.schedule.enabled and standing.schedule.function in by_name:
            runs[by_name[standing.schedule.function]] += len(standing.schedule.due_between(now, now + MONTH))
    return runs


def _measure(stack: Stack, function: DeployedFunction, now: datetime, days: int) -> Measured:
    found = Measured()
    for message, moment in _log(stack, function.log_group, now - timedelta(days=days), now):
        found.log_bytes += len(message.encode()) + 26  # CloudWatch Logs bills 26 bytes an event beside its text
        line = json_object(message)
        if line is None:
            continue
        if line.get("type") == "platform.report":
            found.billed_seconds.append(line["record"]["metrics"]["billedDurationMs"] / 1000)
        found.metric_hours.update(_metric_hours(line, moment))
    return found


def _metric_hours(line: Mapping[str, Any], moment: int) -> Iterator[tuple[str, ...]]:
    """Each metric of a line in CloudWatch's embedded format, with its dimensions' values and its hour: what is billed."""
    hour = str(moment // 3_600_000)
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
        for dimensions in directive.get("Dimensions", ()):
            values = tuple(str(line.get(name, "")) for name in dimensions)
            for metric in directive.get("Metrics", ()):
                yield (directive["Namespace"], metric["Name"], *values, hour)


def _log(stack: Stack, group: str, start: datetime, end: datetime) -> Iterator[tuple[str, int]]:
    client = stack.client("logs")
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=int(start.timestamp() * 1000), endTime=int(end.timestamp() * 1000)
    )
    try:
        for page in pages:
            for event in page["events"]:
                yield event["message"], event["timestamp"]
    except client.exceptions.ResourceNotFoundException:
        return  # never ran


def _compute(
    bill: _Bill,
    functions: Mapping[str, DeployedFunction],
    runs: Mapping[str, int],
    measured: Mapping[str, Measured],
    architecture: str,
) -> None:
    known = [second for found in measured.values() for second in found.billed_seconds]
    seconds_of_all = fmean(known) if known else None
    bill.add("Lambda", "requests", "lambda_requests", sum(runs.values()), "due times of the enabled schedules")
    for job, function in functions.items():
        count = runs.get(job, 0)
        taken = measured[job].billed_seconds
        if not count:
            continue
        if taken:
            seconds, basis = fmean(taken), f"{count} runs of {fmean(taken):.1f} s, the mean of {len(taken)} in the log"
        elif seconds_of_all is not None:
            seconds, basis = (
                seconds_of_all,
                f"{count} runs; none in the log, assumed {seconds_of_all:.1f} s as the others",
            )
        else:
            seconds, basis = (
                function.timeout_seconds / 10,
                f"{count} runs; none in the log, assumed a tenth of the time-out",
            )
        amount = count * seconds * function.memory_mb / 1024
        bill.add("Lambda", job, f"lambda_{architecture}", amount, f"{basis}, at {function.memory_mb} MB")


def _object_bytes(stack: Stack) -> Iterator[int]:
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stack.bucket)
    for page in pages:
        yield from (entry["Size"] for entry in page.get("Contents", ()))


def _messages(bill: _Bill, due: Sequence[tuple[Stack, Counter[str]]]) -> None:
    """Reports go to every reader each time they are due; alerts as often as the setting says. due: of each shop."""
    amounts, bases = Counter[tuple[str, str, str]](), dict[tuple[str, str, str], str]()
    for stack, runs in due:
        for line, amount, basis in _messages_of(stack, runs["report"]):
            amounts[line] += amount  # type: ignore[assignment]  # a Counter of floats
            bases[line] = basis if len(due) == 1 else f"of {len(due)} shops"
    for line, amount in amounts.items():
        bill.add(*line, amount, bases[line])


def _messages_of(stack: Stack, due: int) -> Iterator[tuple[tuple[str, str, str], float, str]]:
    """A shop's lines, of so many reports: service, what, price; then the amount, and where it comes from."""
    settings = stack.settings
    of_reports, of_alerts = (
        Counter(_PRICE_OF_A_KIND.get(kind_of(one), "hook_messages") for one in readers)
        for readers in (settings.report_recipients, settings.alert_recipients)
    )
    for price, service, what in _KINDS:
        if price == "ses_mails" or of_reports[price] + of_alerts[price]:
            basis = f"{due} reports to {of_reports[price]} readers"
            yield (service, f"report {what}", price), due * of_reports[price], basis
            basis = "alerts_per_month, to each of alert_recipients"
            yield (service, f"alert {what}", price), settings.alerts_per_month * of_alerts[price], basis
    sizes = _sizes_of_latest(stack)
    attached = due * of_reports["ses_mails"] * fmean(sizes) / GB if sizes else 0.0
    yield ("SES", "attachments", "ses_attachments"), attached, "the mean size of reports/latest"


def _sizes_of_latest(stack: Stack) -> list[int]:
    files = stack.files
    listed = stack.client("s3").list_objects_v2(Bucket=files.name, Prefix=files.full("reports/latest/"))
    return [entry["Size"] for entry in listed.get("Contents", ())]


def _watching(bill: _Bill, stack: Stack, measured: Mapping[str, Measured], days: int) -> None:
    kinds = Counter(kind for kind, _ in stack.resources.values())
    watched = sum(_watched_metrics(stack))
    bill.add("CloudWatch", "alarms", "alarms", watched, f"the metrics of the stack's {kinds['AWS::CloudWatch::Alarm']}")
    bill.add("CloudWatch", "dashboard", "dashboards", kinds["AWS::CloudWatch::Dashboard"], "the stack's")
    hours = set[tuple[str, ...]]().union(*(found.metric_hours for found in measured.values()))
    seen_days = _days_seen(hours) or days
    months = len(hours) / seen_days * MONTH.days / HOURS_OF_A_MONTH
    count = len({one[:-1] for one in hours})
    bill.add(
        "CloudWatch", "metrics", "metrics", months, f"{count} metrics, billed by the hours in which they have values"
    )
    size = sum(found.log_bytes for found in measured.values())
    bill.add("CloudWatch", "logs", "logs", size / seen_days * MONTH.days / GB, f"what was written in {seen_days} days")


def _watched_metrics(stack: Stack) -> Iterator[int]:
    """How many metrics each alarm looks at: an alarm on an expression is billed for every one in it."""
    names = [physical_id for kind, physical_id in stack.resources.values() if kind == "AWS::CloudWatch::Alarm"]
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNames=names)
    for page in pages:
        for alarm in page["MetricAlarms"]:
            yield sum("MetricStat" in metric for metric in alarm.get("Metrics", ())) or 1


def _days_seen(hours: Iterable[tuple[str, ...]]) -> int:
    """On how many days there were metrics: a stack of yesterday has no week behind it."""
    return len({int(one[-1]) // 24 for one in hours})


def by_service(lines: Iterable[Cost]) -> dict[str, tuple[float, float]]:
    """Sums by service: at list price, and beyond the free units."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for line in lines:
        sums[line.service][0] += line.usd
        sums[line.service][1] += line.beyond_free
    return {service: (usd, beyond) for service, (usd, beyond) in sums.items()}


def _can_be_priced(desk: Desk) -> bool:
    """Whether a shop's settings can be read; one of which they cannot is named."""
    try:
        return bool(desk.stack.settings.timezone)
    except SalesFlowError as error:
        desk.out.note(f"{desk.stack.shop} is left out: {error}", style="red")
        return False


@app.command("costs", of_shop=False, examples=["costs", "costs --days 7 --json", "costs --all-shops"])
def costs(
    desk: Desk,
    *,
    days: Annotated[int, typer.Option(min=1, max=30, help="How many days of the log to measure.")] = 3,
    all_shops: AllShopsOption = False,
) -> None:
    """What the stack costs in a month of 30 days, at today's schedules and list prices.

    The last column is what is left after the units that AWS gives every account for nothing each month; other things in the
    account use them too.
    """
    from salesflow import clock

    prices = read_prices()
    with desk.out.progress("Reading schedules and logs"):
        others = [its.stack for its in desk.other_shops() if _can_be_priced(its)] if all_shops else []
        lines = month(desk.stack, clock.now(), measured_days=days, prices=prices, others=others)
    rows = [
        (c.service, c.what, f"{_number(c.amount)} {c.unit}", f"{c.usd:.4f}", f"{c.beyond_free:.4f}", c.basis)
        for c in lines
    ]
    sums = by_service(lines)
    total = sum(line.usd for line in lines)
    beyond = sum(line.beyond_free for line in lines)
    facts = [(service, f"{usd:.2f} USD ({left:.2f} beyond the free units)") for service, (usd, left) in sums.items()]
    facts += [
        ("A month", f"{total:.2f} USD ({beyond:.2f} beyond the free units)"),
        ("Prices", f"list prices of {prices.region} as of {prices.as_of} and later: ops/prices.toml"),
    ]
    data = {
        "lines": lines,
        "usd": round(total, 4),
        "usd_beyond_free": round(beyond, 4),
        "prices_as_of": prices.as_of,
        "prices_region": prices.region,
    }
    columns = ("service", "what", "amount", "USD", "beyond free", "where it comes from")
    desk.out.show(
        data,
        Table(
            "A month of 30 days", columns, rows, prose={"where it comes from"}, minor=("where it comes from", "amount")
        ),
        Facts("By service", facts),
    )
    if aged := prices.aged(clock.now().date()):
        said = f"Of more than a year ago ({prices.as_of}) are the prices of {', '.join(aged)}"
        desk.out.note(f"{said}: ops/prices.toml says where they are from.", style="yellow")
    if desk.stack.region != prices.region:
        desk.out.note(f"The prices are of {prices.region}; the stack is in {desk.stack.region}.")


def _number(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 or amount == int(amount) else f"{amount:.3g}"
