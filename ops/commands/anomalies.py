"""`anomalies`: what the checks found, and whom to keep quiet about."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import typer

from ops.complaints import Misused
from ops.desk import Desk
from ops.groups import Group
from ops.terminal import Facts, Table, status

app = Group(
    "What the anomaly checks found, and whom to keep quiet about.",
    examples=["anomalies list", "anomalies show 2026-11-22", "anomalies mute --sku RIZ-005 --until 2026-12-31"],
)

Sku = Annotated[str | None, typer.Option(help="One product, by its SKU.")]
WholeShop = Annotated[bool, typer.Option("--shop", help="The whole shop.")]
PeriodOption = Annotated[Literal["daily", "weekly", "monthly"], typer.Option(help="Which checks.")]


@app.command("list", examples=["anomalies list", "anomalies list --json"])
def list_anomalies(desk: Desk, *, period: PeriodOption = "daily") -> None:
    """The anomalies that are open after the newest checks, and who is muted."""
    from ops.anomalies import book_of, called, open_alerts
    from salesflow import clock
    from salesflow.windows import Period

    today = clock.now().astimezone(desk.stack.zone).date()
    alerts = open_alerts(desk.stack, Period(period), today)
    mutes = book_of(desk.stack).mutes()
    rows = [
        (a.checked.isoformat(), a.about, status(a.severity), a.since.isoformat(), "yes" if a.told else "no", a.text)
        for a in alerts
    ]
    columns = ("checked", "about", "severity", "since", "told", "what")
    muted = [(called(subject), until.isoformat()) for subject, until in sorted(mutes.items())]
    desk.out.show(
        {"open": alerts, "muted": {called(subject): until for subject, until in mutes.items()}},
        Table("Open anomalies", columns, rows, empty="No anomaly is open."),
        Table("Muted", ("about", "until"), muted, empty="Nobody is muted."),
    )


@app.command("show", examples=["anomalies show", "anomalies show 2026-11-22 --scope PRODUCT", "anomalies show --json"])
def show_check(
    desk: Desk,
    *,
    business_date: Annotated[
        datetime | None, typer.Argument(formats=["%Y-%m-%d"], help="The business date [default: the newest].")
    ] = None,
    scope: Annotated[
        Literal["GLOBAL", "PRODUCT"],
        typer.Option(case_sensitive=False, help="GLOBAL: the shop and its products; PRODUCT: products."),
    ] = "GLOBAL",
    sku: Sku = None,
    period: PeriodOption = "daily",
) -> None:
    """Everything that a check found on a date: told or not, and why."""
    from ops.anomalies import read_check
    from salesflow.job_events import Scope
    from salesflow.windows import Period

    if sku and scope != "PRODUCT":
        raise Misused("--sku is for one product's own check.", action="Say --scope PRODUCT too, or leave --sku out.")
    day = business_date.date() if business_date else None
    key, check = read_check(desk.stack, Scope(scope), day, Period(period), sku)
    told = {entry.get("alert"): entry.get("change", "") for entry in check["told"]}
    rows = [
        (
            finding["event"]["sku"] or "the whole shop",
            status(finding["event"]["severity"]),
            finding["event"]["type"],
            "muted" if finding["muted"] else str(told.get(finding["alert"], "no")),
            finding["text"],
        )
        for finding in check["findings"]
    ]
    facts = [
        ("file", key),
        ("the day was", str(check["state"])),
        ("products looked at", str(check["products_scored"])),
        ("left out of the mail", str(check["left_out"])),
        *(("told", entry["text"]) for entry in check["told"]),
    ]
    if check["learning"]:
        facts.insert(2, ("still learning", "there is too little history to judge by"))
    columns = ("about", "severity", "type", "told", "what")
    desk.out.show(check, Facts("Check", facts), Table("Findings", columns, rows, empty="Nothing out of the ordinary."))


@app.command(
    "mute", examples=["anomalies mute --sku RIZ-005 --until 2026-12-31", "anomalies mute --shop --until 2026-12-02"]
)
def mute(
    desk: Desk,
    *,
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last business date to be quiet about.")],
    sku: Sku = None,
    shop: WholeShop = False,
) -> None:
    """Mail nothing about a product, or the whole shop, until a date; it is followed, and told then if it still goes on."""
    from ops.anomalies import book_of, called

    subject = _subject(sku, shop=shop)
    book_of(desk.stack).mute(subject, until.date())
    said = f"Nothing is mailed about {called(subject)} up to {until:%Y-%m-%d}."
    desk.out.show({"about": called(subject), "muted_until": until.date()}, Facts("", [("muted", said)]))


@app.command("unmute", examples=["anomalies unmute --sku RIZ-005"])
def unmute(desk: Desk, *, sku: Sku = None, shop: WholeShop = False) -> None:
    """Mail about a product, or the whole shop, again."""
    from ops.anomalies import book_of, called

    subject = _subject(sku, shop=shop)
    book_of(desk.stack).unmute(subject)
    data = {"about": called(subject), "muted_until": None}
    desk.out.show(data, Facts("", [("unmuted", f"{called(subject)} is mailed about again.")]))


def _subject(sku: str | None, *, shop: bool) -> str:
    from salesflow.findings.subjects import subject_of

    if shop == (sku is not None):
        raise Misused("Whom?", action="Say either --shop or --sku.")
    return subject_of(sku)
