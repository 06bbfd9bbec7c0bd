"""`costs`: what a month costs."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.desk import Desk
from ops.groups import Group
from ops.terminal import Facts, Table


def costs(
    desk: Desk,
    *,
    days: Annotated[int, typer.Option(min=1, max=30, help="How many days of the log to measure.")] = 3,
) -> None:
    """What the stack costs in a month of 30 days, at today's schedules and list prices.

    The last column is what is left after the units that AWS gives every account for nothing each month; other things in the
    account use them too.
    """
    from ops.costs import by_service, month, read_prices
    from salesflow import clock

    prices = read_prices()
    with desk.out.progress("Reading schedules and logs"):
        lines = month(desk.stack, clock.now(), measured_days=days, prices=prices)
    rows = [
        (c.service, c.what, f"{_number(c.amount)} {c.unit}", f"{c.usd:.4f}", f"{c.beyond_free:.4f}", c.basis)
        for c in lines
    ]
    sums = by_service(lines)
    total = sum(line.usd for line in lines)
    beyond = sum(line.beyond_free for line in lines)
    facts = [(service, f"{usd:.2f} USD ({left:.2f} beyond the free units)") for service, (usd, left) in sums.items()]
    facts += [
        ("A month", f"{total:.2f} USD ({beyond:.2f} beyond the free units)"),
        ("Prices", f"list prices of {prices.region} as of {prices.as_of}: ops/prices.toml"),
    ]
    data = {
        "lines": lines,
        "usd": round(total, 4),
        "usd_beyond_free": round(beyond, 4),
        "prices_as_of": prices.as_of,
        "prices_region": prices.region,
    }
    columns = ("service", "what", "amount", "USD", "beyond free", "where it comes from")
    desk.out.show(data, Table("A month of 30 days", columns, rows), Facts("By service", facts))
    if desk.stack.region != prices.region:
        desk.out.note(f"The prices are of {prices.region}; the stack is in {desk.stack.region}.")


def register(app: Group) -> None:
    """Put the command into the command line."""
    app.command("costs", rich_help_panel="Look", examples=["costs", "costs --days 7 --json"])(costs)


def _number(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 or amount == int(amount) else f"{amount:.3g}"
