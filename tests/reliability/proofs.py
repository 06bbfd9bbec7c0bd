"""The experiments against themselves: with what mends a kind of fault taken out of the system, they have to show that very fault."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial

from local.api import Sale
from tests.reliability.alert_year import watch_alerts
from tests.reliability.broken import break_on_purpose
from tests.reliability.clicks import TOGETHER, Clicked, LinkedShop, together
from tests.reliability.corrections import Corrected, interrupted, overtaken_by_correction
from tests.reliability.faults import Fault
from tests.reliability.field import DEEP_READ, NOTHING, live
from tests.reliability.findings import Finding
from tests.reliability.fuzz import KINDS
from tests.reliability.oracle import older_than_the_newest, takings_in
from tests.reliability.scenarios import BY_FIGURES, Stage, scenarios
from tests.reliability.side_by_side import WAYS, two_shops
from tests.reliability.walks import walk
from tests.reliability.world import BUSINESS_DATE, READERS, World
from tests.stand_ins.gateway import Point

_LATEST = Point("s3 PUT reports/latest/sales-daily.json", 1)
_FILE = Point(f"s3 PUT reports/sales/daily/{BUSINESS_DATE}/sales-daily-{BUSINESS_DATE}.json", 1)


def _broken_here(work: Callable[[], object], sabotage: str) -> str:
    """What comes of it. The fault is built into this process, which is the experiment's own."""
    break_on_purpose(sabotage)
    try:
        work()
    except Exception as error:  # noqa: BLE001 - what goes wrong is what is looked for
        return f"{type(error).__name__}: {error}"
    return ""


_on_walks = partial(_broken_here, partial(walk, 60, 30))


def _fuzzing(kind: str, sabotage: str) -> str:
    """What hostile input shows."""
    break_on_purpose(sabotage)
    return "; ".join(map(str, KINDS[kind](600, 1).findings))


def _with_alerts(sabotage: str) -> str:
    """What comes of a shop that is closed for three days."""
    return "; ".join(map(str, watch_alerts(16, 20, broken=sabotage).findings))


def _with_an_older_date_afterwards(sabotage: str) -> str:
    """What comes of a date that is made by hand when a later one is done."""
    (scenario,) = (each for each in scenarios() if each.name == BY_FIGURES)
    with World.opened() as world:
        stage = Stage(world, scenario)
        stage.run(broken=sabotage)
        if older_than_the_newest(world.end_state().objects):
            return ""
        by_hand = {"business_date": (BUSINESS_DATE - timedelta(days=3)).isoformat(), "formats": ["json"]}
        world.run(scenario.function, by_hand, "by hand", broken=sabotage)
        return "; ".join(older_than_the_newest(world.end_state().objects))


def _with_a_night(sabotage: str) -> str:
    """What the report says of a bar's day, without and with a sale after midnight."""
    (scenario,) = (each for each in scenarios() if each.name == BY_FIGURES)
    at_night = Sale(1, datetime.combine(BUSINESS_DATE, time(1, 30)) + timedelta(days=1), 12.5, ())
    with World.opened(sold_days=45) as world:
        world.settings["DAY_ENDS_AT"] = "03:00"
        said = []
        for sales in ((), (at_night,)):
            for sale in sales:
                world.api.store.put_sale(sale)
            world.reset()
            world.run(scenario.function, scenario.event, "night", broken=sabotage)
            (report,) = (body for key, body in world.end_state().objects.items() if key == _FILE.name.split()[-1])
            said.append(takings_in(report).revenue)
    return f"the night's sale is not in it: {said}" if said[0] and said[0] == said[1] else ""


def _with_corrections(disturb: Callable[..., Corrected], point: Point, sabotage: str) -> str:
    """What comes of a run that is disturbed at a point while its sales are corrected; nothing where it fails undisturbed."""
    (scenario,) = (each for each in scenarios() if each.name == BY_FIGURES)
    with World.opened() as world:
        stage = Stage(world, scenario)
        undisturbed = stage.run(broken=sabotage)
        if undisturbed.answer is None or undisturbed.answer["status"] != "SUCCEEDED":
            return ""
        return "; ".join(map(str, disturb(stage, [point], broken=sabotage).findings))


