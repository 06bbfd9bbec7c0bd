"""What the operator of a stack hears of its other shops: one mail with counts and the worst, never one a shop. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from salesflow.watch.expected import FleetTold, Late
from salesflow.watch.logbook import Notice
from salesflow.watch.look import REMIND_AFTER
from salesflow.watch.notices import reference_of, when

SHOWN: Final = 20
"""How many shops a mail names, those that have been late for longest."""
WORSE: Final = 2
"""Times as many shops late as were told of is news before a day is over."""


def fleet_notice(
    told: FleetTold | None, late: Sequence[Late], shops: int, *, stack: str, zone: ZoneInfo, now: datetime
) -> tuple[FleetTold | None, Notice | None]:
    """What the operator has been told after this look, and the notice, if there is news: when the first shop is late, when twice as many
    are, once a day while it goes on, and when it is over.

    late: the longest late first; shops: how many the stack has beside its own.
    """
    by_shop: dict[str, list[Late]] = {}
    for one in late:
        by_shop.setdefault(one.shop, []).append(one)
    count = len(by_shop)
    if not count:
        return None, None if told is None else _over(told, shops, stack, zone, now)
    if told is not None and count < told.shops * WORSE and now - told.at < REMIND_AFTER:
        return told, None
    worst = list(by_shop.items())[:SHOWN]
    entries = [
        (f"{shop}: late since {when(its[0].since, zone)}", ", ".join(one.schedule for one in its))
        for shop, its in worst
    ]
    if count > SHOWN:
        entries.append(
            ("And more", f"{count - SHOWN} shops more: salesflow-ops runs list --all-shops --stack {stack}.")
        )
    hours = [sum(now - its[0].since >= timedelta(hours=n) for its in by_shop.values()) for n in (6, 24)]
    what = f"{count} of {shops} shops late"
    notice = Notice(
        reference=reference_of("fleet", now),
        bad=True,
        findings=(what,),
        headline=f"{stack}: {what}, {hours[0]} of them for more than 6 hours, {hours[1]} for more than a day.",
        paragraphs=tuple(entries),
        footer="Each shop's owner was told of it on his own. While it goes on you are reminded once a day, and when it becomes twice as many.",
    )
    return FleetTold(count, now), notice


def _over(told: FleetTold, shops: int, stack: str, zone: ZoneInfo, now: datetime) -> Notice:
    return Notice(
        reference=reference_of("fleet", now),
        bad=False,
        findings=("No shop is late any more",),
        headline=f"{stack}: all {shops} shops did their work.",
        paragraphs=(("It is over", f"{told.shops} were late on {when(told.at, zone)}, when you were last told."),),
        footer="There is nothing left to do.",
    )
