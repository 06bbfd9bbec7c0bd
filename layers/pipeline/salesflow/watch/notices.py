"""What the owner is told of a look, in words: one notice of all trouble, one of all recoveries. Pure."""

import hashlib
from base64 import b32encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from salesflow.delivery.addresses import Mark, MarkedAddress
from salesflow.shop_id import MAIN_SHOP, partition_prefix
from salesflow.watch.logbook import Notice
from salesflow.watch.look import InTrouble, Look, Recovered, Skipped
from salesflow.watch.ticks import Trouble, Verdict

SHOWN_FIRINGS = 3
SHOWN_ENTRIES = 40
_LONGEST_REASON = 400

_WHAT_TO_DO = {
    Trouble.MISSING: "Look into the queue of undelivered schedules: `salesflow-ops redrive --stack {stack} --dry-run` shows "
    "it, and fires what is in it without --dry-run.",
    Trouble.LATE: "Nothing, if the next notice says that it is done.",
    Trouble.FAILED: "When the cause is gone, `salesflow-ops redrive --stack {stack}` fires the failed runs again, for the "
    "dates that they were for.",
    Trouble.PARTIAL: "When the cause is gone, fire it again with the same business_date: whoever was told is not told again.",
    Trouble.UNREADABLE: "Nothing was changed by it; the other schedules are watched as ever.",
    Trouble.STALE: "Check that the tills still send their sales. Then fire it again with the same business_date and "
    '"force": true.',
}


def notices_of(
    look: Look,
    marked: Sequence[MarkedAddress],
    unusable: Mapping[str, str],
    *,
    lost: str = "",
    not_fired: Mapping[str, str],
    stack: str,
    shop: str = MAIN_SHOP,
    zone: ZoneInfo,
    now: datetime,
) -> tuple[Notice, ...]:
    """The notices that a look gives rise to: none, one of trouble, one of recovery, or both.

    marked, unusable: the addresses that the owner does not know to be left out yet; of the parameters' that can be mailed by nobody, why.
    lost: what is wrong with the watchdog's own logbook; empty where it could be read. not_fired: the schedules that clocks went over
    and that could not be fired late, and why.
    """
    notices = []
    entries = [
        *([_lost(lost)] if lost else []),
        *([_unseen(*look.unseen, zone)] if look.unseen else []),
        *(_skipped(one, not_fired.get(one.schedule.name), stack) for one in look.skipped),
        *(_trouble(trouble, stack, zone) for trouble in look.troubles),
        *((f"{schedule}: cannot be watched", why) for schedule, why in look.unwatchable.items()),
        *(_marked(address) for address in marked),
        *(_unusable(address, why) for address, why in unusable.items()),
    ]
    if entries:
        notices.append(_trouble_notice(look, entries, stack, shop, now))
    if look.recoveries:
        notices.append(_recovery_notice(look.recoveries, stack, shop, zone, now))
    if shop == MAIN_SHOP:
        return tuple(notices)
    return tuple(replace(one, headline=f"{stack}, {shop}{one.headline.removeprefix(stack)}") for one in notices)


def _trouble_notice(look: Look, entries: list[tuple[str, str]], stack: str, shop: str, now: datetime) -> Notice:
    names = [_short(trouble.schedule, stack) for trouble in look.troubles]
    count = len(entries)
    findings: tuple[str, ...]
    if count == 1 and names:
        kind = str(look.troubles[0].judged[-1].trouble)
        findings = (f"{names[0]}: {kind}", f"Schedule {kind}")
    elif count == 1:
        findings = (entries[0][0], "One thing needs you")
    else:
        findings = (f"{count} things need you",)
    headline = f"{stack}: one thing needs you." if count == 1 else f"{stack}: {count} things need you."
    return Notice(
        reference=reference_of("trouble", now, shop),
        bad=True,
        findings=findings,
        headline=headline,
        paragraphs=_shown(entries),
        footer="The readers of the reports were not told of this. While it goes on you are reminded once a day, and you get "
        "one mail when it is over.",
    )


def _recovery_notice(recoveries: Sequence[Recovered], stack: str, shop: str, zone: ZoneInfo, now: datetime) -> Notice:
    entries = []
    for recovered in recoveries:
        name = _short(recovered.schedule, stack)
        text = f"The firing due {when(recovered.done, zone)} did its work. It had been in trouble since {when(recovered.since, zone)}."
        if recovered.lacking:
            dates = ", ".join(dict.fromkeys(tick.business_date.isoformat() for tick in recovered.lacking))
            text += f" Still lacking: {dates}; fire it by hand with that business_date if you want it."
        entries.append((f"{name} works again", text))
    lacks = any(recovered.lacking for recovered in recoveries)
    name = _short(recoveries[0].schedule, stack)
    several = f"{len(recoveries)} schedules work again"
    return Notice(
        reference=reference_of("recovery", now, shop),
        bad=False,
        findings=(f"{name} works again", "A schedule works again") if len(recoveries) == 1 else (several,),
        headline=f"{stack}: {name} works again." if len(recoveries) == 1 else f"{stack}: {several}.",
        paragraphs=_shown(entries),
        footer="What is still lacking is made only if you fire it." if lacks else "There is nothing left to do.",
    )


