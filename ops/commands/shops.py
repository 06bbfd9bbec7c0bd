"""`shops`: which shops a stack serves, and how one comes and goes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops import completion
from ops.complaints import ExitCode, Misused
from ops.desk import Desk, refuse_unknown
from ops.groups import Group
from ops.options import Answer, ShopAnswers, YesOption
from ops.terminal import Cell, Facts, Table
from salesflow import clock
from salesflow.shop_id import MAIN_SHOP
from salesflow.stored import UnreadableRow

if TYPE_CHECKING:
    from salesflow.settings import Stored
    from salesflow.shops.registry import Member

app = Group(
    "The shops of a stack: each has its own settings, readers, schedules and files.",
    examples=[
        "shops list",
        "shops add corner-store --api-url https://corner.example/api/v1 --zone Europe/Paris --currency EUR --owners owner@corner.example",
        "shops show corner-store",
        "shops pause corner-store",
        "shops remove corner-store",
    ],
)

ShopId = Annotated[
    str, typer.Argument(metavar="SHOP", help="As `shops list` names it.", autocompletion=completion.seen("shop"))
]
TokenFile = Annotated[
    Path | None,
    typer.Option(allow_dash=True, dir_okay=False, help="File with the shop's system token, - for standard input."),
]
Shared = Annotated[
    bool, typer.Option("--shared-token", help="Call its API with the stack's own token: a shop of main's own host.")
]
HOURS = ("sales_at", "stock_at")
"""What a file may say beside settings: when the daily reports come."""


@app.command(
    "add",
    of_shop=False,
    examples=[
        "shops add corner-store",
        "shops add corner-store --from corner-store.toml --token-file token.txt --fire",
        "shops add bar --api-url https://bar.example/api/v1 --zone Asia/Tokyo --currency JPY --owners owner@bar.example --shared-token",
    ],
)
def add(
    desk: Desk,
    shop: Annotated[str, typer.Argument(metavar="SHOP", help="Its id: small letters, digits and single hyphens.")],
    *,
    answers: ShopAnswers,
    name: Annotated[Answer, typer.Option(help="Its name, as its reports and mails show it.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            exists=True,
            dir_okay=False,
            help="TOML: its settings by name, sales_at and stock_at; nothing is asked.",
        ),
    ] = None,
    token_file: TokenFile = None,
    shared_token: Shared = False,
    fire: Annotated[bool, typer.Option("--fire", help="Make its first daily sales report now, and mail it.")] = False,
) -> None:
    """Take a shop in: ask what `init` asks, store its settings and its token, and make its schedules in its own zone.

    It begins with the defaults: nothing of the stack's own shop is taken over. One that was interrupted goes on when the same is said again.
    """
    from ops import shop_schedules, shops
    from salesflow.shops.book import Version

    said = {
        "salesflow_api_url": answers.api_url,
        "timezone": answers.zone,
        "currency": answers.currency,
        "language_code": answers.language,
        "owner_recipients": answers.owners,
        "report_recipients": answers.readers,
        "alert_recipients": answers.alerts,
        "shop_name": name,
    }
    its = desk.of_shop(shop)
    if shop == MAIN_SHOP:
        raise Misused("main is the stack's own shop.", action="Its settings: settings set. Give another id.")
    values, hours = _answers(said, {"sales-at": answers.sales_at, "stock-at": answers.stock_at}, file)
    if shared_token and token_file is not None:
        raise Misused("A token of its own, or the stack's?", action="Leave one of the two options out.")
    api = Version(1, values).settings(shop, its.stack.first_settings).api_url
    token = "" if shared_token else _its_token(its, token_file, api)
    crons = shop_schedules.crons(hours)
    is_new = shops.take_in(its.stack, values)
    stored = _keep_token(its, token, shared=shared_token)
    made = shop_schedules.make(its.stack, str(values["timezone"]), crons)
    if not (is_new or made or stored != "none yet"):
        its.stack.registry.add(shop, by=its.stack.who)  # it lacked nothing: refused as what it is
    completion.remember("shop", [shop])
    first = f"salesflow-ops run report --type sales --shop {shop}"
    following = first if stored != "none yet" else f"salesflow-ops shops token {shop}, then {first}"
    data = {"shop": shop, "settings": values, "token": stored, "schedules": made, "next": following}
    facts: list[tuple[str, Cell]] = [
        ("shop", shop),
        *((field, ", ".join(value) if isinstance(value, list) else str(value)) for field, value in values.items()),
        ("token", stored),
        ("schedules", ", ".join(made)),
    ]
    if not fire:
        facts.append(("next", following))
    for field, what in (("report_recipients", "gets its reports by mail"), ("alert_recipients", "hears of its alerts")):
        if not values[field]:
            its.out.note(f"Nobody {what}: salesflow-ops recipients add --shop {shop}.", style="yellow")
    its.out.show(data, Facts(f"{shop} is a shop of {desk.stack.name}", facts))
    if fire:
        from ops.commands.run import run_now

        run_now(its, "report", {"report_type": "sales"}, dry_run=False)


@app.command("list", of_shop=False, examples=["shops list", "shops list --state paused --json"])
def list_shops(
    desk: Desk,
    *,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="active, paused, removing, unreadable; repeat for more.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
) -> None:
    """The shops of the stack: how each stands, its name and zone, and who added it when."""
    from salesflow.shops.registry import ShopState

    for word in state or ():
        refuse_unknown("state of a shop", word, list(ShopState))
    members = [one for one in desk.members() if not state or one.state in state]
    data, rows = [], []
    for one in members[:limit]:
        name, zone = _name_and_zone(desk, one)
        data.append(asdict(one) | {"name": name, "zone": zone})
        added = one.added_at if one.added_at is not None else "with the stack"
        rows.append((one.id, one.state.value, name or "-", zone or "-", added, one.added_by or "-"))
    completion.remember("shop", [one.id for one in members[:limit]])
    columns = ("id", "state", "name", "zone", "added", "by")
    desk.out.show(
        data,
        Table(
            f"{len(members)} shop{'s'[: len(members) > 1]} of {desk.stack.name}", columns, rows, minor=("by", "added")
        ),
    )
    if len(members) > limit:
        desk.out.note(f"{len(members) - limit} more: say --limit.")


def _name_and_zone(desk: Desk, shop: Member) -> tuple[str, str]:
    """A shop's name and zone, "" where they are not known."""
    if shop.id == MAIN_SHOP:
        return desk.stack.settings.shop_name, desk.stack.settings.timezone
    if shop.problem:
        return "", ""
    try:
        said = desk.of_shop(shop.id).stack.settings_version.values
    except UnreadableRow as unreadable:
        desk.out.note(f"{shop.id}: {unreadable}", style="red")
        return "", ""
    return str(said.get("shop_name", "")), str(said.get("timezone", ""))


