"""What the field does to a shop's sales and to what is stored of them, day by day, and whether each report still says what was sold.

Sales come late, are corrected, deleted, dated into the future, or share an id; the server's clock drifts; an envelope says that there is
more, or that the call failed; months are deleted from the bucket or rolled back; the currency is changed and changed back. Each day's
report is held against the raw sales by an oracle that shares no code with the system, and so is the quarter's in the end.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from moto.s3.models import FakeKey
from msgspec import structs

from local.api import Sale, SaleItem, sample_sales
from tests.reliability.containers import Result
from tests.reliability.findings import Finding, Kind
from tests.reliability.oracle import Takings, takings_in, takings_of
from tests.reliability.world import READERS, ZONE, World
from tests.stand_ins.aws import Answer
from tests.stand_ins.gateway import Call, Forward, Interference

FIRST_DAY = date(2026, 7, 6)
HISTORY = 190
DEEP_READ = 8
"""Days within which a sale of any of the last 90 days is read again: the sync looks deeper once a week."""

_OLD_ENOUGH = 80
_FORGOTTEN = 9_000_000_000


@dataclass
class Fielded:
    """What the days came to. events: what happened in them, by its name."""

    days: int = 0
    events: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


class _Field:
    """The shop as it goes on, and what happens to it."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.dice = random.Random(seed)
        self.drift = timedelta(0)
        self.number = _FORGOTTEN
        self.day = FIRST_DAY
        self.older: dict[str, FakeKey] = {}
        self.events: dict[str, Callable[[], Interference | None]] = {
            "sales that came late": self._late,
            "sales corrected": self._corrected,
            "sales deleted": self._deleted,
            "sales of the future": self._future,
            "sales that share an id": lambda: self._answering(_with_a_shared_id),
            "clocks that drift": self._drifts,
            "answers that say there is more": lambda: self._answering(_more),
            "answers that failed with status 200": lambda: self._answering(_failed),
            "months deleted from the bucket": self._month_deleted,
            "months rolled back": self._month_rolled_back,
            "currencies changed and changed back": self._currency_changed,
        }

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
        ahead = self.dice.choice([timedelta(hours=4), timedelta(days=30), timedelta(days=365 * 36)])
        self.world.api.store.put_sale(
            self._new_sale(datetime.combine(self.day, datetime.min.time()) + ahead + timedelta(days=1))
        )

    def _drifts(self) -> None:
        self.drift = timedelta(minutes=self.dice.uniform(-4, 4))

    def _month_deleted(self) -> None:
        s3 = self.world.client("s3")
        s3.delete_object(Bucket=self.world.bucket, Key=self.dice.choice(self._months()))

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
        return sorted(key for key in self.world.objects() if key.startswith("history/sales/month="))

    def _currency_changed(self) -> None:
        self.world.settings["CURRENCY"] = "JPY"

    def _answering(self, change: Callable[[list[dict[str, object]]], object]) -> Interference:
        def interference(call: Call, forward: Forward) -> Answer | None:
            answer = forward()
            if call.point.name == "api GET /sales/history" and answer.status == 200:
                answer.body = json.dumps(change(json.loads(answer.body))).encode()
                dropped = {"content-length", "content-encoding"}
                answer.headers = [header for header in answer.headers if header[0].lower() not in dropped]
            return answer

        return interference


def _with_a_shared_id(sales: list[dict[str, object]]) -> object:
    """Another till's sale under an id that is taken."""
    return [*sales, {**sales[-1], "totalAmount": 77.0}] if sales else sales


def _more(sales: list[dict[str, object]]) -> object:
    return {"data": sales[: len(sales) // 2], "has_more": True}


def _failed(sales: list[dict[str, object]]) -> object:
    return {"success": False, "message": "the database is not available", "data": []}


def live_in_the_field(days: int = 120, *, seed: int = 1) -> Fielded:
    """Let so many days go by, something happening on most of them, and hold every report against the raw sales."""
    fielded = Fielded(days=days)
    last = FIRST_DAY + timedelta(days=days + 2 * DEEP_READ)
    store = sample_sales(seed=3, end_date=last, days=days + HISTORY)
    with World.opened(store) as world:
        world.reset(moment=_morning_after(FIRST_DAY - timedelta(days=1)))
        shop = _Field(world, seed)
        world.api.clock = lambda: (world.clock() + shop.drift).astimezone(ZONE).replace(tzinfo=None)
        names = [name for name in shop.events for _ in range(-(-days // len(shop.events)))][:days]
        shop.dice.shuffle(names)
        for number in range(days):
            shop.day = FIRST_DAY + timedelta(days=number)
            world.clock.set(_morning_after(shop.day))
            name = names[number]
            fielded.events[name] += 1
            interference = shop.events[name]()
            fielded.findings += _report_of(world, shop.day, name, interference)
            world.settings.pop("CURRENCY", None)
            if number % 14 == 0:
                shop.older = world.objects()
        for number in range(DEEP_READ):  # in a week without trouble whatever came late is read
            shop.day = FIRST_DAY + timedelta(days=days + number)
            world.clock.set(_morning_after(shop.day))
            fielded.findings += _report_of(world, shop.day, "nothing", None)
        fielded.findings += _quarter_of(world, shop.day)
    return fielded


def _report_of(world: World, day: date, name: str, interference: Interference | None) -> list[Finding]:
    """One day's report with its trouble, and once more without if it failed; what it says must be what was sold."""
    where = f"field: {day}, {name}"
    event = {"schedule": "s", "scheduled_time": f"{day}T23:00:00Z", "formats": ["json"]}
    result = world.run("report", event, f"{day}-1", interference=interference)
    found: list[Finding] = []
    if result.answer is None:
        if result.failure is None or not result.failure.is_named:
            found.append(Finding(Kind.SILENT, where, f"an error that does not say what to do: {result}"))
        world.settings.pop("CURRENCY", None)
        world.clock.advance(65)
        result = world.run("report", event, f"{day}-1")
    if result.answer is None:
        return [*found, Finding(Kind.LOST, where, f"the retry ended as {result}")]
    said, true = _said(world, result), takings_of(world.api.store.sales, day, day)
    shared_id = name == "sales that share an id"
    if said != true and not (shared_id and result.answer["status"] == "PARTIAL"):
        found.append(Finding(Kind.LOST, where, f"{result}: the report says {said}, sold were {true}"))
    told = Counter(mail.recipient for mail in world.mails())
    if told != Counter(READERS):
        found.append(Finding(Kind.DOUBLED, where, f"mailed were {dict(told)}"))
    world.forget_mails()
    return found


def _quarter_of(world: World, day: date) -> list[Finding]:
    event = {"business_date": day.isoformat(), "period": "quarterly", "formats": ["json"], "notify": "none"}
    result = world.run("report", event, "quarter")
    if result.answer is None:
        return [Finding(Kind.LOST, "field: the quarter", f"ended as {result}")]
    window = json.loads(_saved(world, result))["sales"]["window"]
    first, last = date.fromisoformat(window["first"]), date.fromisoformat(window["last"])
    said, true = _said(world, result), takings_of(world.api.store.sales, first, last)
    return [] if said == true else [Finding(Kind.LOST, f"field: {first} to {last}", f"{said} and not {true}")]


def _said(world: World, result: Result) -> Takings | None:
    saved = _saved(world, result)
    return takings_in(saved) if saved else None


def _saved(world: World, result: Result) -> bytes:
    assert result.answer is not None
    keys = [made["key"] for made in result.answer["artifacts"]]
    return bytes(world.objects()[keys[0]].value) if keys else b""


def _morning_after(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC).replace(hour=23, second=5)