def _beside_another_shop(sabotage: str) -> str:
    """What comes of a run that fails in a container which then works for another shop."""
    with two_shops() as two:
        points = [point for point in two.expected.points if point.name.startswith("api GET")][:1]
        return "; ".join(
            map(str, two.disturbed(points, ways={Fault.DENIED: WAYS[Fault.DENIED]}, broken=sabotage).findings)
        )


def _clicked_together(sabotage: str) -> str:
    """What comes of a reader who stops reports and alerts at the same moment."""
    clicked = Clicked()
    with World.opened() as world:
        together(LinkedShop(world), TOGETHER[0], clicked, broken=sabotage)
    return "; ".join(map(str, clicked.findings))


@dataclass(frozen=True)
class Proof:
    """A fault to build in, what then happens (to the shop, one a day, or in an experiment), and words of what must be found."""

    sabotage: str
    events: Sequence[str] | Callable[[str], str]
    finding: str


PROOFS = (
    Proof("no record per recipient", _on_walks, "was mailed twice"),
    Proof("choices over each other", _clicked_together, "and in a row as"),
    Proof(
        "a retry is told of a duplicate",
        partial(_with_corrections, interrupted, _LATEST),
        "the ledger says ['RUNNING']",
    ),
    Proof(
        "no fencing", partial(_with_corrections, overtaken_by_correction, _FILE), "is not what any reader was mailed"
    ),
    Proof("the first shop stays", _beside_another_shop, f"{READERS[0]} was not mailed"),
    Proof("who told few told all", _on_walks, "the date counts as done, and told were"),
    Proof("a later release's fields are taken", _on_walks, "of_a_later_release"),
    Proof("the last is the newest", _with_an_older_date_afterwards, "reports/latest/sales-daily.json is not"),
    Proof("a night is the next day's", _with_a_night, "the night's sale is not in it"),
    Proof("no weekday is known", _with_alerts, "told was"),
    Proof("names are formulas", partial(_fuzzing, "API bodies"), "AssertionError"),
    Proof("a session shows its token", partial(_fuzzing, "secrets"), "the secret is in an error or a repr"),
    Proof(
        "under other settings is as good",
        [NOTHING, "currencies changed and changed back", NOTHING],
        "are stored with other amounts",
    ),
    Proof("amounts are rounded", ["amounts with a third digit"], "the report says"),
    Proof("the index is believed", [NOTHING, "months deleted from the bucket"], "are not stored"),
    Proof("the future is believed", ["sales of the future"], "not told of"),
    Proof("there is never more", ["answers that say there is more"], "the report says"),
    Proof("a failure is an answer", ["answers that failed with status 200"], "the report says"),
    Proof("of one id the last stands", ["sales that share an id"], "the report says"),
    Proof("nothing is read deeper", [*["sales that came late"] * 4, *[NOTHING] * DEEP_READ], "are not stored"),
)


def prove(proof: Proof) -> list[Finding]:
    """What is wrong with the experiment: with the fault built in the undisturbed shop must be well, and the disturbed one not."""
    where = f"proof: {proof.sabotage}"
    if callable(proof.events):
        shown = proof.events(proof.sabotage)
        return (
            [] if proof.finding in shown else [Finding("silent", where, f"it was not found; found was {shown[:300]}")]
        )
    well = live([NOTHING, NOTHING], random.Random(2), broken=proof.sabotage)
    if well.findings:
        return [Finding("silent", where, f"undisturbed, it does not work: {well.findings[0]}")]
    found = [str(finding) for finding in live(proof.events, random.Random(2), broken=proof.sabotage).findings]
    if any(proof.finding in finding for finding in found):
        return []
    return [Finding("silent", where, f"{proof.events} was not found; found was {found}")]
