"""Other shops' schedules: the late ones alone are looked at, each owner hears of her own shop, the operator once of all of them."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from salesflow.delivery.addresses import Mark, MarkedAddresses
from salesflow.ledger import Ledger, RunStatus
from salesflow.ledger.claim import Claim
from salesflow.links.things import MailList
from salesflow.rows import LedgerUnavailable, Rows
from salesflow.shops.book import SettingsBook
from salesflow.shops.registry import ShopRegistry, ShopState
from salesflow.shops.token import keep_token
from salesflow.stored import UnreadableRow
from salesflow.watch.expected import Expectations, late_schedules
from salesflow.watch.schedules import list_schedules
from tests.integration.jobs.conftest import BUSINESS_DATE, OWNER, TEN_DAYS_AGO
from tests.integration.jobs.outside import Outside
from tests.integration.jobs.watched import MADE, SALES, SALES_INPUT, Watched, put_schedule, utc
from tests.stand_ins.aws import Answer, Request, Wire, calls
from tests.stand_ins.lambda_context import Context

SHOP_OPENED = TEN_DAYS_AGO
DUE = utc(22, 23)
"""07:00 in Shanghai on the 23rd."""
SALES_PDF = "scheduled-sales-pdf"


class Fleet:
    """Other shops of the watched stack; what the watchdog gives to functions is kept, and run when a test says so."""

    def __init__(self, watched: Watched, wire: Wire) -> None:
        self.watched, self.given = watched, list[dict[str, Any]]()
        self.refuses = False
        self.registry = ShopRegistry(self.rows("main"))
        wire.stand_in(calls("POST functions/"), self._invoked)

    def _invoked(self, request: Request) -> Answer:
        if self.refuses:
            return Answer(403, [("x-amzn-ErrorType", "AccessDeniedException")], b"{}")
        assert request.headers["x-amz-invocation-type"] == "Event"
        assert request.path.split("/")[3] == f"{self.watched.stack}-watchdog"
        self.given.append(json.loads(request.body))
        return Answer(202, [], b"")

    def rows(self, shop: str) -> Rows:
        return Rows(self.watched.system.clients.dynamodb, self.watched.system.table, shop)

    def expectations(self, shop: str) -> Expectations:
        return Expectations(self.rows(shop), timedelta(minutes=90))

    def add(self, shop: str, *, made: datetime = MADE) -> None:
        """A shop with a daily report at seven, as the desk adds it."""
        self.registry.add(shop, by="desk")
        values = {
            "salesflow_api_url": self.watched.system.api.url,
            "timezone": "Asia/Shanghai",
            "currency": "CNY",
            "report_recipients": [],
            "alert_recipients": [],
            "owner_recipients": [f"owner@{shop}.example.com"],
            "history_days": "240",
        }
        book = SettingsBook(self.rows(shop))
        book.write(values, over=book.newest(), by="desk")
        stack, scheduler = self.watched.stack, self.watched.scheduler
        fields = {"shop": shop, **SALES_INPUT}
        put_schedule(scheduler, stack, f"{shop}--{SALES_PDF}", "cron(0 7 * * ? *)", fields, changed=made)
        (schedule,) = list_schedules(scheduler, stack, shop=shop, prefix=f"{shop}--")
        self.expectations(shop).expect(SALES_PDF, schedule, made)

    def ran(self, shop: str, due: datetime) -> None:
        """The shop's report of a firing did its work, as its run leaves it."""
        claim = Ledger(self.rows(shop)).claim(
            SALES,
            (due + timedelta(hours=8)).date() - timedelta(days=1),
            request_id=f"{shop}-{due}",
            schedule=SALES_PDF,
            scheduled_time=due,
            force=False,
            day_is_over=True,
        )
        assert isinstance(claim, Claim)
        with claim:
            claim.finish(RunStatus.SUCCEEDED, reason="ok")
        self.expectations(shop).done(SALES_PDF, due)

    def works(self, shop: str, hour: int) -> dict[str, Any]:
        """The shop's function makes the report of a firing of the 22nd, as a schedule fires it; it has a token of its own."""
        self.watched.clock.moment = utc(22, hour, 4)
        event: dict[str, Any] = {
            "shop": shop,
            **SALES_INPUT,
            "scheduled_time": f"2026-11-22T{hour:02d}:00:00Z",
            "formats": ["json"],
        }
        event |= {"business_date": BUSINESS_DATE.isoformat(), "force": True}
        return self.watched.system.fire("report", event)

    def give_token(self, shop: str) -> None:
        """The shop has a token that is good."""
        clients, api = self.watched.system.clients, self.watched.system.api
        key = clients.kms.create_key()["KeyMetadata"]["KeyId"]
        keep_token(self.rows(shop), clients.kms, key, api.issue_token(timedelta(days=3650)))

    def look(self, moment: datetime) -> list[str]:
        """The stack's watchdog looks, and then what it fired; the shops that were looked at."""
        self.watched.look(moment)
        given, self.given = self.given, []
        for event in given:
            answer = self.watched.system.load("watchdog")(event, Context())
            assert answer["status"] == "SUCCEEDED", answer
        return [event["shop"] for event in given]

    def mails(self, to: str) -> list[str]:
        return [str(mail["Subject"]).partition(" [")[0] for mail in self.watched.system.mails() if mail["To"] == to]