@app.command("show", of_shop=False, examples=["shops show corner-store", "shops show corner-store --json"])
def show(desk: Desk, shop: ShopId) -> None:
    """One shop: how it stands, whose API it is read from, who reads what, when what is due, and its newest runs."""
    from ops import runs, schedules

    its = desk.of_shop(shop)
    stack = its.stack
    member, settings, now = stack.registry.get(stack.rows.shop), stack.settings, clock.now()
    found = schedules.every(stack)
    due = {one.id: next(iter(schedules.next_times(one.schedule, now, 1)), None) for one in found}
    newest = runs.between(stack, its.today.replace(day=1), its.today)[:5]
    facts: list[tuple[str, Cell]] = [
        ("shop", shop),
        ("state", member.state.value),
        ("added", member.added_at or "with the stack"),
        ("name", settings.shop_name or "-"),
        ("API", settings.api_url),
        ("token", _token_kept(stack)),
        ("zone, currency, language", f"{settings.timezone}, {settings.currency}, {settings.language_code}"),
        ("owners", ", ".join(settings.owner_recipients)),
        ("readers", ", ".join(settings.report_recipients) or "nobody"),
        ("alerts to", ", ".join(settings.alert_recipients) or "nobody"),
        ("settings", f"version {stack.settings_version.number}: salesflow-ops settings get --shop {shop}"),
        ("files", f"s3://{stack.files.place('')}"),
    ]
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        moment = due[one.id]
        state = "fires" if one.schedule.enabled else "paused"
        rows.append((one.id, state, moment.astimezone(stack.zone) if moment else "-"))
    latest: list[tuple[Cell, ...]] = [
        (run.short_id, run.record.identity, run.record.business_date.isoformat(), run.status) for run in newest
    ]
    data = {
        **asdict(member),
        "token": _token_kept(stack),
        "settings_version": stack.settings_version.number,
        "schedules": [{"id": one.id, "enabled": one.schedule.enabled, "next_due": due[one.id]} for one in found],
        "runs": [
            {"run_id": run.record.run_id, "identity": run.record.identity, "status": run.status} for run in newest
        ],
    }
    desk.out.show(
        data,
        Facts("", facts),
        Table("Schedules", ("id", "state", "due next"), rows, empty="It has none."),
        Table("Newest runs of this month", ("run", "what", "business date", "status"), latest, empty="None yet."),
    )


