"""`schedules`: when what runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.cli.commands import Group
from ops.cli.desk import Desk
from ops.cli.output import Table
from ops.complaints import Misused

app = Group("When what runs.", examples=["schedules next"])

STAND_INS = {
    "SalesFlowApiUrl": "http://127.0.0.1:9/api/v1",
    "MailSender": "reports@example.com",
    "OwnerRecipients": "owner@example.com",
}
"""The parameters that have no default: they change no due time."""


@app.command("next", examples=["schedules next --count 20", "schedules next --parameter SalesPdfHour=8 --json"])
def schedules_next(
    desk: Desk,
    *,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many due times to show.")] = 10,
    parameter: Annotated[
        list[str] | None, typer.Option(help="A template Parameter as Name=Value; repeat for more.")
    ] = None,
    template: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="The SAM template.")] = None,
) -> None:
    """When the template's schedules are due next, in their zone and in UTC."""
    from zoneinfo import ZoneInfo

    from ops.local_cloud import LocalCloud, Scheduler
    from ops.shop import TEMPLATE
    from salesflow import clock

    given = dict(STAND_INS)
    for item in parameter or ():
        name, equals, value = item.partition("=")
        if not equals:
            raise Misused(f"{item} is not Name=Value.", action="Write it as TimeZone=Europe/Paris.")
        given[name] = value
    with LocalCloud.start() as cloud:
        cloud.deploy(template or TEMPLATE, given)
        due = Scheduler(cloud).next_due(clock.now(), count=count)
    data = [{"schedule": s.name, "due": moment, "zone": s.zone, "expression": s.expression} for moment, s in due]
    rows = [
        (s.name, f"{moment.astimezone(ZoneInfo(s.zone)):%a %Y-%m-%d %H:%M}", s.zone, f"{moment:%Y-%m-%d %H:%M}")
        for moment, s in due
    ]
    desk.out.show(data, Table(f"The next {len(due)} due times", ("schedule", "local time", "zone", "UTC"), rows))
