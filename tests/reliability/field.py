"""What the field does to a shop's sales and to what is stored of them, day by day, and whether each report still says what was sold.

Sales come late, are corrected, deleted, dated into the future, share an id, or have parts of a cent; the server's clock drifts; an envelope
says that there is more, or that the call failed; months are deleted from the bucket or rolled back; the currency is changed and changed back.
Each day's report is held against the raw sales by an oracle that shares no code with the system, and so is the quarter's in the end; and now
and then that of another shop of the stack, whom nothing of it befalls.
"""

import io
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow.parquet as pq
from moto.s3.models import FakeKey
from msgspec import structs

from local.api import Sale, SaleItem, SalesStore, sample_sales
from tests.reliability.containers import Result
from tests.reliability.corner import CORNER, PEOPLE, corner_shop
from tests.reliability.findings import Finding
from tests.reliability.oracle import Takings, takings_in, takings_of
from tests.reliability.world import READERS, ZONE, World
from tests.stand_ins.aws import Answer
from tests.stand_ins.gateway import Call, Forward, Interference

FIRST_DAY = date(2026, 7, 6)
HISTORY = 190
DEEP_READ = 8
"""Days within which a sale of any of the last 90 days is read again: the sync looks deeper once a week."""

_OLD_ENOUGH = 80
_HERS_EVERY = 5
_FORGOTTEN = 9_000_000_000


@dataclass
class Fielded:
    """What the days came to. events: what happened in them, by its name."""

    days: int = 0
    events: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


class _Field:
    """The shop as it goes on, and what happens to it."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world = world
        self.dice = dice
        self.drift = timedelta(0)
        self.number = _FORGOTTEN
        self.day = FIRST_DAY
        self.older: dict[str, FakeKey] = {}

    def happen(self, name: str) -> Interference | None:
        """Let something happen; what it does to the calls of the day's report."""
        return EVENTS[name](self) if name in EVENTS else None

    def _any_sale(self) -> Sale:
        first = self.day - timedelta(days=self.dice.randrange(_OLD_ENOUGH))
        sales = [sale for sale in self.world.api.store.sales if sale.sold_at.date() == first]
        return self.dice.choice(sales) if sales else self._any_sale()

    def _new_sale(self, moment: datetime) -> Sale:
        self.number += 1
        return Sale(self.number, moment, 12.5, (SaleItem(7, "Forgotten", "TILL-7", 5, 2.5, 12.5),))

    def _late(self) -> None:
        self.world.api.store.put_sale(self._new_sale(self._any_sale().sold_at + timedelta(minutes=1)))

    def _corrected(self) -> None:
        sale = self._any_sale()
        item = structs.replace(sale.items[0], subtotal=sale.items[0].subtotal + 1)
        corrected = structs.replace(sale, total_amount=sale.total_amount + 1, items=(item, *sale.items[1:]))
        self.world.api.store.put_sale(corrected)

    def _deleted(self) -> None:
        self.world.api.store.remove_sale(self._any_sale().id)

    def _future(self) -> None:
        ahead = self.dice.choice([timedelta(hours=12), timedelta(days=30), timedelta(days=365 * 36)])
        self.world.api.store.put_sale(
            self._new_sale(datetime.combine(self.day, datetime.min.time()) + ahead + timedelta(days=1))
        )

    def _drifts(self) -> None:
        self.drift = timedelta(minutes=self.dice.uniform(-4, 4))

    def _month_deleted(self) -> None:
        if months := self._months():  # none yet where no report has read far enough back
            self.world.client("s3").delete_object(Bucket=self.world.bucket, Key=self.dice.choice(months))

    def _month_rolled_back(self) -> None:
        """A month of the sales as it was a fortnight ago, put back by hand: its bytes and its metadata."""
        known = [key for key in self._months() if key in self.older]
        if known:
            key = self.dice.choice(known)
            old = self.older[key]
            metadata = {
                n.removeprefix("x-amz-meta-"): v for n, v in old.metadata.items() if n.startswith("x-amz-meta-")
            }
            put = {"Bucket": self.world.bucket, "Key": key, "Body": old.value, "Metadata": metadata}
            self.world.client("s3").put_object(**put)

    def _months(self) -> list[str]:
        """The two months before this one: they are in the quarter, and no daily read makes them anew."""
        return sorted(key for key in self.world.objects() if key.startswith("history/sales/month="))[-3:-1]

    def _currency_changed(self) -> None:
        self.world.settings["CURRENCY"] = "KWD"  # three digits after the point

    def _answering(self, change: Callable[[list[dict[str, object]]], object]) -> Interference:
        def interference(call: Call, forward: Forward) -> Answer | None:
            answer = forward()
            if call.point.name == "api GET /sales/history" and answer.status == 200:
                change_sales(answer, change)
            return answer

        return interference


