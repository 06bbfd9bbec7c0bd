"""A year of daily anomaly checks, asked through the function's handler: each event is told once at each of its turns.

Every day's check is fired twice, as a schedule may. What the shop goes through is laid into its raw sales, and what must be told of it
follows from the rules of `docs/alerts.md` alone: at its start, when it gets worse, and when it is over.
"""

import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from msgspec import structs

from local.api import Sale, SaleItem, SalesStore, Surprise, sample_sales
from tests.reliability.findings import Finding
from tests.reliability.world import World

FIRST_DAY = date(2025, 11, 24)
HISTORY = 236
_RARE = {"ALERTS_PER_MONTH": "0.5", "ALERT_MEDIUM": "mail", "ALERT_ENDS": "mail", "HISTORY_OVERLAP_DAYS": "1"}


@dataclass(frozen=True)
class Turn:
    """One thing that happens to the shop: on which day of the year it begins, what it is about, and what is told how many days later.

    shares: so many times the usual sales on its days; surprises: what the sample shop makes of it; late: how many days later than
    expected the first and last word may come.
    """

    day: int
    alert: str
    told: tuple[tuple[int, str], ...]
    shares: tuple[float, ...] = ()
    surprises: tuple[float, ...] = ()
    sku: str | None = None
    bulk: int = 0
    late: int = 0

    @property
    def first(self) -> date:
        """Its first day."""
        return FIRST_DAY + timedelta(days=self.day)


TURNS = (
    Turn(8, "down|shop", ((0, "opened"),), shares=(0.2,)),
    Turn(22, "up|shop", ((0, "opened"),), shares=(4.0,)),
    Turn(30, "day|shop", ((0, "opened"), (3, "resolved")), surprises=(0, 0, 0)),
    Turn(99, "down|shop", ((0, "opened"), (2, "worse")), shares=(0.3, 0.3, 0.08, 0.08)),
    Turn(224, "down|sku:RIZ-005", ((0, "opened"), (20, "resolved")), surprises=(0.0,) * 20, sku="RIZ-005", late=4),
    Turn(267, "up|shop", ((0, "opened"),), bulk=80),
)


@dataclass
class Watched:
    """What the year came to."""

    days: int = 0
    told: int = 0
    mails: int = 0
    findings: list[Finding] = field(default_factory=list)


def watch_alerts(days: int = 365, begin: int = 0, *, broken: str = "") -> Watched:
    """Check so many days from day `begin` of the year on, each fired twice, and look at what was told of each event."""
    last = FIRST_DAY + timedelta(days=begin + days - 1)
    turns = [
        turn for turn in TURNS if turn.day > begin and turn.first + timedelta(days=turn.told[-1][0] + turn.late) <= last
    ]
    watched = Watched(days=days)
    with World.opened(_shop(turns, last, begin + days)) as world:
        world.settings |= _RARE
        world.reset(moment=_morning_after(FIRST_DAY + timedelta(days=begin)))
        container = world.start("anomaly_check", broken=broken)
        told: defaultdict[str, list[tuple[date, str]]] = defaultdict(list)
        mailed_on = set()
        for number in range(begin, begin + days):
            day = FIRST_DAY + timedelta(days=number)
            world.clock.set(_morning_after(day))
            event = {"schedule": "anomaly-check", "scheduled_time": f"{day}T22:40:00Z"}
            with world.gateway.interfering(None):
                first, again = (container.invoke(event, f"{day}-{n}") for n in range(2))
            where = f"alerts: {day}"
            if first.answer is None or again.answer is None or again.answer["status"] != "DUPLICATE":
                watched.findings.append(Finding("silent", where, f"fired twice, it ended as {first} and {again}"))
                continue
            for entry in first.answer["told"]:
                told[entry["alert"]].append((day, entry["change"]))
                mailed_on.add(day)
        container.close()
        watched.mails = len({mail.reference for mail in world.mails()})
        watched.told = sum(map(len, told.values()))
        if watched.mails != len(mailed_on):
            problem = f"{watched.mails} mails tell of {len(mailed_on)} dates with something to tell"
            watched.findings.append(Finding("doubled", "alerts", problem))
    for turn in turns:
        watched.findings += _missed(turn, told[turn.alert])
    for alert, story in told.items():
        watched.findings += _out_of_order(alert, story)
    return watched


def _missed(turn: Turn, story: list[tuple[date, str]]) -> list[Finding]:
    """What was told of an event and when, against what should have been."""
    until = turn.first + timedelta(days=turn.told[-1][0] + turn.late + 2)
    around = [((day - turn.first).days, change) for day, change in story if turn.first <= day <= until]
    right = len(around) == len(turn.told) and all(
        change == wanted and due <= days <= due + turn.late
        for (days, change), (due, wanted) in zip(around, turn.told, strict=True)
    )
    where = f"alerts: {turn.alert} from {turn.first}"
    return [] if right else [Finding("lost", where, f"told was {around} and not {list(turn.told)}")]


def _out_of_order(alert: str, story: list[tuple[date, str]]) -> list[Finding]:
    """An alert is opened before anything else is told of it. It may be opened again: what was short ends in silence."""
    changes = ["resolved", *(change for _, change in story)]
    return [
        Finding("doubled", f"alerts: {alert}", f"{after} was told after {before}")
        for before, after in itertools.pairwise(changes)
        if before == "resolved" and after != "opened"
    ]


def _shop(turns: list[Turn], last: date, days: int) -> SalesStore:
    """The sample shop with its events."""
    surprises = [
        Surprise(turn.first + timedelta(days=n), factor, turn.sku)
        for turn in turns
        for n, factor in enumerate(turn.surprises)
    ]
    store = sample_sales(seed=11, end_date=last, days=days + HISTORY, surprises=surprises)
    for turn in turns:
        for number, share in enumerate(turn.shares):
            resize(store, turn.first + timedelta(days=number), share)
        if turn.bulk:
            item = SaleItem(1, "Riz parfumé 5 kg", "RIZ-005", turn.bulk, 42.5, turn.bulk * 42.5)
            noon = datetime.combine(turn.first, datetime.min.time()).replace(hour=11)
            store.foresee(Sale(9_000_001, noon, item.subtotal, (item,)))
    return store


def resize(store: SalesStore, day: date, share: float) -> None:
    """Give a day so many times its sales: left out or made again evenly over its hours."""
    sales = [sale for sale in store.sales if sale.sold_at.date() == day]
    wanted = max(round(len(sales) * share), 2)
    if share < 1:
        kept = {sales[round(n * (len(sales) - 1) / (wanted - 1))].id for n in range(wanted)}
        store.remove_sale(*(sale.id for sale in sales if sale.id not in kept))
    first = 9_000_000_000 + day.toordinal() * 1000
    copies = range(max(wanted - len(sales), 0))
    store.foresee(*(structs.replace(sales[n % len(sales)], id=first + n) for n in copies))


def _morning_after(day: date) -> datetime:
    """06:40 on the next day in Shanghai."""
    return datetime.combine(day, datetime.min.time(), UTC).replace(hour=22, minute=40)
