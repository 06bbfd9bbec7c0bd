"""`services`: what counts as a service and not as a product, and why."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.simulate import past_of
from ops.desk import Desk
from ops.groups import Group
from ops.terminal import Table
from salesflow.analytics.services import SPREAD, Service, services_of
from salesflow.figures import Figures

app = Group("What counts as a service and not as a product, and why.")

DAYS = 182
"""Half a year, as the checks look at."""


@app.command("services", examples=["services", "services --data sales.csv"])
def services(
    desk: Desk,
    *,
    data: Annotated[
        Path | None,
        typer.Option("--data", exists=True, dir_okay=False, help="A file of sales, as `demo --data` takes it."),
    ] = None,
) -> None:
    """List what is judged to be a service and no product, by the sales of the last half year, and why.

    A service has no price of its own, or is not in the product list. It counts in every total; it is not among the best sellers, and no
    alert is about it.
    """
    with desk.out.progress("Reading the sales"):
        past = past_of(desk, data, {}, sample=False, seed=0)
        since = past.last - timedelta(days=DAYS - 1)
        products = past.read(since).products
        found = services_of(products[products["date"].dt.date >= since], past.listed())
    figures = Figures(past.settings.currency)
    rows = [(one.sku, one.name, figures.money(one.revenue), _why(one, figures)) for one in found]
    desk.out.show(
        {"since": since, "until": past.last, "services": [asdict(one) | {"why": _why(one, figures)} for one in found]},
        Table("Services", ("sku", "name", "sold for", "why"), rows, empty="None: all that sold are products."),
    )


def _why(one: Service, figures: Figures) -> str:
    reasons = []
    if one.low is not None and one.high is not None:
        low, high = (figures.money(round(price)) for price in (one.low, one.high))
        reasons.append(f"No price of its own: {low} to {high} a piece, more than {SPREAD:g} times apart.")
    if not one.listed:
        reasons.append("Not in the product list.")
    return " ".join(reasons)
