"""The soak: a simulated year of all schedules of the template, with seeded faults, through warm and killed containers.

In the year: hours in which the API is down, S3 and SES that throttle, tills that share an id, crashes at any call, ticks that come
twice or hours late; once an upgrade from 1.0.0, a later release and the way back, and another setting. Another shop of the stack has
some of her reports made in the same containers. What Lambda's three tries do not do, the operator's redrive does when the trouble is over,
with the same events. In the end every due report is there once, of its right date and its shop's sales, every reader has one mail of each,
and the ledger agrees.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from local.api import SalesStore, sample_sales
from local.cloud import Firing, Scheduler
from local.shop import LocalShop, sample_shop
from salesflow.identity import CATALOGUE
from salesflow.job_events import JobRequest
from salesflow.rows import Rows
from salesflow.shop_id import MAIN_SHOP, key_prefix, partition_prefix
from salesflow.shops.book import SettingsBook
from salesflow.watch.schedules import Schedule
from tests.reliability.broken import LATER_RELEASE
from tests.reliability.containers import Container, Result
from tests.reliability.corner import CORNER, PEOPLE, corner_shop
from tests.reliability.faults import error_of, token_in
from tests.reliability.field import change_sales, with_a_shared_id
from tests.reliability.findings import Finding, Outcome, half_done
from tests.reliability.oracle import older_than_the_newest
from tests.reliability.releases import as_version_1_0_0_left_it
from tests.reliability.world import TABLE, EndState, World
from tests.stand_ins.aws import Answer
from tests.stand_ins.gateway import Call, Forward

ZONE = ZoneInfo("Europe/Paris")
"""A zone whose clocks change twice in the year."""
FIRST_DAY = date(2026, 1, 1)
TRIES = 3
PAUSES = (65.0, 125.0)
"""Seconds before Lambda's second and third try."""
_JOBS = ("report", "sync_history", "anomaly_check", "forecast")
_THINNED = {"sync-history-hourly": 120, "sync-history-nightly": 7, "forecast": 28, "anomaly": 7, "stock": 7}
"""Of schedules whose name holds this, one firing in so many is kept: it is the reports of sales that readers wait for most."""
_HERS_TOO = "scheduled-sales-pdf"
"""The end of the name of the schedule of which every seventh firing is also the other shop's."""


@dataclass
class Soaked(Outcome):
    """What the year came to."""

    days: int = 0
    firings: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    redriven: int = 0
    mails: int = 0
    grown_bytes: int = 0


def due_firings(first: date, days: int) -> list[Firing]:
    """What the template's schedules fire in that time, as EventBridge Scheduler would."""
    start = datetime.combine(first, datetime.min.time(), ZONE)
    with LocalShop.open(sample_shop(first, zone=ZONE.key, days=2), start) as shop:
        due = Scheduler(shop.cloud).due(start, start + timedelta(days=days))
    kept: Counter[str] = Counter()
    found = []
    for moment, schedule in due:
        name = schedule.name
        if not _job_of(schedule):
            continue
        kept[name] += 1
        every = next((n for part, n in _THINNED.items() if part in name), 1)
        if (kept[name] - 1) % every == 0:
            found.append(Firing(schedule, moment, schedule.event(moment), None))
        if name.endswith(_HERS_TOO) and (kept[name] - 1) % 7 == 0:
            found.append(Firing(schedule, moment, schedule.event(moment) | {"shop": CORNER}, None))
    return found


def _shop_of(due: Firing) -> str:
    return str(due.event.get("shop", MAIN_SHOP))


def _job_of(schedule: Schedule) -> str:
    """The job that a schedule fires, "" where it is none of those of the year."""
    plain = schedule.function.replace("-", "").replace("_", "").lower()
    return next((job for job in _JOBS if job.replace("_", "") in plain), "")


_BREWING = (
    (0.01, "API down for hours", "api_down_until"),
    (0.03, "S3 throttled", "s3_throttles_until"),
    (0.05, "SES throttled", "ses_throttles_until"),
    (0.07, "two tills that share an id", "ids_are_shared_until"),
)
"""Below which roll of the dice which trouble begins, and what says until when it lasts."""


