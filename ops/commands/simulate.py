"""`simulate`: what would have happened."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.complaints import Misused
from ops.desk import Desk, iso_day, refuse_unknown
from ops.groups import Group
from ops.terminal import Part, Table

if TYPE_CHECKING:
    from ops.simulate import Past, Replay

app = Group(
    "What would have happened.",
    examples=[
        "simulate anomalies --from 2026-10-01 --to 2026-11-22",
        "simulate anomalies --data sales.csv --sensitivity 2 --sensitivity 6",
    ],
)

USUAL_SENSITIVITIES = [1.0, 2.0, 4.0, 8.0]
WHAT = "What to replay"
INSTEAD = "Instead of the stack's own settings"


@app.command(
    "anomalies",
    examples=[
        "simulate anomalies --from 2026-10-01 --to 2026-11-22",
        "simulate anomalies --sensitivity 2 --sensitivity 6 --min-deviation 30",
        "simulate anomalies --data sales.csv --holidays CN",
        "simulate anomalies --sample",
    ],
)
def simulate_anomalies(
    desk: Desk,
    *,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day [60 days before --to].")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day [the last that is known].")] = None,
    sensitivity: Annotated[
        list[float],
        typer.Option(min=0.1, max=60, help="Alerts a month to allow (setting alerts_per_month); repeat to compare."),
    ] = USUAL_SENSITIVITIES,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            exists=True,
            dir_okay=False,
            rich_help_panel=WHAT,
            help="A file of sales, as `demo --data` takes it.",
        ),
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", rich_help_panel=WHAT, help="A made-up shop.")] = False,
    seed: Annotated[int, typer.Option(rich_help_panel=WHAT, help="Another seed makes another made-up shop.")] = 7,
    min_deviation: Annotated[
        float | None, typer.Option(min=0, max=1000, rich_help_panel=INSTEAD, help="alert_min_deviation_percent.")
    ] = None,
    min_impact: Annotated[
        float | None, typer.Option(min=0, rich_help_panel=INSTEAD, help="alert_min_impact, in units of the currency.")
    ] = None,
    medium: Annotated[
        bool | None, typer.Option("--medium/--no-medium", rich_help_panel=INSTEAD, help="alert_medium: mail or flag.")
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, max=100, rich_help_panel=INSTEAD, help="alert_top_products, in one mail.")
    ] = None,
    holidays: Annotated[
        str | None, typer.Option(rich_help_panel=INSTEAD, help="holidays, such as CN,2026-11-11=Singles Day.")
    ] = None,
    mute: Annotated[
        list[str] | None, typer.Option(rich_help_panel=INSTEAD, help="muted_skus; repeat for more.")
    ] = None,
) -> None:
    """Replay a period day by day: which alerts would have been mailed, and how many a month at each sensitivity.

    It is the stack's own history, with its own settings; --data and --sample need no stack. Nothing is mailed and nothing written.
    """
    from ops.simulate import replay

    said = {
        "ALERT_MIN_DEVIATION_PERCENT": min_deviation,
        "ALERT_MIN_IMPACT": min_impact,
        "ALERT_MEDIUM": None if medium is None else "mail" if medium else "flag",
        "ALERT_TOP_PRODUCTS": top,
        "HOLIDAYS": holidays,
        "MUTED_SKUS": ",".join(mute) if mute else None,
    }
    with desk.out.progress("Reading the sales"):
        past = past_of(
            desk,
            data,
            {name: str(value) for name, value in said.items() if value is not None},
            sample=sample,
            seed=seed,
        )
    since, until = past.period(*(iso_day(day) if day else None for day in (first, last)))
    known = set(past.read(since).products["sku"])
    for sku in mute or ():
        refuse_unknown("product", sku, known)
    with desk.out.progress("Replaying", total=(until - since).days + 1) as working:
        replays = replay(past, since, until, sorted(set(sensitivity)), judged=lambda _: working.advance())
    desk.out.show({"from": since, "to": until, "replays": [_data(one) for one in replays]}, *_parts(replays))


def past_of(desk: Desk, data: Path | None, said: dict[str, str], *, sample: bool, seed: int) -> Past:
    """The past of a file of sales, of a made-up shop, or of the stack; `said`: settings that have the last word. Raises Misused, NotFound."""
    from ops.simulate import past_of_stack

    if data and sample:
        raise Misused("--data and --sample are two shops.", action="Say one of them.")
    if data or sample:
        return _past_of_file(["--data", str(data)] if data else ["--seed", str(seed)], said)
    try:
        stack = desk.stack
    except Misused as error:
        raise Misused(error.message, action=f"{error.action} Without a stack: --data FILE or --sample.") from None
    return past_of_stack(stack, said)


def _past_of_file(words: list[str], said: dict[str, str]) -> Past:
    from ops.local_cloud import told
    from ops.simulate import past_of_sales

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sales.json"
        shop = told("sales", str(file), *words)
        body = file.read_bytes()
    return past_of_sales(
        body, date.fromisoformat(shop["first"]), date.fromisoformat(shop["last"]), shop["currency"], said
    )


def _data(one: Replay) -> dict[str, object]:
    return {
        "alerts_per_month": one.alerts_per_month,
        **_counts(one),
        "digests": [{"date": day, "alerts": digest} for day, digest in one.digests],
    }


def _counts(one: Replay) -> dict[str, int | float]:
    from salesflow.alerts.lifecycle import Change

    opened = one.count(Change.OPENED)
    return {
        "opened": opened,
        "worse": one.count(Change.WORSE),
        "resolved": one.count(Change.RESOLVED),
        "mails": one.mails,
        "opened_a_month": round(one.a_month(opened), 1),
        "mails_a_month": round(one.a_month(one.mails), 1),
    }


def _parts(replays: tuple[Replay, ...]) -> list[Part]:
    """The alerts of the sensitivity that tells most, with the sensitivities that tell each, and the counts of all."""
    alerts: dict[tuple[str, str, str], list[str]] = {}
    for one in replays:
        for day, digest in one.digests:
            for told in digest:
                alerts.setdefault((day.isoformat(), str(told.change), told.text), []).append(
                    f"{one.alerts_per_month:g}"
                )
    rows = [(day, change, ", ".join(at), text) for (day, change, text), at in sorted(alerts.items(), key=_by_day)]
    counts = [(f"{one.alerts_per_month:g}", *(f"{number:g}" for number in _counts(one).values())) for one in replays]
    return [
        Table(
            "What would have been mailed",
            ("date", "change", "at alerts_per_month", "alert"),
            rows,
            empty="Nothing.",
            prose={"alert"},
            minor=("at alerts_per_month",),
        ),
        Table(
            "In 30 days",
            ("alerts_per_month", "opened", "worse", "resolved", "mails", "opened a month", "mails a month"),
            counts,
        ),
    ]


def _by_day(item: tuple[tuple[str, str, str], list[str]]) -> str:
    return item[0][0]