@pytest.fixture
def fleet(watched: Watched, wire: Wire) -> Fleet:
    return Fleet(watched, wire)


def test_only_the_late_shop_is_looked_at_and_each_hears_what_is_his(fleet: Fleet, wire: Wire) -> None:
    for shop in ("bar", "corner", "good"):
        fleet.add(shop, made=utc(22, 6))
    fleet.watched.clock.moment = utc(22, 23, 5)
    fleet.ran("good", DUE)
    assert fleet.look(utc(22, 23, 50)) == [], "within the grace"
    assert sorted(fleet.look(utc(23, 0, 50))) == ["bar", "corner"]
    assert fleet.mails("owner@corner.example.com") == [f"{SALES_PDF}: missing"]
    assert fleet.mails("owner@bar.example.com") == [f"{SALES_PDF}: missing"]
    assert fleet.mails("owner@good.example.com") == []
    assert fleet.mails(OWNER) == ["2 of 3 shops late"]
    text = next(mail for mail in fleet.watched.system.mails() if mail["To"] == OWNER).get_body(("plain",))
    assert text is not None
    said = text.get_content()
    assert "corner: late since Mon 23 Nov 2026 08:30 (Asia/Shanghai)" in said
    assert "good" not in said
    for hour in range(1, 6):
        assert sorted(fleet.look(utc(23, hour, 50))) == ["bar", "corner"]
    assert len(fleet.mails("owner@corner.example.com")) == len(fleet.mails(OWNER)) == 1
    for shop in ("bar", "corner"):
        fleet.ran(shop, DUE)
    assert sorted(fleet.look(utc(23, 6, 50))) == ["bar", "corner"], "their owners are to hear that it is over"
    assert fleet.look(utc(23, 7, 50)) == []
    assert fleet.mails("owner@corner.example.com") == [f"{SALES_PDF}: missing", f"{SALES_PDF} works again"]
    assert fleet.mails(OWNER) == ["2 of 3 shops late", "No shop is late any more"]


def test_a_look_asks_as_much_of_a_hundred_good_shops_as_of_one(fleet: Fleet, wire: Wire) -> None:
    fleet.add("late", made=utc(22, 6))
    fleet.look(utc(22, 23, 50))

    def asked(moment: datetime) -> int:
        before = len(wire.seen)
        fleet.watched.look(moment)
        return len(wire.seen) - before

    one = asked(utc(23, 0, 50))
    rows = fleet.rows
    for n in range(100):
        fleet.registry.add(f"good-{n}", by="desk")
        expected = Expectations(rows(f"good-{n}"), timedelta(minutes=90))
        (schedule,) = list_schedules(fleet.watched.scheduler, fleet.watched.stack, shop="late", prefix="late--")
        expected.expect(SALES_PDF, schedule, DUE)
    assert asked(utc(23, 1, 50)) <= one


