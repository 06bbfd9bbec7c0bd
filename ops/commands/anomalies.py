"""`anomalies`: what the checks found, and whom to keep quiet about.

What the anomaly checks of a stack found: the open alerts, a check's saved file, and whom to keep quiet about.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Literal

import typer

from ops import completion
from ops.complaints import Misused, NotFound
from ops.desk import Desk, iso_day, refuse_unknown
from ops.groups import Group
from ops.target import Stack
from ops.terminal import Facts, Table, status
from salesflow.alerts.book import FOR_GOOD, AlertBook, chain_of
from salesflow.alerts.result import PREFIX, result_key
from salesflow.alerts.wording import open_sentence
from salesflow.figures import Figures
from salesflow.findings.subjects import SHOP
from salesflow.job_events import Scope
from salesflow.windows import Period

PARTS = ("shop", "products")


def called(subject: str) -> str:
    """A subject as an operator says it."""
    return "the whole shop" if subject == SHOP else subject.removeprefix("sku:")


def book_of(stack: Stack) -> AlertBook:
    """The stack's alert book."""
    return AlertBook(stack.rows)


def open_alerts(stack: Stack, period: Period, until: date) -> list[dict[str, Any]]:
    """The alerts that are open after the newest check of that period on or before `until`, the shop's first: `about` the shop or a SKU,
    `told` whether its opening was mailed."""
    book = book_of(stack)
    figures = Figures(stack.settings.currency)
    pages = [book.newest(chain_of(part, period.value), until) for part in PARTS]
    return [
        {
            "checked": day,
            "about": called(alert.subject),
            "severity": alert.severity.value,
            "since": alert.since,
            "told": alert.told,
            "text": open_sentence(alert.statement, figures),
        }
        for day, alerts in filter(None, pages)
        for alert in alerts
    ]


def known_skus(stack: Stack) -> frozenset[str] | None:
    """The SKUs that the history has sales of; None where there is no history yet."""
    from salesflow.history.coverage import read_coverage
    from salesflow.history.panel import DailyPanel
    from salesflow.history.terms import Terms

    store = stack.objects
    covered = read_coverage(store, "daily")
    if covered is None:
        return None
    settings = stack.settings
    terms = Terms(settings.money, settings.timezone, settings.day_ends_at)
    return frozenset(DailyPanel(store, terms).read(covered.first, covered.last)["sku"])


def read_check(
    stack: Stack, scope: Scope, day: date | None, period: Period, sku: str | None = None
) -> tuple[str, dict[str, Any]]:
    """The file of a check and its key; without a day the newest. Raises NotFound."""
    key = result_key(scope, sku, period, day) if day else _newest_key(stack, scope, period, sku)
    found = stack.files.read(key)
    if found is None:
        raise NotFound(
            f"There is no {stack.files.full(key)} in {stack.bucket}: that check has not run.",
            action=f"Run it: `salesflow-ops run anomaly-check --date {day}`.",
        )
    return key, json.loads(found.body)


def _newest_key(stack: Stack, scope: Scope, period: Period, sku: str | None) -> str:
    files, folder = stack.files, result_key(scope, sku, period, date.min).rpartition("/")[0] + "/"
    paginator = stack.client("s3").get_paginator("list_objects_v2")
    pages = paginator.paginate(Bucket=files.name, Prefix=files.full(folder), Delimiter="/")
    keys: Sequence[str] = [files.own(entry["Key"]) for page in pages for entry in page.get("Contents", ())]
    if not keys:
        raise NotFound(
            f"No check has been saved below {folder.removeprefix(PREFIX)} yet.",
            action="Run one: `salesflow-ops run anomaly-check`.",
        )
    return max(keys)


app = Group(
    "What the anomaly checks found, and whom to keep quiet about.",
    examples=["anomalies list", "anomalies show --date 2026-11-22", "anomalies mute --sku RIZ-005 --until 2026-12-31"],
)

Sku = Annotated[str | None, typer.Option(help="One product, by its SKU.", autocompletion=completion.seen("product"))]
RENAMED = {"--shop": "--whole-shop"}
WholeShop = Annotated[bool, typer.Option("--whole-shop", help="The whole shop.")]
PeriodOption = Annotated[Literal["daily", "weekly", "monthly"], typer.Option(help="Which checks.")]


