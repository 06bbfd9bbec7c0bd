"""The operator's desk: what a command is given - the stack that was asked for, and where its words go."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Self

import typer

from ops.complaints import Misused, NotFound
from ops.target import Stack, Target
from ops.terminal import Output
from salesflow import clock

if TYPE_CHECKING:
    from salesflow.shops.registry import Member

LAST_ZONE = timedelta(hours=12)
"""A day that is over this long after it is over in UTC is over everywhere."""


class Desk:
    """One command's desk. The stack is looked for when it is first asked for."""

    def __init__(self, target: Target, out: Output) -> None:
        self.target = target
        self.out = out

    @classmethod
    def of(cls, context: typer.Context) -> Self:
        """The desk that was laid for this command line, with what was said before the command's name."""
        found = context.find_root().obj
        return found if isinstance(found, cls) else cls(Target(), Output())

    @cached_property
    def stack(self) -> Stack:
        """The stack. Raises Misused (no region), Unreachable (no local cloud); whether it is there shows when it is used."""
        return self.target.resolve()

    def of_shop(self, shop: str) -> Desk:
        """The same desk before another shop of the stack. Raises Misused for what no shop may be called."""
        other = type(self)(replace(self.target, shop=shop), self.out)
        other.stack = self.stack.of_shop(shop)
        return other

    def other_shops(self) -> Iterator[Desk]:
        """A desk before each shop of the stack but its own; one that is being removed is left out, one of which the row cannot be read is

        named. Raises Misused with --shop.
        """
        from salesflow.shop_id import MAIN_SHOP
        from salesflow.shops.registry import ShopState

        self.ensure_no_single_shop()
        for member in self.members():
            if member.id != MAIN_SHOP and member.state in (ShopState.ACTIVE, ShopState.PAUSED):
                yield self.of_shop(member.id)

    def ensure_no_single_shop(self) -> None:
        """Raise Misused where all shops are meant and --shop names one."""
        if self.target.shop is not None:
            raise Misused("One shop, or all of them?", action="Say --shop or --all-shops.")

    def members(self) -> list[Member]:
        """Every shop of the stack; those of which the row cannot be read are named on the way."""
        found = self.stack.registry.all()
        for member in found:
            if member.problem:
                self.out.note(f"{member.id} is left out: {member.problem}", style="red")
        return found

    @property
    def today(self) -> date:
        """The date in the shop's zone."""
        from salesflow import clock

        return clock.now().astimezone(self.stack.zone).date()

    def day(self, said: str | None) -> date | None:
        """The date that was said: ISO, or `today`, `yesterday` in the shop's zone. Raises Misused."""
        if said is None:
            return None
        match said.strip().lower():
            case "today":
                return self.today
            case "yesterday":
                return self.today - timedelta(days=1)
            case text:
                return iso_day(text)

    def span(self, first: str | None, last: str | None) -> tuple[date | None, date | None]:
        """The dates of --from and --to, in order. Raises Misused."""
        since, until = self.day(first), self.day(last)
        if since is not None and until is not None and since > until:
            raise Misused(f"--to {until} is before --from {since}.", action="Turn them round.")
        return since, until

    def dates(self, first: str, last: str, *, most: int, everywhere: bool = False) -> list[date]:
        """The dates of --from and --to, both included. Raises Misused for a period that is turned round, too long, or not over.

        everywhere: it has to be over in every zone, and not only in the shop's.
        """
        since, until = self.span(first, last)
        assert since is not None and until is not None  # noqa: S101, PT018 - both were said
        today = (clock.now().astimezone(UTC) - LAST_ZONE).date() if everywhere else self.today
        if until >= today:
            of_whom = "in every zone yet: in the last one" if everywhere else "yet:"
            raise Misused(
                f"{until} is not over {of_whom} today is {today}.", action=f"Say --to {today - timedelta(days=1)}."
            )
        days = (until - since).days + 1
        if days > most:
            raise Misused(
                f"{days} days are more than --max-days {most}.", action=f"Say --max-days {days} if you mean it."
            )
        return [since + timedelta(days=n) for n in range(days)]


def iso_day(text: str) -> date:
    """An ISO date. Raises Misused."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misused(f"{text!r} is no date.", action="Write it as 2026-11-22, today or yesterday.") from None


def refuse_unknown(what: str, said: str, known: Collection[str]) -> None:
    """Refuse a name that there is not, with those that come near it. Raises NotFound."""
    if said in known:
        return
    near = difflib.get_close_matches(said, known, n=3, cutoff=0.5)
    raise NotFound(
        f"There is no {what} {said}.", action=f"Near it: {', '.join(near)}." if near else f"There are {len(known)}."
    )