def test_a_paused_shop_is_not_missed_and_one_that_is_removed_is_nobody_s_business(fleet: Fleet) -> None:
    fleet.add("paused", made=utc(22, 6))
    fleet.add("leaving", made=utc(22, 6))
    fleet.registry.mark("paused", ShopState.PAUSED)
    fleet.registry.mark("leaving", ShopState.REMOVING)
    assert fleet.look(utc(23, 0, 50)) == []
    assert fleet.mails(OWNER) == []


def test_a_shop_that_could_not_be_looked_at_fails_the_look_after_main_s_owner_was_told(fleet: Fleet) -> None:
    fleet.add("corner", made=utc(22, 6))
    fleet.watched.sales()
    fleet.refuses = True
    with pytest.raises(Exception, match="The shop corner could not be looked at"):
        fleet.watched.look(utc(23, 0, 50))
    assert any("missing" in subject for subject in fleet.mails(OWNER))
    assert "1 of 1 shops late" in fleet.mails(OWNER)


def test_a_row_that_cannot_be_read_hides_no_other_shop(fleet: Fleet) -> None:
    for shop in ("corner", "frozen", "odd"):
        fleet.add(shop, made=utc(22, 6))
    fleet.watched.sales()
    key = {"pk": "shops", "sk": "frozen"}
    fleet.rows("main").update_if(key, "attribute_exists(pk)", {}, change={"status": "of a later release"})
    key = {"pk": "watch", "sk": f"expected#{SALES_PDF}"}
    fleet.rows("odd").update_if(key, "attribute_exists(pk)", {}, change={"late_at": "2026-11-22"})
    with pytest.raises(UnreadableRow, match="shops, frozen"):
        fleet.watched.look(utc(23, 0, 50))
    assert sorted(event["shop"] for event in fleet.given) == ["corner", "odd"]
    assert any("missing" in subject for subject in fleet.mails(OWNER))
    assert "2 of 2 shops late" in fleet.mails(OWNER)


def test_an_index_that_is_not_there_is_said_by_name(fleet: Fleet) -> None:
    client = fleet.watched.system.clients.dynamodb
    with pytest.raises(LedgerUnavailable, match="The index late of the table nowhere"):
        late_schedules(client, "nowhere", utc(23, 0))


@pytest.mark.parametrize(("token", "late_at"), [(True, "2026-11-24T00:30"), (False, None)])
def test_a_run_says_whether_it_did_its_work(
    fleet: Fleet, token: bool, late_at: str | None, aws_environment: str
) -> None:
    fleet.add("corner", made=utc(22, 6))
    if token:
        fleet.give_token("corner")
        fleet.works("corner", 23)
    else:
        with pytest.raises(Exception, match="of the shop corner is not there"):
            fleet.works("corner", 23)
    client, table = fleet.watched.system.clients.dynamodb, fleet.watched.system.table
    found = late_schedules(client, table, utc(30, 0))
    assert [(one.shop, one.schedule) for one in found] == [("corner", SALES_PDF)]
    if late_at is not None:
        assert f"{found[0].since:%Y-%m-%dT%H:%M}" == late_at
    else:
        assert utc(22, 23, 14) <= found[0].since < utc(22, 23, 20)


def test_what_clocks_go_over_is_late_too(fleet: Fleet) -> None:
    class Timed:
        expression, zone, window_minutes = "cron(30 2 * * ? *)", "Europe/Paris", 0

    fleet.expectations("paris").expect(SALES_PDF, Timed(), utc(28, 2, month=3))
    (found,) = late_schedules(fleet.watched.system.clients.dynamodb, fleet.watched.system.table, utc(30, 0, month=3))
    assert found.since == utc(29, 2, 30, month=3)