@app.command("token", of_shop=False, examples=["shops token corner-store", "shops token corner-store --shared-token"])
def token(desk: Desk, shop: ShopId, *, token_file: TokenFile = None, shared_token: Shared = False) -> None:
    """Store another system token for a shop: asked for, from a file, or the stack's own."""
    its = desk.of_shop(shop)
    api = its.stack.settings.api_url
    text = "" if shared_token else _its_token(its, token_file, api)
    if not (text or shared_token):
        raise Misused(
            "No token was given.", action="Say --token-file FILE or --shared-token, or type it on a terminal."
        )
    stored = _keep_token(its, text, shared=shared_token)
    desk.out.show({"shop": shop, "token": stored}, Facts("", [("shop", shop), ("token", stored)]))


@app.command("pause", of_shop=False, examples=["shops pause corner-store"])
def pause(desk: Desk, shop: ShopId) -> None:
    """Let a shop's schedules stand still until it is resumed; it can still be run by hand."""
    from ops import shops

    _switched(desk, shop, "paused", shops.pause(_other(desk, shop).stack))


@app.command("resume", of_shop=False, examples=["shops resume corner-store"])
def resume(desk: Desk, shop: ShopId) -> None:
    """Let the schedules fire again that fired until the shop was paused; what it missed is not made up for (see `backfill`)."""
    from ops import shops

    _switched(desk, shop, "active", shops.resume(_other(desk, shop).stack))


@app.command("remove", of_shop=False, examples=["shops remove corner-store", "shops remove corner-store --yes"])
def remove(desk: Desk, shop: ShopId, *, yes: YesOption = False) -> None:
    """Delete all that the stack has of a shop: schedules, settings, token, channels, files in all versions, runs, mutes, addresses.

    A receipt of what was deleted stays, in the bucket. There is no way back. Interrupted, the same command goes on.
    """
    from ops import shops

    its = _other(desk, shop)
    removal = shops.Removal(its.stack)
    name = "" if its.stack.settings_version.number == 0 else its.stack.settings_version.values.get("shop_name", "")
    question = f"Delete everything of the shop {shop}{f' ({name})' if name else ''} for good?"
    if not desk.out.confirm(question, yes=yes):
        raise typer.Exit(ExitCode.FAILED)
    with desk.out.progress(f"Removing {shop}") as working:
        for step in removal.run():
            working.at(f"Removing {shop}: {step}")
    receipt = removal.finish()
    place = f"s3://{desk.stack.bucket}/{receipt.key}"
    facts: list[tuple[str, Cell]] = [(kind, f"{count:,}") for kind, count in receipt.deleted.items()]
    data = {**asdict(receipt), "receipt": place}
    desk.out.show(data, Facts(f"{shop} is gone; deleted were", [*facts, ("receipt", place)]))
    desk.out.note("Its log lines end with the functions' log retention, its backups with the table's (35 days).")


def _other(desk: Desk, shop: str) -> Desk:
    """The desk before a shop that is not the stack's own. Raises Misused."""
    if shop == MAIN_SHOP:
        raise Misused(
            "main is the stack's own shop: it comes and goes with the stack.",
            action="Pause its schedules one by one (schedules pause), or destroy the stack (destroy).",
        )
    return desk.of_shop(shop)