EVENTS: dict[str, Callable[[_Field], Interference | None]] = {
    "sales that came late": _Field._late,
    "sales corrected": _Field._corrected,
    "sales deleted": _Field._deleted,
    "sales of the future": _Field._future,
    "sales that share an id": lambda shop: shop._answering(with_a_shared_id),
    "amounts with a third digit": lambda shop: shop._answering(_with_a_third_digit),
    "clocks that drift": _Field._drifts,
    "answers that say there is more": lambda shop: shop._answering(_more),
    "answers that failed with status 200": lambda shop: shop._answering(_failed),
    "months deleted from the bucket": _Field._month_deleted,
    "months rolled back": _Field._month_rolled_back,
    "currencies changed and changed back": _Field._currency_changed,
}
NOTHING = "nothing"
_SET_ASIDE = {"sales that share an id"}
"""What leaves out sales that there are: the report says that it is a part."""


def change_sales(answer: Answer, change: Callable[[list[dict[str, object]]], object]) -> None:
    """Let the API have answered something else of its sales."""
    answer.body = json.dumps(change(json.loads(answer.body))).encode()
    dropped = {"content-length", "content-encoding"}
    answer.headers = [header for header in answer.headers if header[0].lower() not in dropped]


def with_a_shared_id(sales: list[dict[str, object]]) -> object:
    """Another till's sale under an id that is taken."""
    return [*sales, {**sales[-1], "totalAmount": 77.0}] if sales else sales


def _with_a_third_digit(sales: list[dict[str, object]]) -> object:
    return [*sales, {**sales[-1], "id": _FORGOTTEN, "totalAmount": 12.345}] if sales else sales