class _Weather:
    """The troubles of the year, by the seed: at each call it decides what becomes of it."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world = world
        self.dice = dice
        self.api_down_until = datetime.min.replace(tzinfo=UTC)
        self.s3_throttles_until = self.api_down_until
        self.ses_throttles_until = self.api_down_until
        self.ids_are_shared_until = self.api_down_until
        self.crash_in: int | None = None
        self.crash_after = False
        self.victim: Container | None = None
        self.dead = False
        self.gap: Call | None = None

    def __call__(self, call: Call, forward: Forward) -> Answer | None:
        """Pass a call on, or not."""
        if self.dead:
            return None
        now = self.world.clock()
        if self.crash_in is not None and not call.is_heartbeat:
            self.crash_in -= 1
            if self.crash_in < 0:
                if self.crash_after:
                    forward()
                self.dead, self.gap = True, call
                if self.victim:
                    self.victim.kill()
                return None
        if call.service == "api" and now < self.api_down_until:
            return error_of("api", 503, "")
        if call.service == "s3" and now < self.s3_throttles_until and self.dice.random() < 0.15:
            return error_of("s3", 503, "SlowDown")
        if call.service == "ses" and now < self.ses_throttles_until and self.dice.random() < 0.4:
            return error_of("ses", 429, "TooManyRequestsException")
        answer = forward()
        if (
            call.point.name.startswith("api GET /sales/history")
            and now < self.ids_are_shared_until
            and answer.status == 200
        ):
            change_sales(answer, with_a_shared_id)
        return answer

    def brew(self, due: Firing, troubles: Counter[str]) -> None:
        """Let new trouble begin, now and then."""
        roll = self.dice.random()
        hours = timedelta(hours=self.dice.uniform(2, 9))
        for below, name, until in _BREWING:
            if roll < below:
                setattr(self, until, due.due + hours)
                troubles[name] += 1
                return


class _Year:
    """The year as it goes by."""

    def __init__(self, world: World, seed: int, progress: Callable[[str], None]) -> None:
        self.world = world
        self.dice = random.Random(seed)
        self.weather = _Weather(world, self.dice)
        self.soaked = Soaked()
        self.progress = progress
        self.warm: dict[str, tuple[Container, list[int]]] = {}
        self.told: Counter[tuple[str, str]] = Counter()
        self.may_repeat: set[str] = set()
        self.left_over: list[Firing] = []
        self.number = 0
        self.leaks: list[str] = []
        self.release = ""
        self.may_be_partial: set[tuple[str, datetime]] = set()

    def live(self, firings: list[Firing]) -> None:
        """Let every firing come, with its troubles."""
        soaked, dice = self.soaked, self.dice
        for n, due in enumerate(firings):
            self._turn(n / len(firings), (n + 1) / len(firings))
            self._redrive(until=due.due)
            self.world.clock.set(max(self.world.clock(), due.due + timedelta(seconds=dice.uniform(0, 30))))
            self.weather.brew(due, soaked.troubles)
            roll = dice.random()
            if roll < 0.02:  # the tick comes hours late: the scheduled time decides all the same
                soaked.troubles["late ticks"] += 1
                self.world.clock.advance(dice.uniform(600, 30_000))
            self._fire(due, crash=0.02 <= roll < 0.05)
            if 0.05 <= roll < 0.08:
                soaked.troubles["ticks that came twice"] += 1
                self._fire(due, crash=False)
            soaked.firings += 1
            if n % 100 == 99:
                self._harvest()
                self.progress(f"soak: {due.due:%Y-%m-%d}, {n + 1} of {len(firings)} firings, {self.told.total()} mails")
        self.world.clock.advance(86_400)
        self._redrive(until=self.world.clock() + timedelta(days=1))
        self._harvest()
        for container, resident in self.warm.values():
            self._note_growth(resident)
            container.close()

    def _turn(self, before: float, after: float) -> None:
        """What happens once in a year: an upgrade from 1.0.0, a later release and the way back, another setting."""
        turns: tuple[tuple[float, str, Callable[[], None]], ...] = (
            (0.25, "upgrades from 1.0.0", partial(as_version_1_0_0_left_it, self.world)),
            (0.5, "upgrades to a later release", partial(self._run_with, LATER_RELEASE)),
            (0.625, "rollbacks", partial(self._run_with, "")),
            (0.75, "settings changed", self._change_the_language),
        )
        for share, name, happen in turns:
            if before <= share < after:
                for container, _ in self.warm.values():
                    container.close()  # an upgrade ends them
                self.warm.clear()
                happen()
                self.soaked.troubles[name] += 1

    def _run_with(self, release: str) -> None:
        self.release = release

    def _change_the_language(self) -> None:
        book = SettingsBook(Rows(self.world.client("dynamodb"), TABLE))
        book.write({"language_code": "fr"}, over=book.newest(), by="operator")

    def _fire(self, due: Firing, *, crash: bool) -> None:
        """One firing with Lambda's tries; what fails in all of them goes to the queue."""
        self.number += 1
        request_id = f"request-{self.number}"
        if self.world.clock() < self.weather.ids_are_shared_until and _shop_of(due) == MAIN_SHOP:
            self.may_be_partial.add((due.schedule.name, due.due))
        for attempt in range(TRIES):
            self.weather.crash_in = self.dice.randrange(60) if crash and attempt == 0 else None
            self.weather.crash_after = self.dice.random() < 0.5
            result = self._invoke(due, request_id)
            if result.answer is not None:
                return
            if result.failure is not None and not result.failure.is_named:
                self.soaked.findings.append(Finding("silent", f"{due.schedule.name} {due.due}", str(result)))
            if attempt < len(PAUSES):
                self.world.clock.advance(PAUSES[attempt])
        self.left_over.append(due)

    def _invoke(self, due: Firing, request_id: str) -> Result:
        job = _job_of(due.schedule)
        container, resident = self.warm.get(job) or (self.world.start(job, broken=self.release), [])
        self.warm[job] = container, resident
        weather = self.weather
        weather.victim, weather.dead, weather.gap = container, False, None
        with self.world.gateway.interfering(weather):
            result = container.invoke(due.event, request_id)
        if result.killed:
            self.soaked.troubles["crashes"] += 1
            self._note_growth(resident)
            container.close()
            del self.warm[job]
            self._note_gap(weather)
        else:
            resident.append(result.resident_bytes)
        return result

    def _note_gap(self, weather: _Weather) -> None:
        """Remember whose mail may come again: the crash fell between SES's accept and the record."""
        call = weather.gap
        if call is not None and ((call.mails and weather.crash_after) or (call.records and not weather.crash_after)):
            self.may_repeat.add(str(call.mails or call.records))
            self.soaked.tolerated += 1

    def _note_growth(self, resident: list[int]) -> None:
        """How much a container's memory grew after its first twenty invocations."""
        if len(resident) > 60:
            self.soaked.grown_bytes = max(self.soaked.grown_bytes, resident[-1] - max(resident[:20]))

    def _redrive(self, until: datetime) -> None:
        """What an operator does once the API is back: replay the queue of failed runs."""
        if self.left_over and self.weather.api_down_until < until and self.world.clock() > self.weather.api_down_until:
            waiting, self.left_over = self.left_over, []
            for due in waiting:
                self.soaked.redriven += 1
                self._fire(due, crash=False)

    def _harvest(self) -> None:
        """Count the mails and let go of them and of the logs."""
        for mail in self.world.mails():
            self.told[mail.recipient, mail.reference] += 1
            if mail.recipient not in {reader for readers in PEOPLE.values() for reader in readers}:
                self.soaked.findings.append(Finding("doubled", "soak", f"a stranger was mailed: {mail.recipient}"))
            self.leaks += token_in([mail.message.as_string()], self.world.token)
        self.leaks += token_in([self.world.host.logs()], self.world.token)
        self.world.forget_mails()


