"""Two shops of one stack at work side by side: whatever becomes of one's run, the other's runs in the meantime, and each has its own alone.

One of them, each in turn, is killed, stands still, or meets a fault at its outside calls while the other does the same date's report, in
the same container where one is left. In the end both stand as after undisturbed runs, and what each was told is of its own sales.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from local.api import SalesFlowServer, sample_sales
from salesflow.shop_id import MAIN_SHOP, key_prefix, partition_prefix
from tests.reliability.containers import Container
from tests.reliability.corner import CORNER, PEOPLE, corner_shop
from tests.reliability.faults import Fault, Injection, applies, costs_unknown, may_be_repeated
from tests.reliability.findings import Finding, judge
from tests.reliability.oracle import takings_in, takings_of
from tests.reliability.scenarios import TICK, Expected
from tests.reliability.sweep import Kill, Pause, Swept, When, may_repeat
from tests.reliability.world import BUSINESS_DATE, LAST_DAY, MOMENT, RETRY_AFTER, EndState, World
from tests.stand_ins.gateway import HarnessError, Point, wait_until

_TICK = {"schedule": "scheduled-sales-json", **TICK, "formats": ["json"]}
EVENTS: Mapping[str, dict[str, Any]] = {CORNER: {**_TICK, "shop": CORNER}, MAIN_SHOP: _TICK}


@contextmanager
def two_shops() -> Iterator["SideBySide"]:
    """A world with `main` and another shop, of other sales; it ends with the block."""
    store = sample_sales(seed=8, end_date=LAST_DAY, days=200)
    with World.opened() as world, corner_shop(world, store) as api:
        yield SideBySide(world, api)


class SideBySide:
    """The two shops, and what both leave when nobody disturbs them."""

    def __init__(self, world: World, api: SalesFlowServer) -> None:
        self.world = world
        self.stores = {MAIN_SHOP: world.api, CORNER: api}
        world.reset(moment=MOMENT - timedelta(days=2))
        self._sync({})
        before = world.objects()
        world.reset(before)
        self._sync({"business_date": BUSINESS_DATE.isoformat()})  # what a run counts itself says when
        self.before = before | {key: there for key, there in world.objects().items() if "history/stock/" in key}
        world.reset(self.before)
        self.points: dict[str, tuple[Point, ...]] = {}
        ends = []
        for shop, event in EVENTS.items():
            result = world.run("report", event, shop)
            if result.answer is None or result.answer["status"] != "SUCCEEDED":
                raise HarnessError(f"a shop's report fails without any fault: {result}")
            self.points[shop] = tuple(call.point for call in world.gateway.calls if not call.is_heartbeat)
            ends.append(world.end_state())
        only_hers, end = ends
        strange = [key for key in only_hers.objects.keys() - self.before if not key.startswith(key_prefix(CORNER))]
        strange += [pk for pk, _ in only_hers.runs if not pk.startswith(partition_prefix(CORNER))]
        if strange:
            raise HarnessError(f"what the other shop leaves lies with main: {strange}")
        self.expected = Expected("SUCCEEDED", (end, end), self.points[CORNER])

    def _sync(self, fields: Mapping[str, str]) -> None:
        """Let both shops read their history."""
        for shop in self.stores:
            if (result := self.world.run("sync_history", {**fields, "shop": shop}, "before")).answer is None:
                raise HarnessError(f"{shop}'s history could not be read: {result}")

    def disturbed(
        self,
        points: Iterable[Point],
        *,
        shop: str = CORNER,
        broken: str = "",
        ways: "Mapping[str, Way] | None" = None,
        into: Swept | None = None,
    ) -> Swept:
        """Disturb a shop's run at these points in every way, with the other's run in the meantime; what comes of it goes `into` other's."""
        swept = into or Swept()
        for point in points:
            for name, way in (WAYS if ways is None else ways).items():
                if not is_met(name, point):
                    continue
                self.world.reset(self.before)
                where = f"side by side: {shop}: {name}: {point}"
                repeated = way(self, shop, point, broken)
                self.world.clock.set(max(self.world.clock(), MOMENT) + RETRY_AFTER)
                last = self.world.run("report", EVENTS[shop], shop, broken=broken)
                if last.answer is None:
                    swept.findings.append(Finding("lost", where, f"the retry ended as {last}"))
                end = self.world.end_state()
                swept.findings += judge(where, end, self.expected, may_repeat=repeated)
                swept.findings += self._leaked(where, end)
                swept.tolerated += end.repeated
                swept.points += 1
        return swept

    def other_meanwhile(self, shop: str, container: Container) -> None:
        """The date's report of the other shop, which nothing may disturb, in a container that ends with it."""
        (other,) = EVENTS.keys() - {shop}
        result = container.invoke(EVENTS[other], other)
        container.close()
        if result.answer is None:
            raise HarnessError(f"{other}'s report failed: {result}")

    def _leaked(self, where: str, state: EndState) -> list[Finding]:
        """What one shop's readers were told, or her keys hold, that is not of her own sales."""
        found = []
        true = {shop: takings_of(api.store.sales, BUSINESS_DATE, BUSINESS_DATE) for shop, api in self.stores.items()}
        for mail in state.mails:
            shop = next((shop for shop, people in PEOPLE.items() if mail.recipient in people), "")
            if any(takings_in(data) != true.get(shop) for data in mail.attachments.values()):
                found.append(Finding("leaked", where, f"{mail.recipient} was told what is not of her shop"))
        for key, body in state.objects.items():
            if key.endswith(".json") and "reports/sales/" in key and not key.endswith("manifest.json"):
                shop = CORNER if key.startswith(key_prefix(CORNER)) else MAIN_SHOP
                if takings_in(body) != true[shop]:
                    found.append(Finding("leaked", where, f"{key} is of other sales"))
        return found


