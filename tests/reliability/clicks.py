"""A reader's click on a link, killed, overtaken and disturbed at each call that it makes; then the reader clicks again.

An operator's change of settings goes the same way (`tests.reliability.desk`).

At any moment things stand as before the click or as after it, and nothing has changed that is on no record; the second click ends as
one that nobody disturbed. Of two clicks at the same moment both take effect, in one order or the other. The oracle reads the table's rows
itself and compares with clicks in a row.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from tests.reliability.containers import Result
from tests.reliability.faults import Fault, Injection, applies, in_turn
from tests.reliability.findings import Finding, Kind
from tests.reliability.scenarios import TICK
from tests.reliability.sweep import Kill, Pause, changing, sides
from tests.reliability.world import LINK_KEYS, MOMENT, READERS, Objects, Table, World
from tests.stand_ins.gateway import HarnessError, Point, wait_until

SETTINGS = {"LINKS_URL": "https://links.shop.example.com/", "LINKS_SECRET_ID": LINK_KEYS}
READER = READERS[0]
AGAIN_AFTER = 65.0
"""Seconds until the reader clicks again: two uses of one second are one row."""

REFUSED = 409
"""The answer to whoever is told that somebody else was faster, and nothing done."""

_LINK = re.compile(r"(.*?):? *(https://links\.shop\.example\.com/\S+)")
_ONE_CLICK = "List-Unsubscribe=One-Click"


@dataclass(frozen=True)
class Click:
    """What a reader does: with which link (the words before it in a mail), what is posted ("": he looks), as what the ledger has it.

    bounces: instead the reader's server refuses a mail in that moment.
    """

    name: str
    link: str = ""
    form: str = ""
    deed: str = ""
    bounces: bool = False


_WHY, _MAILS, _ALERTS = "Why, or be quiet about it", "Stop these mails, or change what you get", "alerts"
OPEN = Click("open", "Open the CSV", deed="open")
LIBRARY = Click("library", "All reports", deed="open")
LOOK = Click("why", _WHY, deed="why")
QUIET = Click("quiet", _WHY, "do=quiet", "quiet")
FOR_GOOD = Click("quiet for good", _WHY, "do=quiet-for-good", "quiet-for-good")
TELL = Click("tell again", _WHY, "do=tell", "tell")
STOP = Click("stop by one click", _MAILS, _ONE_CLICK, "stop")
STOP_ALERTS = Click("stop alerts", _ALERTS, "do=stop-alerts", "stop-alerts")
TAKE_UP = Click("take up reports", _MAILS, "do=take-up-reports", "take-up-reports")
BOUNCE = Click("bounce", bounces=True)

ALONE: tuple[tuple[Click, ...], ...] = (
    (OPEN,),
    (LIBRARY,),
    (LOOK,),
    (QUIET,),
    (QUIET, TELL),
    (STOP,),
    (STOP, STOP_ALERTS),
    (STOP, TAKE_UP),
)
"""Clicks one after another, of which the last one is disturbed."""

TOGETHER: tuple[tuple[Click, ...], ...] = (
    (STOP, STOP_ALERTS),
    (STOP, STOP),
    (STOP, TAKE_UP),
    (STOP, BOUNCE),
    (STOP, TAKE_UP, STOP_ALERTS),
    (QUIET, FOR_GOOD),
    (QUIET, TELL),
)
"""Clicks of which the last two are at the same moment."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand: until when which subject is quiet, which lists the reader has stopped, and whether he counts as bounced."""

    quiet: frozenset[tuple[str, str]]
    stopped: frozenset[str]
    mark: str


@dataclass
class Clicked:
    """What came of it."""

    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(self, count: str, where: str, problems: Iterable[tuple[Kind, str]]) -> None:
        """One experiment, and what it showed."""
        self.counts[count] = self.counts.get(count, 0) + 1
        self.findings += [Finding(kind, where, what) for kind, what in problems]