def _switched(desk: Desk, shop: str, state: str, schedules: list[str]) -> None:
    data = {"shop": shop, "state": state, "schedules": schedules}
    facts: list[tuple[str, Cell]] = [("shop", shop), ("state", state), ("schedules", ", ".join(schedules) or "none")]
    desk.out.show(data, Facts("", facts))


def _answers(
    said: Mapping[str, Answer], hours: Mapping[str, Answer], file: Path | None
) -> tuple[dict[str, Stored], dict[str, str]]:
    """The shop's settings as its row is to hold them, and the Parameters of its daily reports. Raises Misused."""
    from ops.commands.init import is_terminal, prompted
    from ops.first_answers import QUESTIONS
    from ops.shop_settings import FIELDS, setting_named, wanted

    written = _read(file) if file is not None else {}
    asks = is_terminal() and file is None
    questions = {question.field: question for question in QUESTIONS if question.field in said}
    values: dict[str, Stored] = {
        setting_named(name): wanted(setting_named(name), value) for name, value in written.items() if name not in HOURS
    }
    lacking = []
    for name, answer in said.items():
        if answer is not None:
            values[name] = wanted(name, answer)
        elif name in values or name not in questions:
            continue
        elif asks:
            known = "en" if name == "language_code" else ""
            values[name] = prompted(questions[name].asks, known, lambda text, name=name: wanted(name, text))  # type: ignore[misc]
        elif name in ("report_recipients", "alert_recipients"):
            values[name] = []
        elif FIELDS[name].is_required():
            lacking.append(f"--{questions[name].name}")
    if lacking:
        raise Misused(
            f"{', '.join(lacking)} must be said.",
            action="Say them as options or in the file of --from, or answer on a terminal.",
        )
    return values, _crons(hours, written, asks=asks)


def _crons(hours: Mapping[str, Answer], written: Mapping[str, Any], *, asks: bool) -> dict[str, str]:
    """The Parameters of the daily reports' hours, where they are said. Raises Misused."""
    from ops.commands.init import prompted
    from ops.first_answers import QUESTIONS, NoAnswer

    found: dict[str, str] = {}
    for question in (one for one in QUESTIONS if one.name in hours):
        answer = hours[question.name] or written.get(question.name.replace("-", "_"))
        try:
            if answer is not None:
                found |= question.answered(str(answer))
            elif asks:
                found |= prompted(question.asks, question.present({}), question.answered)
        except NoAnswer as error:
            raise Misused(f"--{question.name}: {error}.", action="Write it as 07:30.") from None
    return found


def _read(file: Path) -> dict[str, Any]:
    """What a file says, each value as text or a list of texts. Raises Misused."""
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misused(
            f"{file} cannot be read: {error}.", action='Write it as TOML: timezone = "Europe/Paris".'
        ) from None
    for name, value in found.items():
        parts = value if isinstance(value, list) else [value]
        if any(not isinstance(part, str | int | float) or isinstance(part, bool) for part in parts):
            raise Misused(f"{file}: {name} is neither text, a number, nor a list of texts.", action="Correct it.")
    return {
        name: [str(part) for part in value] if isinstance(value, list) else str(value) for name, value in found.items()
    }


def _its_token(desk: Desk, token_file: Path | None, api: str) -> str:
    from ops.commands.init import given_token

    return given_token(desk, token_file, api)


def _keep_token(desk: Desk, text: str, *, shared: bool) -> str:
    """Keep the shop's token; what became of it, never the token."""
    from salesflow.shops.token import keep_token, share_token

    stack = desk.stack
    if shared:
        share_token(stack.rows)
        return "the stack's own"
    if not text:
        return _token_kept(stack)
    keep_token(stack.rows, stack.client("kms"), stack.physical_id("ShopsKey"), text)
    return "its own, sealed"


def _token_kept(stack: Any) -> str:
    """Which token a shop is called with."""
    from salesflow.shops.token import KEY

    if stack.shop == MAIN_SHOP:
        return "the stack's own"
    row = stack.rows.get(KEY) or {}
    return "the stack's own" if row.get("shared") else "its own, sealed" if "sealed" in row else "none yet"