def soak(days: int = 365, *, seed: int = 1, progress: Callable[[str], None] = print) -> Soaked:
    """Let so many days go by, and look at what is left of them."""
    firings = due_firings(FIRST_DAY, days)
    store, hers = (
        sample_sales(seed=seed_of_shop, end_date=FIRST_DAY + timedelta(days=days), days=days + 200)
        for seed_of_shop in (11, 12)
    )
    with World.opened(store, zone=ZONE) as world, corner_shop(world, hers, zone=ZONE):
        start = datetime.combine(FIRST_DAY, datetime.min.time(), ZONE).astimezone(UTC)
        world.reset(moment=start)
        year = _Year(world, seed, progress)
        year.live(firings)
        soaked = year.soaked
        soaked.days = days
        soaked.mails = year.told.total()
        soaked.findings += list(_judged(world, firings, year, {MAIN_SHOP: store, CORNER: hers}))
    return soaked


def _judged(world: World, firings: list[Firing], year: _Year, stores: Mapping[str, SalesStore]) -> Iterator[Finding]:
    """Every due firing against the bucket, the ledger and the mails; and the year as a whole."""
    state, soaked = world.end_state(), year.soaked
    for problem in half_done(state):
        yield Finding("lost", "soak", problem)
    for problem in older_than_the_newest(state.objects):
        yield Finding("lost", "soak", problem)
    for leak in year.leaks + token_in([str(row) for row in world.rows()], world.token):
        yield Finding("silent", "soak", f"the token can be read: {leak}")
    lines = {
        shop: Counter(sale.sold_at.date() for sale in store.sales for _ in (sale.items or (None,)))
        for shop, store in stores.items()
    }
    for due in firings:
        partial_too = _shop_of(due) == MAIN_SHOP and (due.schedule.name, due.due) in year.may_be_partial
        yield from _judge_due(due, state, lines[_shop_of(due)], may_be_partial=partial_too)
    told = {shop: {said for reader, said in year.told if reader in readers} for shop, readers in PEOPLE.items()}
    for reference in told[MAIN_SHOP] & told[CORNER]:
        yield Finding("leaked", "soak", f"{reference} was told to readers of two shops")
    for (recipient, reference), times in year.told.items():
        if times > (2 if recipient in year.may_repeat else 1):
            yield Finding("doubled", "soak", f"{recipient} got {reference} {times} times")
    repeated = sum(times - 1 for times in year.told.values())
    if repeated > soaked.tolerated:
        yield Finding("doubled", "soak", f"{repeated} mails came twice, where crashes explain {soaked.tolerated}")
    recorded = sum("#sent#" in sk for _, sk in state.sends)
    if len(year.told) != recorded:
        yield Finding("lost", "soak", f"{recorded} mails are on record, {len(year.told)} were sent")
    if soaked.grown_bytes > 64 * 2**20:
        yield Finding("silent", "soak", f"a container grew by {soaked.grown_bytes >> 20} MB")


