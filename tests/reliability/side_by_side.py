"""Two shops of one stack at work side by side: whatever becomes of one's run, the other's runs in the meantime, and each has its own alone.

The other shop (not `main`) is killed, overtaken or refused at its outside calls while `main` does the same date's report, in the same
container where one is left. In the end both stand as after undisturbed runs, and what each was told is of its own sales.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from local.api import SalesFlowServer, sample_sales
from salesflow.rows import Rows
from salesflow.shop_id import key_prefix, partition_prefix
from salesflow.shops.book import SettingsBook, Version
from salesflow.shops.token import keep_token
from tests.reliability.faults import error_of
from tests.reliability.findings import Finding, judge
from tests.reliability.oracle import takings_in, takings_of
from tests.reliability.scenarios import TICK, Expected
from tests.reliability.sweep import Kill, Pause, Swept, When, may_repeat
from tests.reliability.world import BUSINESS_DATE, LAST_DAY, MOMENT, READERS, RETRY_AFTER, TABLE, ZONE, EndState, World
from tests.stand_ins.aws import Answer
from tests.stand_ins.gateway import Call, Forward, HarnessError, Point, wait_until

CORNER = "corner"
HERS = "reader@corner.example.com"
ROLE = "arn:aws:iam::123456789012:role/shop-ShopRole-1"
MAINS = {"schedule": "scheduled-sales-json", **TICK, "formats": ["json"]}
CORNERS = {**MAINS, "shop": CORNER}
PEOPLE = {"main": {*READERS}, CORNER: {HERS}}


@contextmanager
def two_shops() -> Iterator["SideBySide"]:
    """A world with `main` and another shop, of other sales; it ends with the block."""
    with World.opened() as world, _api_of_the_corner(world) as api:
        world.gateway.other_apis[CORNER] = api.port
        world.settings["SHOP_ROLE_ARN"] = ROLE
        world.reset()
        rows = Rows(world.client("dynamodb"), TABLE, CORNER)
        kms = world.client("kms")
        keep_token(rows, kms, kms.create_key()["KeyMetadata"]["KeyId"], api.issue_token(timedelta(days=3650)))
        values: dict[str, Any] = {
            "salesflow_api_url": f"{world.gateway.endpoint}/{CORNER}/api/v1",
            "timezone": ZONE.key,
            "currency": "KES",
            "report_recipients": [HERS],
            "alert_recipients": [],
            "owner_recipients": [f"owner@{CORNER}.example.com"],
            "history_days": "180",
        }
        SettingsBook(rows).write(values, over=Version(), by="desk")
        hers = world.rows()
        world.after_reset = lambda: [world.client("dynamodb").put_item(TableName=TABLE, Item=row) for row in hers]
        yield SideBySide(world, api)


@contextmanager
def _api_of_the_corner(world: World) -> Iterator[SalesFlowServer]:
    store = sample_sales(seed=8, end_date=LAST_DAY, days=200)
    with SalesFlowServer(
        store, clock=lambda: world.clock().astimezone(ZONE).replace(tzinfo=None), dates=world.clock
    ) as api:
        yield api


class SideBySide:
    """The two shops, and what both leave when nobody disturbs them."""

    def __init__(self, world: World, api: SalesFlowServer) -> None:
        self.world = world
        self.stores = {"main": world.api, CORNER: api}
        world.reset(moment=MOMENT - timedelta(days=2))
        self._sync({})
        before = world.objects()
        world.reset(before)
        self._sync({"business_date": BUSINESS_DATE.isoformat()})  # what a run counts itself says when
        self.before = before | {key: there for key, there in world.objects().items() if "history/stock/" in key}
        world.reset(self.before)
        hers = world.run("report", CORNERS, "hers")
        points = tuple(call.point for call in world.gateway.calls if not call.is_heartbeat)
        only_hers = world.end_state()
        mains = world.run("report", MAINS, "mains")
        for result in (hers, mains):
            if result.answer is None or result.answer["status"] != "SUCCEEDED":
                raise HarnessError(f"a shop's report fails without any fault: {result}")
        strange = [key for key in only_hers.objects.keys() - self.before if not key.startswith(key_prefix(CORNER))]
        strange += [pk for pk, _ in only_hers.runs if not pk.startswith(partition_prefix(CORNER))]
        if strange:
            raise HarnessError(f"what the other shop leaves lies with main: {strange}")
        end = world.end_state()
        self.expected = Expected("SUCCEEDED", (end, end), points)

    def _sync(self, fields: Mapping[str, str]) -> None:
        """Let both shops read their history."""
        for shop in self.stores:
            if (result := self.world.run("sync_history", {**fields, "shop": shop}, "before")).answer is None:
                raise HarnessError(f"{shop}'s history could not be read: {result}")

    def disturbed(
        self, points: Iterable[Point] | None = None, *, broken: str = "", ways: "Iterable[Way] | None" = None
    ) -> Swept:
        """Disturb the other shop's run at every point (or at those given) in every way, with `main`'s run in the meantime."""
        swept = Swept()
        for point in self.expected.points if points is None else points:
            for way in WAYS if ways is None else ways:
                self.world.reset(self.before)
                where = f"side by side: {way.__name__.strip('_').replace('_', ' ')} {point}"
                repeated = way(self, point, broken)
                self.world.clock.advance(RETRY_AFTER.total_seconds())
                last = self.world.run("report", CORNERS, "hers", broken=broken)
                if last.answer is None:
                    swept.findings.append(Finding("lost", where, f"the retry ended as {last}"))
                end = self.world.end_state()
                swept.findings += judge(where, end, self.expected, may_repeat=repeated)
                swept.findings += self._leaked(where, end)
                swept.tolerated += end.repeated
                swept.points += 1
        return swept

    def main_meanwhile(self, broken: str) -> None:
        """The date's report of `main`, which nothing may disturb."""
        result = self.world.run("report", MAINS, "mains", broken=broken)
        if result.answer is None:
            raise HarnessError(f"main's report failed: {result}")

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
                shop = CORNER if key.startswith(key_prefix(CORNER)) else "main"
                if takings_in(body) != true[shop]:
                    found.append(Finding("leaked", where, f"{key} is of other sales"))
        return found