@app.command("list", examples=["anomalies list", "anomalies list --json"])
def list_anomalies(desk: Desk, *, period: PeriodOption = "daily") -> None:
    """The anomalies that are open after the newest checks, and who is muted."""
    from salesflow.windows import Period

    alerts = open_alerts(desk.stack, Period(period), desk.today)
    mutes = book_of(desk.stack).mutes()
    rows = [
        (
            a["checked"].isoformat(),
            a["about"],
            status(a["severity"]),
            a["since"].isoformat(),
            "yes" if a["told"] else "no",
            a["text"],
        )
        for a in alerts
    ]
    completion.remember("product", [one["about"] for one in alerts if one["about"] != called(SHOP)])
    columns = ("checked", "about", "severity", "since", "told", "what")
    muted = [
        (called(subject), "for good" if until == FOR_GOOD else until.isoformat())
        for subject, until in sorted(mutes.items())
    ]
    desk.out.show(
        {"open": alerts, "muted": {called(subject): until for subject, until in mutes.items()}},
        Table("Open anomalies", columns, rows, empty="No anomaly is open.", prose={"what"}, minor=("checked", "told")),
        Table("Muted", ("about", "until"), muted, empty="Nobody is muted."),
    )


@app.command(
    "show",
    words=("--date",),
    examples=["anomalies show", "anomalies show --date 2026-11-22 --scope PRODUCT", "anomalies show --json"],
)
def show_check(
    desk: Desk,
    *,
    day: Annotated[str | None, typer.Option("--date", metavar="DATE", help="The business date [the newest].")] = None,
    scope: Annotated[
        Literal["GLOBAL", "PRODUCT"],
        typer.Option(case_sensitive=False, help="GLOBAL: the shop and its products; PRODUCT: products."),
    ] = "GLOBAL",
    sku: Sku = None,
    period: PeriodOption = "daily",
) -> None:
    """Everything that a check found on a date: told or not, and why."""
    from salesflow.job_events import Scope
    from salesflow.windows import Period

    if sku and scope != "PRODUCT":
        raise Misused("--sku is for one product's own check.", action="Say --scope PRODUCT too, or leave --sku out.")
    key, check = read_check(desk.stack, Scope(scope), desk.day(day), Period(period), sku)
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
    desk.out.show(
        check,
        Facts("Check", facts),
        Table("Findings", columns, rows, empty="Nothing out of the ordinary.", prose={"what"}, minor=("type",)),
    )


@app.command(
    "mute",
    renamed=RENAMED,
    examples=["anomalies mute --sku RIZ-005 --until 2026-12-31", "anomalies mute --whole-shop --until 2026-12-02"],
)
def mute(
    desk: Desk,
    *,
    until: Annotated[str, typer.Option(metavar="DATE", help="Last business date to be quiet about.")],
    sku: Sku = None,
    whole_shop: WholeShop = False,
) -> None:
    """Mail nothing about a product, or the whole shop, until a date; it is followed, and told then if it still goes on."""
    subject, last = _subject(sku, whole_shop=whole_shop), iso_day(until)
    if last < desk.today - timedelta(days=1):
        raise Misused(f"{last} is over: no check of it is still to come.", action="Say a date to come.")
    if sku is not None:
        known = known_skus(desk.stack)
        if known is None:
            desk.out.note(f"There is no history yet: whether there is a product {sku} could not be looked up.")
        else:
            completion.remember("product", sorted(known))
            refuse_unknown("product", sku, known)
    book_of(desk.stack).mute(subject, last)
    said = f"Nothing is mailed about {called(subject)} up to {last}."
    desk.out.show({"about": called(subject), "muted_until": last}, Facts("", [("muted", said)]))


@app.command("unmute", renamed=RENAMED, examples=["anomalies unmute --sku RIZ-005"])
def unmute(desk: Desk, *, sku: Sku = None, whole_shop: WholeShop = False) -> None:
    """Mail about a product, or the whole shop, again."""
    subject, book = _subject(sku, whole_shop=whole_shop), book_of(desk.stack)
    muted = [called(one) for one in book.mutes()]
    if called(subject) not in muted:
        raise NotFound(f"{called(subject)} is not muted.", action=f"Muted: {', '.join(muted) or 'nobody'}.")
    book.unmute(subject)
    data = {"about": called(subject), "muted_until": None}
    desk.out.show(data, Facts("", [("unmuted", f"{called(subject)} is mailed about again.")]))


def _subject(sku: str | None, *, whole_shop: bool) -> str:
    from salesflow.findings.subjects import subject_of

    if whole_shop == (sku is not None):
        raise Misused("Whom?", action="Say either --whole-shop or --sku.")
    return subject_of(sku)