def test_an_owner_hears_of_readers_after_the_next_run_though_nothing_is_late(
    fleet: Fleet, aws_environment: str
) -> None:
    """Of a stop, a bounce, and a stop after the reader had taken the mails up again; the operator of neither."""
    fleet.add("corner", made=utc(22, 2))
    fleet.add("good", made=utc(22, 2))
    fleet.give_token("corner")
    reader, marks = "chef@corner.example.com", MarkedAddresses(fleet.rows("corner"))
    owner = "owner@corner.example.com"
    fleet.works("corner", 3)
    assert fleet.look(utc(22, 3, 50)) == [], "nobody is left out"
    marks.stop(reader, MailList.REPORTS)
    assert fleet.look(utc(22, 4, 50)) == [], "no run has seen it yet"
    fleet.works("corner", 5)
    assert fleet.look(utc(22, 5, 50)) == ["corner"]
    assert fleet.mails(owner) == [f"{reader} wants fewer mails"]
    fleet.works("corner", 6)
    assert fleet.look(utc(22, 6, 50)) == [], "he has been told"
    marks.take_up(reader, MailList.REPORTS)
    fleet.works("corner", 7)
    assert fleet.look(utc(22, 7, 50)) == ["corner"]
    assert len(fleet.mails(owner)) == 1, "that is nothing to tell"
    marks.stop(reader, MailList.REPORTS)
    marks.mark("gone@corner.example.com", Mark.BOUNCED, said="550", message_id="m")
    fleet.works("corner", 8)
    assert fleet.look(utc(22, 8, 50)) == ["corner"]
    assert fleet.mails(owner)[1:] == ["2 things need you"]
    assert fleet.mails(OWNER) == fleet.mails("owner@good.example.com") == [], "no shop is late"


def test_what_could_not_be_told_of_readers_is_told_with_the_next_look(
    fleet: Fleet, wire: Wire, aws_environment: str
) -> None:
    fleet.add("corner", made=utc(22, 2))
    fleet.give_token("corner")
    MarkedAddresses(fleet.rows("corner")).stop("chef@corner.example.com", MailList.REPORTS)
    fleet.works("corner", 5)
    wire.refuse(calls("SendEmail"), 503, "ServiceUnavailable", times=9)
    with pytest.raises(Exception, match="could not be told"):
        fleet.look(utc(22, 5, 50))
    wire.reset()
    wire.stand_in(calls("POST functions/"), fleet._invoked)
    assert fleet.look(utc(22, 6, 50)) == ["corner"]
    assert fleet.mails("owner@corner.example.com") == ["chef@corner.example.com wants fewer mails"]


def test_another_shop_s_runs_give_its_sign_of_life_while_none_of_its_schedules_is_late(
    fleet: Fleet, outside: Outside, aws_environment: str
) -> None:
    fleet.add("corner", made=utc(22, 2))
    fleet.give_token("corner")
    fleet.works("corner", 3)
    assert outside.asked == [], "the page in the environment is that of main"
    book = SettingsBook(fleet.rows("corner"))
    book.write({**book.newest().values, "heartbeat_url": f"{outside.url}/hers"}, over=book.newest(), by="desk")
    fleet.works("corner", 4)
    hers = ["/ping/of-this-shop/hers"]
    assert outside.asked == hers
    every = fleet.expectations("corner")
    (schedule,) = list_schedules(fleet.watched.scheduler, fleet.watched.stack, shop="corner", prefix="corner--")
    every.expect("scheduled-stock-excel", schedule, utc(21, 6))
    fleet.works("corner", 6)
    assert outside.asked == hers, "the stock's report is late"
    every.done("scheduled-stock-excel", utc(22, 23))
    fleet.works("corner", 7)
    assert outside.asked == hers * 2