def _more(sales: list[dict[str, object]]) -> object:
    return {"data": sales[: len(sales) // 2], "has_more": True}


def _failed(sales: list[dict[str, object]]) -> object:
    return {"success": False, "message": "the database is not available", "data": []}


def live_in_the_field(days: int = 120, *, seed: int = 1) -> Fielded:
    """Let so many days go by, something happening on each of them, and hold every report against the raw sales."""
    dice = random.Random(seed)
    names = (list(EVENTS) * -(-days // len(EVENTS)))[:days]
    dice.shuffle(names)
    return live([*names, *[NOTHING] * DEEP_READ], dice)  # in a week without trouble whatever came late is read


def live(names: Sequence[str], dice: random.Random, *, broken: str = "") -> Fielded:
    """Let these things happen, one a day, and look at each day's report, and at the quarter's in the end."""
    fielded = Fielded(days=sum(name != NOTHING for name in names))
    store, hers = (
        sample_sales(seed=seed, end_date=FIRST_DAY + timedelta(days=len(names)), days=len(names) + HISTORY)
        for seed in (3, 4)
    )
    with World.opened(store) as world, corner_shop(world, hers):
        world.reset(moment=_morning_after(FIRST_DAY - timedelta(days=1)))
        shop = _Field(world, dice)
        world.api.clock = lambda: (world.clock() + shop.drift).astimezone(ZONE).replace(tzinfo=None)
        for number, name in enumerate(names):
            shop.day = FIRST_DAY + timedelta(days=number)
            world.clock.set(_morning_after(shop.day))
            fielded.events[name] += 1
            fielded.findings += _report_of(world, shop.day, name, shop.happen(name), broken)
            if number % _HERS_EVERY == 0:
                fielded.findings += _hers(world, hers, shop.day, broken)
            if number % 14 == 0:
                shop.older = world.objects()
        fielded.findings += _stored(world, shop.day)
        fielded.findings += _quarter_of(world, shop.day, broken)
    del fielded.events[NOTHING]
    return fielded


def _report_of(world: World, day: date, name: str, interference: Interference | None, broken: str) -> list[Finding]:
    """One day's report with its trouble, and once more without if it failed; what it says must be what was sold."""
    where = f"field: {day}, {name}"
    event = {"schedule": "s", "scheduled_time": f"{day}T23:00:00Z", "formats": ["json"]}
    result = world.run("report", event, f"{day}-1", interference=interference, broken=broken)
    found: list[Finding] = []
    if result.answer is None:
        if result.failure is None or not result.failure.is_named:
            found.append(Finding("silent", where, f"an error that does not say what to do: {result}"))
        world.settings.pop("CURRENCY", None)
        world.clock.advance(65)
        result = world.run("report", event, f"{day}-1", broken=broken)
    if result.answer is None:
        return [*found, Finding("lost", where, f"the retry ended as {result}")]
    said, true = _said(world, result), takings_of(world.api.store.sales, day, day)
    closed = not true.lines and result.answer["status"] == "SKIPPED_EMPTY"
    set_aside = name in _SET_ASIDE and result.answer["status"] == "PARTIAL"
    if said != true and not closed and not set_aside:
        found.append(Finding("lost", where, f"{result}: the report says {said}, sold were {true}"))
    if name == "sales of the future" and not result.answer["set_aside"]:
        found.append(Finding("silent", where, "a sale of the future was not told of"))
    told = Counter(mail.recipient for mail in world.mails())
    if told != Counter(() if closed else READERS):
        found.append(Finding("doubled", where, f"mailed were {dict(told)}"))
    world.forget_mails()
    world.settings.pop("CURRENCY", None)
    return found


def _hers(world: World, store: SalesStore, day: date, broken: str) -> list[Finding]:
    """The report of the other shop, whom nothing of all this befalls."""
    where = f"field: {CORNER}: {day}"
    event = {"business_date": day.isoformat(), "formats": ["json"], "shop": CORNER}
    result = world.run("report", event, f"{day}-{CORNER}", broken=broken)
    if result.answer is None or result.answer["status"] not in {"SUCCEEDED", "SKIPPED_EMPTY"}:
        return [Finding("lost", where, f"ended as {result}")]
    said, true = _said(world, result), takings_of(store.sales, day, day)
    told = Counter(mail.recipient for mail in world.mails())
    world.forget_mails()
    if not true.lines and result.answer["status"] == "SKIPPED_EMPTY":
        return [Finding("doubled", where, f"mailed were {dict(told)}")] * bool(told)
    found = [] if said == true else [Finding("leaked", where, f"the report says {said}, sold were {true}")]
    return found + ([] if told == Counter(PEOPLE[CORNER]) else [Finding("leaked", where, f"mailed were {dict(told)}")])


def _stored(world: World, day: date) -> list[Finding]:
    """The sales that are stored of the last weeks are those that there are, with their amounts, whatever a report makes of them."""
    first = day - timedelta(days=_OLD_ENOUGH)
    sales = [sale for sale in world.api.store.sales if first <= sale.sold_at.date() <= day]
    true = {sale.id: sum((Decimal(str(item.subtotal)) for item in sale.items), Decimal(0)) for sale in sales}
    stored: defaultdict[int, Decimal] = defaultdict(Decimal)
    for key, there in world.objects().items():
        if key.startswith("history/sales/month="):
            minor = Decimal(10) ** -int(there.metadata["x-amz-meta-digits"])
            for line in pq.read_table(io.BytesIO(there.value)).to_pylist():
                if first <= line["sold_at"].date() <= day:
                    stored[line["sale_id"]] += line["subtotal"] * minor
    if stored == true:
        return []
    other = sum(stored[sale] != true[sale] for sale in true.keys() & stored.keys())
    problem = f"{len(true.keys() - stored.keys())} sales are not stored, {len(stored.keys() - true.keys())} stored ones are gone"
    return [Finding("lost", f"field: {first} to {day}", f"{problem}, {other} are stored with other amounts")]


def _quarter_of(world: World, day: date, broken: str) -> list[Finding]:
    event = {"business_date": day.isoformat(), "period": "quarterly", "formats": ["json"], "notify": "none"}
    result = world.run("report", event, "quarter", broken=broken)
    if result.answer is None:
        return [Finding("lost", "field: the quarter", f"ended as {result}")]
    window = json.loads(_saved(world, result))["sales"]["window"]
    first, last = date.fromisoformat(window["first"]), date.fromisoformat(window["last"])
    said, true = _said(world, result), takings_of(world.api.store.sales, first, last)
    return [] if said == true else [Finding("lost", f"field: {first} to {last}", f"{said} and not {true}")]


def _said(world: World, result: Result) -> Takings | None:
    saved = _saved(world, result)
    return takings_in(saved) if saved else None


def _saved(world: World, result: Result) -> bytes:
    assert result.answer is not None
    keys = [made["key"] for made in result.answer["artifacts"]]
    return bytes(world.objects()[keys[0]].value) if keys else b""


def _morning_after(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC).replace(hour=23, second=5)