def _judge_due(due: Firing, state: EndState, lines: Mapping[date, int], *, may_be_partial: bool) -> Iterator[Finding]:
    """One due firing: done, of its right date, its files there, everybody told. may_be_partial: sales that share an id were set aside."""
    job, shop = _job_of(due.schedule), _shop_of(due)
    kind = CATALOGUE[job]
    request = JobRequest.from_event(due.event, kind.fields, now=due.due, zone=ZONE)
    day, identity = request.business_date, f"{partition_prefix(shop)}run#{kind.identity(request)}"
    where = f"soak: {shop}: {due.schedule.name} of {day}"
    if day != (wanted := due.due.astimezone(ZONE).date() - timedelta(days=1)):
        yield Finding("lost", where, f"the business date is not {wanted}")
    run = state.runs.get((identity, day.isoformat()))
    status = run["status"]["S"] if run else "no row"
    if status == "SKIPPED_EMPTY" and lines[day] == 0:  # the shop was closed, and nothing else is true
        return
    is_partial = may_be_partial and status == "PARTIAL"
    if (
        status != "SUCCEEDED" and not is_partial and (job, status) != ("forecast", "PARTIAL")
    ):  # too little history at first
        yield Finding("lost", where, f"the ledger says {status}: {run['reason']['S'] if run else ''}")
    if job != "report":
        return
    for recipient in PEOPLE[shop]:
        if state.sends.get((identity, f"{day}#sent#final#{recipient}")) != "SENT":
            yield Finding("lost", where, f"no record that {recipient} was told")
    fields = request.fields
    manifest = state.objects.get(f"{key_prefix(shop)}reports/{fields.report_type}/{fields.period}/{day}/manifest.json")
    listed = json.loads(manifest) if manifest else {"files": {}}
    for fmt in fields.formats:
        if listed["files"].get(str(fmt), {}).get("key") not in state.objects:
            yield Finding("lost", where, f"no {fmt}")
    if fields.report_type == "sales" and listed.get("sales_rows") != lines[day] and not is_partial:
        yield Finding("lost", where, f"{listed.get('sales_rows')} lines of {lines[day]}")