type Way = Callable[[SideBySide, str, Point, str], set[str]]
"""Disturbs a shop's run at a point, with the other's in the meantime; who may have been mailed once more."""


def _killed(two: SideBySide, shop: str, point: Point, broken: str) -> set[str]:
    """Right after the call."""
    kill = Kill(point, When.AFTER)
    two.world.run("report", EVENTS[shop], shop, interference=kill, broken=broken, started=kill.container)
    if kill.victim is None:
        raise HarnessError(f"{point} did not come")
    with two.world.gateway.interfering(None):
        two.other_meanwhile(shop, two.world.start("report", broken=broken))
    return may_repeat(kill.victim, When.AFTER)


def _stood_still(two: SideBySide, shop: str, point: Point, broken: str) -> set[str]:
    """Until the other shop is done and the lease is over; then it goes on, and the retry finds what it finds."""
    late, pause = two.world.start("report", broken=broken), Pause(point, When.BEFORE)
    with two.world.gateway.interfering(pause):
        ends = late.begin(EVENTS[shop], shop, seconds=3_600)
        wait_until(lambda: pause.state == "held")
        late.freeze()
        two.other_meanwhile(shop, two.world.start("report", broken=broken))
        two.world.clock.advance(RETRY_AFTER.total_seconds())
        late.thaw()
        pause.state = "over"
        late.end(ends)
    late.close()
    return {pause.held.mails} if pause.held is not None and pause.held.mails else set()


def _met(fault: Fault, two: SideBySide, shop: str, point: Point, broken: str) -> set[str]:
    """The container, if it is left, then makes the other shop's report."""
    injection = Injection(two.world, point, fault)
    container = two.world.start("report", broken=broken)
    with two.world.gateway.interfering(injection):
        first = container.invoke(EVENTS[shop], shop)
    if first.killed:
        container.close()
        container = two.world.start("report", broken=broken)
    with two.world.gateway.interfering(None):
        two.other_meanwhile(shop, container)
    return may_be_repeated(injection)


def is_met(name: str, point: Point) -> bool:
    """Whether this way is one for this call: some calls cannot meet some faults."""
    return name not in set(Fault) or (applies(Fault(name), point) and not costs_unknown(point, Fault(name)))


_ALONE: Mapping[str, Way] = {"killed": _killed, "stood still": _stood_still}
WAYS: Mapping[str, Way] = {**_ALONE, **{fault: partial(_met, fault) for fault in Fault}}


def ways_in_turn(point: Point, number: int, *, alone: bool) -> Mapping[str, Way]:
    """One of the faults that a call can meet, another one at the next call; with `alone` it is also killed and stands still there."""
    met = [fault for fault in Fault if is_met(fault, point)]
    fault = met[number % len(met)]
    return {**(_ALONE if alone else {}), fault: WAYS[fault]}