class Shop(ABC):
    """A shop, what somebody does to it, and what is on record of that."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.objects: Objects = {}
        self._after: dict[tuple[Click, ...], tuple[Table, datetime]] = {}

    def begin(self, before: Sequence[Click]) -> None:
        """The stack as after these clicks. They happen once, if all that they leave are rows, which are put back from then on."""
        self.world.reset(self.objects, moment=MOMENT)
        done = tuple(before)
        if done in self._after:
            table, moment = self._after[done]
            self.world.put_table(table)
            self.world.clock.set(moment)
            return
        for click in before:
            self.click(click)
            self.world.clock.advance(AGAIN_AFTER)
        if self.world.objects() == self.objects and self.aside() is None:
            self._after[done] = self.world.table(), self.world.clock()

    def click(self, click: Click, interference: Any = None, started: Any = None, broken: str = "") -> Result:
        """Let it happen, in a container of its own."""
        function, event = self.event(click)
        return self.world.run(function, event, "request", interference=interference, started=started, broken=broken)

    def aside(self) -> object:
        """What else a click leaves when it is done, and nobody reads before."""
        return None

    @abstractmethod
    def event(self, click: Click) -> tuple[str, dict[str, Any]]:
        """The function that hears of it, and what it is told."""

    @abstractmethod
    def standing(self) -> Any:
        """How things stand, by the rows."""

    @abstractmethod
    def recorded(self, deed: str) -> int:
        """How often a deed is on record."""


class LinkedShop(Shop):
    """A shop whose mails hold links, its reader, and what is on record."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        world.settings = dict(SETTINGS)
        world.reset()
        for function, fields in (("report", {"formats": ["csv"]}), ("anomaly_check", {"scope": "GLOBAL"})):
            done = world.run(function, {**TICK, **fields}, "before")
            if done.answer is None:
                raise HarnessError(f"{function} fails without any fault: {done}")
        self.objects = world.objects()
        self.links: dict[str, str] = {}
        for mail in world.mails():
            if mail.recipient == READER:
                self._note_links(mail.message)

    def _note_links(self, message: Any) -> None:
        for line in message.get_body(("plain",)).get_content().splitlines():
            if found := _LINK.search(line):
                words = found[1].strip()
                self.links[_ALERTS if words == _MAILS and words in self.links else words] = urlsplit(found[2]).path

    def event(self, click: Click) -> tuple[str, dict[str, Any]]:
        """The function that hears of it, and what it is told."""
        if click.bounces:
            bounce = {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": READER}]}
            detail = {"eventType": "Bounce", "bounce": bounce, "mail": {"messageId": "m", "destination": [READER]}}
            return "mail_events", {"source": "aws.ses", "detail": detail}
        http = {"method": "POST" if click.form else "GET", "path": self.links[click.link], "sourceIp": "192.0.2.1"}
        return "links", {"rawPath": http["path"], "requestContext": {"http": http}, "body": click.form}

    def standing(self) -> Standing:
        """What the rows say."""
        rows = self.world.rows()
        address = [row for row in rows if row["pk"]["S"] == "address" and row["sk"]["S"] == READER]
        return Standing(
            frozenset(
                (row["subject"]["S"], row["until"]["S"])
                for row in rows
                if row["pk"]["S"] == "alert#mute" and row["until"]["S"] > "0001-01-01"
            ),
            frozenset(name["S"] for row in address for name in row.get("lists", {"L": []})["L"]),
            next((row["mark"]["S"] for row in address if row["mark"]["S"] != "stopped"), ""),
        )

    def recorded(self, deed: str) -> int:
        """How often a deed stands in the ledger."""
        return sum(row["pk"]["S"] == "link" and row["deed"]["S"] == deed for row in self.world.rows())


@dataclass(frozen=True, slots=True)
class _Known:
    """A click that nobody disturbs: how things stood before and after, what was answered, and which calls were made."""

    before: Any
    after: Any
    aside: object
    recorded: int
    answer: Mapping[str, Any]
    points: tuple[Point, ...]


def _undisturbed(shop: Shop, clicks: Sequence[Click], broken: str = "") -> _Known:
    *before, last = clicks
    shop.begin(before)
    stood, recorded = shop.standing(), shop.recorded(last.deed)
    done = shop.click(last, broken=broken)
    points = tuple(call.point for call in shop.world.gateway.calls)
    if done.answer is None or done.answer.get("statusCode", 200) not in (200, 303):
        raise HarnessError(f"{last.name} fails without any fault: {done.answer or done.failure}")
    return _Known(stood, shop.standing(), shop.aside(), recorded, done.answer, points)


def killed(shop: Shop, clicks: Sequence[Click], clicked: Clicked, *, only: Sequence[str] = ()) -> None:
    """Kill the last click before and after each of its calls; then the reader clicks again."""
    known, last = _undisturbed(shop, clicks), clicks[-1]
    for point in changing(_chosen(known.points, only)):
        for when in sides(point):
            shop.begin(clicks[:-1])
            kill = Kill(point, when)
            first = shop.click(last, kill, kill.container)
            if kill.victim is None or not first.killed:
                raise HarnessError(f"{last.name}: {point} did not come")
            problems = [*_half_done(shop, known, last), *_clicked_again(shop, known, last)]
            clicked.add("crash points swept", f"{last.name}: killed {when} {point}", problems)


def disturbed(
    shop: Shop,
    clicks: Sequence[Click],
    clicked: Clicked,
    *,
    faults: Iterable[Fault] | None = None,
    only: Sequence[str] = (),
) -> None:
    """Let each call of the last click meet each fault; the reader clicks again where he was told that it did not work."""
    known, last = _undisturbed(shop, clicks), clicks[-1]
    chosen = tuple(faults or ())
    numbered = enumerate(_chosen(known.points, only))
    for point, fault in ((point, fault) for number, point in numbered for fault in chosen or in_turn(number)):
        if not applies(fault, point):
            continue
        shop.begin(clicks[:-1])
        first = shop.click(last, Injection(shop.world, point, fault))
        problems = list(_half_done(shop, known, last))
        if first.answer is None:
            problems.append(("silent", f"no answer but {first.failure or 'the end of the process'}"))
        elif not _is_same(first.answer, known.answer):
            if first.answer["statusCode"] != 503:
                problems.append(
                    ("silent", f"the answer is {first.answer['statusCode']}: {first.answer['body'][-600:]}")
                )
            problems += _clicked_again(shop, known, last)
        else:
            problems += _done(shop, known, last)
        clicked.add("faults injected", f"{last.name}: {fault} at {point}", problems)


def together(
    shop: Shop, clicks: Sequence[Click], clicked: Clicked, *, broken: str = "", only: Sequence[str] = ()
) -> None:
    """Let one of the last two clicks stand still at each of its calls while the other is done, and then go on; each of the two in turn."""
    *before, one, other = clicks
    orders = [_undisturbed(shop, (*before, *order), broken).after for order in ((one, other), (other, one))]
    for late, quick in ((one, other), (other, one)) if one != other else ((one, other),):
        known = _undisturbed(shop, (*before, late), broken)
        for point in _chosen(known.points, only):
            for when in sides(point):
                shop.begin(before)
                results = _overtaken(shop, late, quick, Pause(point, when), broken)
                results = [
                    shop.click(click, broken=broken) if _is_told_to_repeat(result) else result
                    for click, result in zip((late, quick), results, strict=True)
                ]
                stands = shop.standing()
                problems: list[tuple[Kind, str]] = [("lost", f"things stand as {stands}, and in a row as {orders}")] * (
                    stands not in orders
                )
                problems += [
                    ("silent", f"{click.name} is on no record") for click in (one, other) if _unrecorded(shop, click)
                ]
                problems += [("silent", f"answered was {result}") for result in results if not _is_good(result)]
                clicked.add("times overtaken", f"{late.name}: overtaken by {quick.name} {when} {point}", problems)


def _overtaken(shop: Shop, late: Click, quick: Click, pause: Pause, broken: str) -> list[Result]:
    function, event = shop.event(late)
    slow = shop.world.start(function, broken=broken)
    with shop.world.gateway.interfering(pause):
        ends = slow.begin(event, "request-1", seconds=3_600)
        wait_until(lambda: pause.state == "held")
        function, event = shop.event(quick)
        second = shop.world.start(function, broken=broken)
        done = second.invoke(event, "request-2")
        second.close()
        pause.state = "over"
        first = slow.end(ends)
    slow.close()
    return [first, done]


def _half_done(shop: Shop, known: _Known, click: Click) -> Iterable[tuple[Kind, str]]:
    stands = shop.standing()
    if stands not in (known.before, known.after):
        yield "lost", f"things stand as {stands}: neither as before nor as after"
    if stands != known.before and shop.recorded(click.deed) == known.recorded:
        yield "silent", "something changed, and no record says why"


def _clicked_again(shop: Shop, known: _Known, click: Click) -> Iterable[tuple[Kind, str]]:
    shop.world.clock.set(max(shop.world.clock(), MOMENT))
    shop.world.clock.advance(AGAIN_AFTER)
    again = shop.click(click)
    if again.answer is None or not _is_same(again.answer, known.answer):
        yield "lost", f"the second click is answered {again.answer or again.failure}"
    yield from _done(shop, known, click)


def _done(shop: Shop, known: _Known, click: Click) -> Iterable[tuple[Kind, str]]:
    stands, times = shop.standing(), shop.recorded(click.deed) - known.recorded
    if stands != known.after:
        yield "lost", f"things stand as {stands} and not as {known.after}"
    if shop.aside() != known.aside:
        yield "lost", f"it left {shop.aside()} and not {known.aside}"
    if times < 1:
        yield "silent", "the ledger does not know of it"
    if times > 2:
        yield "doubled", f"the ledger has it {times} times"


def _unrecorded(shop: Shop, click: Click) -> bool:
    return not click.bounces and not shop.recorded(click.deed)


def _is_told_to_repeat(result: Result) -> bool:
    return result.answer is not None and result.answer.get("statusCode") == REFUSED


def _is_same(answer: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a reader sees the same, but for the signature of a fresh address."""
    return all(answer.get(name) == wanted.get(name) for name in ("statusCode", "body")) and _place(answer) == _place(
        wanted
    )


def _place(answer: Mapping[str, Any]) -> str:
    return urlsplit(answer.get("headers", {}).get("Location", "")).path


def _is_good(result: Result) -> bool:
    return result.answer is not None and result.answer.get("statusCode", 200) in (200, 303)


def _chosen(points: Iterable[Point], only: Sequence[str]) -> list[Point]:
    """All of them, or those whose name begins so."""
    return [point for point in points if not only or point.name.startswith(tuple(only))]


def click_all(*, quick: bool = False) -> Clicked:
    """Everything above. quick: the calls that change something, and of the faults a few."""
    clicked = Clicked()
    only = ("dynamodb PutItem", "dynamodb UpdateItem") if quick else ()
    faults = (Fault.CUT_AFTER, Fault.DENIED, Fault.THROTTLED) if quick else None
    with World.opened() as world:
        shop = LinkedShop(world)
        for each in (ALONE[3], ALONE[6]) if quick else ALONE:
            killed(shop, each, clicked, only=only)
            disturbed(shop, each, clicked, faults=faults, only=only)
        for each in TOGETHER[:1] if quick else TOGETHER:
            together(shop, each, clicked, only=only)
    return clicked
