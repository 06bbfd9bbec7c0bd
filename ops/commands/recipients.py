"""`recipients`: who gets what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ops.complaints import ExitCode, Misused, NotFound
from ops.desk import Desk
from ops.groups import Group
from ops.options import YesOption
from ops.terminal import Facts, Table

if TYPE_CHECKING:
    from salesflow.settings import Stored

app = Group(
    "Who gets the reports, the alerts, and the news of failures.",
    examples=[
        "recipients list",
        "recipients add chef@shop.example.com",
        "recipients add stock@shop.example.com --report scheduled-stock-excel",
        "recipients remove chef@shop.example.com --alerts",
        "recipients test slack:shop",
    ],
)

Addresses = Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="One or more.")]


@dataclass(frozen=True, slots=True)
class Of:
    """The options that say of what somebody is a reader; none of them: of all reports."""

    report: Annotated[
        str | None,
        typer.Option("--report", metavar="SCHEDULE", help="Of what one schedule makes: a report or a check."),
    ] = None
    alerts: Annotated[bool, typer.Option("--alerts", help="Of the alerts.")] = False
    owners: Annotated[bool, typer.Option("--owners", help="Of the news that something failed.")] = False


@app.command("list", examples=["recipients list", "recipients list --json"])
def list_recipients(desk: Desk) -> None:
    """Everybody, by what they get."""
    settings = desk.stack.settings
    lists = {
        "reports": settings.report_recipients,
        "alerts": settings.alert_recipients,
        "owners": settings.owner_recipients,
        **dict(sorted(settings.schedule_recipients.items())),
    }
    rows = [(name, one) for name, addresses in lists.items() for one in addresses or ("nobody",)]
    desk.out.show({name: list(addresses) for name, addresses in lists.items()}, Table("", ("of", "who"), rows))


def _register(name: str, says: str, *, adds: bool, other: str) -> None:
    examples = [f"recipients {name} chef@shop.example.com", f"recipients {name} {other} --report scheduled-stock-excel"]

    @app.command(name, help=says, examples=examples)
    def change(desk: Desk, addresses: Addresses, *, of: Of) -> None:
        _change(desk, addresses, of, adds=adds)


_register(
    "add",
    "Mail somebody too, from the next run on; a WhatsApp number that was left out is tried again.",
    adds=True,
    other="stock@shop.example.com",
)
_register("remove", "Mail somebody no more, from the next run on.", adds=False, other="manager@shop.example.com")


@app.command("test", examples=["recipients test slack:shop", "recipients test chef@shop.example.com --yes"])
def send_test(desk: Desk, readers: Addresses, *, yes: YesOption = False) -> None:
    """Send each of them a short test message, by the way that reports go; nothing of the shop but its name stands in it."""
    from ops.trial import Trial
    from salesflow.readers import reader

    try:
        said = [reader(one) for one in readers]
    except ValueError as problem:
        raise Misused(f"{problem}.", action="Name who is told: an address, slack:NAME, whatsapp:+243...") from None
    if not desk.out.confirm(f"Send a test message to {', '.join(said)}?", yes=yes):
        raise typer.Exit(1)
    trial = Trial(desk.stack)
    rows = [(one, *trial.send(one)) for one in said]
    data = [{"recipient": one, "accepted": taken, "says": says} for one, taken, says in rows]
    shown = [(one, "accepted" if taken else "not accepted", says) for one, taken, says in rows]
    desk.out.show(data, Table("", ("who", "", "what was said"), shown, prose={"what was said"}))
    if not all(taken for _, taken, _ in rows):
        raise typer.Exit(ExitCode.FAILED)


def _change(desk: Desk, addresses: Sequence[str], of: Of, *, adds: bool) -> None:
    from ops.commands.settings import EFFECT
    from ops.shop_settings import readers_of, wanted, write, written_readers
    from salesflow.delivery.addresses import MarkedAddresses
    from salesflow.mail_address import mailbox
    from salesflow.readers import WHATSAPP, kind_of

    schedule = of.report
    if (schedule is not None) + of.alerts + of.owners > 1:
        raise Misused(
            "Of one thing at a time.",
            action="Say --report SCHEDULE, --alerts or --owners; without, it is of all reports.",
        )
    stack = desk.stack
    name = "alert_recipients" if of.alerts else "owner_recipients" if of.owners else "report_recipients"
    what, present = name.partition("_")[0] + "s", list(getattr(stack.settings, name))
    if schedule is not None:
        schedule, present = readers_of(stack, schedule)
        what = schedule
    said = list(wanted("report_recipients", list(addresses)))
    known = {mailbox(one) for one in present}
    if adds:
        new = present + [one for one in said if mailbox(one) not in known]
    else:
        if strangers := [one for one in said if mailbox(one) not in known]:
            raise NotFound(
                f"{', '.join(strangers)} is not among them.", action=f"They are {', '.join(present) or 'nobody'}."
            )
        gone = {mailbox(one) for one in said}
        new = [one for one in present if mailbox(one) not in gone]
    change: Stored = wanted(name, new) if schedule is None else written_readers(stack, schedule, new)
    _, after = write(stack, {name if schedule is None else "schedule_recipients": change})
    for number in (one for one in said if adds and kind_of(one) == WHATSAPP):
        MarkedAddresses(stack.rows).clear(number)
    data = {"of": what, "recipients": new, "version": after.number}
    desk.out.show(data, Facts("", [("of", what), ("now", ", ".join(new) or "nobody"), ("effect", EFFECT)]))
    if schedule is not None:
        desk.out.note(
            f"{schedule} has readers of its own: who is added for all reports later does not get it by itself."
        )