type Way = Callable[[SideBySide, Point, str], set[str]]
"""Disturbs the other shop's run at a point, with `main`'s in the meantime; who may have been mailed once more."""


def _killed_after(two: SideBySide, point: Point, broken: str) -> set[str]:
    kill = Kill(point, When.AFTER)
    two.world.run("report", CORNERS, "hers", interference=kill, broken=broken, started=kill.container)
    if kill.victim is None:
        raise HarnessError(f"{point} did not come")
    two.main_meanwhile(broken)
    return may_repeat(kill.victim, When.AFTER)


def _standing_still_at(two: SideBySide, point: Point, broken: str) -> set[str]:
    """Until `main` is done and the lease is over; then it goes on, and the retry finds what it finds."""
    late, pause = two.world.start("report", broken=broken), Pause(point, When.BEFORE)
    with two.world.gateway.interfering(pause):
        ends = late.begin(CORNERS, "hers", seconds=3_600)
        wait_until(lambda: pause.state == "held")
        late.freeze()
        with_main = two.world.start("report", broken=broken)
        done = with_main.invoke(MAINS, "mains")
        with_main.close()
        two.world.clock.advance(RETRY_AFTER.total_seconds())
        late.thaw()
        pause.state = "over"
        late.end(ends)
    late.close()
    if done.answer is None:
        raise HarnessError(f"main's report failed: {done}")
    return {pause.held.mails} if pause.held is not None and pause.held.mails else set()


def _refused_in_one_container_at(two: SideBySide, point: Point, broken: str) -> set[str]:
    """The call is denied; the same container then does `main`'s report."""
    repeated = set[str]()

    def deny(call: Call, forward: Forward) -> Answer:
        if call.point != point:
            return forward()
        repeated.update(may_repeat(call, When.BEFORE))
        return error_of(call.service, 403, "AccessDenied" if call.service == "s3" else "AccessDeniedException")

    container = two.world.start("report", broken=broken)
    with two.world.gateway.interfering(deny):
        container.invoke(CORNERS, "hers")
    with two.world.gateway.interfering(None):
        done = container.invoke(MAINS, "mains")
    container.close()
    if done.answer is None:
        raise HarnessError(f"main's report failed: {done}")
    return repeated


WAYS: tuple[Way, ...] = (_killed_after, _standing_still_at, _refused_in_one_container_at)