def _trouble(trouble: InTrouble, stack: str, zone: ZoneInfo) -> tuple[str, str]:
    newest = trouble.judged[-1]
    kind = newest.trouble or Trouble.MISSING
    dates = ", ".join(dict.fromkeys(one.tick.business_date.isoformat() for one in trouble.judged[-SHOWN_FIRINGS:]))
    earlier = len(trouble.judged) - SHOWN_FIRINGS
    title = f"{_short(trouble.schedule, stack)}: {kind}, business date {dates}"
    if earlier > 0:
        title += f" and {earlier} firings before"
    texts = [_one(newest, zone)]
    if trouble.since is not None:
        texts.append(f"In trouble since {when(trouble.since, zone)}.")
    if newest.tick.doubt:
        texts.append(newest.tick.doubt)
    if trouble.over:
        texts.append("It is over: there is nothing to do." if newest.done else "A later firing did its work.")
    else:
        texts.append(_WHAT_TO_DO[kind].format(stack=stack))
    return title, " ".join(texts)


def _one(judged: Verdict, zone: ZoneInfo) -> str:
    reason = judged.reason
    cut = reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1] + "…"
    return f"Due {when(judged.tick.due, zone)}. {cut}"


def _skipped(skipped: Skipped, problem: str | None, stack: str) -> tuple[str, str]:
    date = skipped.tick.business_date.isoformat()
    what = (
        f"It was fired late instead, for business date {date}."
        if problem is None
        else f"It could not be fired late ({problem}): fire it by hand, with business_date {date}."
    )
    return (
        f"{_short(skipped.schedule.name, stack)}: there was no {skipped.wall:%H:%M}",
        f"On {skipped.wall:%a %d %b %Y} clocks went forward over {skipped.wall:%H:%M} ({skipped.schedule.zone}), and EventBridge fires nothing at a "
        f"time that does not exist. {what} An hour from 04:00 to 21:59 exists every day, in every zone.",
    )


def _marked(address: MarkedAddress) -> tuple[str, str]:
    reason = address.sentence
    if address.is_own_choice:
        return (
            f"{address.address} wants fewer mails",
            f"{reason[0].upper()}{reason[1:]}. The reader can take them up again by any link in an earlier mail; nothing needs doing.",
        )
    if address.mark is Mark.REVOKED:
        return (
            f"{address.address} gets no more messages",
            f"{reason[0].upper()}{reason[1:]}: {address.cure}.",
        )
    return (
        f"{address.address} gets no more mail",
        f"{reason[0].upper()}{reason[1:]}. Correct the recipients (salesflow-ops recipients); if the address is right, "
        "delete its row (pk address) from the state table, and the address from SES's suppression list.",
    )


def _lost(problem: str) -> tuple[str, str]:
    return (
        "The watchdog begins anew",
        f"{problem} What it knew of trouble, and notices that were on their way, are gone; it looks back as on its first day.",
    )


def _unusable(address: str, why: str) -> tuple[str, str]:
    return (
        f"{address} cannot be mailed",
        f"{why}. It is left out of every mail; correct the recipients: salesflow-ops recipients.",
    )


def _unseen(first: datetime, last: datetime, zone: ZoneInfo) -> tuple[str, str]:
    return (
        "The watchdog itself did not run",
        f"What was due between {when(first, zone)} and {when(last, zone)} was not checked: that is longer ago than it "
        "looks back. The ledger shows what ran.",
    )


def _shown(entries: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    if len(entries) <= SHOWN_ENTRIES:
        return tuple(entries)
    rest = len(entries) - SHOWN_ENTRIES
    return (*entries[:SHOWN_ENTRIES], ("And more", f"{rest} more are not shown here; the function's log has them all."))


def _short(schedule: str, stack: str) -> str:
    """A schedule's id: its name without the stack's, or without the shop's."""
    if schedule.startswith(f"{stack}-"):
        return schedule.removeprefix(f"{stack}-")
    return schedule.partition("--")[2] or schedule


def when(moment: datetime, zone: ZoneInfo) -> str:
    """A moment by the zone's clock, in words."""
    return f"{moment.astimezone(zone):%a %d %b %Y %H:%M} ({zone.key})"


def reference_of(kind: str, now: datetime, shop: str = MAIN_SHOP) -> str:
    """The short reference of a notice of a shop."""
    digest = hashlib.sha256(f"{partition_prefix(shop)}watchdog|{kind}|{now.isoformat()}".encode()).digest()
    return "SF-" + b32encode(digest)[:8].decode()
