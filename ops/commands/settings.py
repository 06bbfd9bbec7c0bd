"""`settings`: what a shop wants, as data: the next run goes by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.complaints import ExitCode, Misused, NotFound
from ops.desk import Desk
from ops.groups import Group
from ops.options import YesOption
from ops.terminal import Facts, Table
from salesflow.shop_id import MAIN_SHOP

if TYPE_CHECKING:
    from salesflow.shops.book import Version

app = Group(
    "What a shop wants: the next run goes by it, without a deployment.",
    examples=[
        "settings get",
        "settings get lead_days",
        "settings set lead_days 5",
        "settings unset lead_days",
        "settings history",
    ],
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `settings get` names it.")]
EFFECT = "It takes effect with the next run."


@app.command("get", examples=["settings get", "settings get alerts_per_month", "settings get --json"])
def get(
    desk: Desk, name: Annotated[str | None, typer.Argument(metavar="NAME", help="One setting [all of them].")] = None
) -> None:
    """Every setting, or one: its value, where that comes from, what it may be and what it means."""
    from ops.shop_settings import FIELDS, setting_named

    names = list(FIELDS) if name is None else [setting_named(name)]
    found = [_as_data(desk, one) for one in names]
    if name is None:
        rows = [(one["name"], one["text"], one["source"]) for one in found]
        desk.out.show(
            found,
            Table(
                f"Settings of {desk.stack.called.removeprefix('The ')}",
                ("name", "value", "from"),
                rows,
                prose={"value"},
            ),
        )
        return
    (one,) = found
    words = ("name", "text", "source", "allowed", "default", "says")
    labels = ("setting", "value", "from", "may be", "default", "means")
    desk.out.show(one, Facts("", [(label, one[word]) for label, word in zip(labels, words, strict=True)]))


@app.command(
    "set",
    examples=[
        "settings set lead_days 5",
        "settings set shop_name 'Corner Store'",
        "settings set holidays CN,2026-12-24",
        "settings set currency EUR --rebuild",
    ],
)
def set_one(
    desk: Desk,
    name: Name,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Lists: commas between; '' for none.")],
    *,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="For what stored sales depend on (currency, timezone, day_ends_at): read them all anew."
        ),
    ] = False,
    yes: YesOption = False,
) -> None:
    """Set a setting, from the next run on."""
    from ops.shop_settings import STORED_IN_TERMS, as_text, has_history, in_force, setting_named, wanted, write
    from salesflow.shops.book import as_stored

    name = setting_named(name)
    new = wanted(name, value)
    was = as_stored(getattr(in_force(desk.stack), name))
    differs = new != was
    must_rebuild = name in STORED_IN_TERMS and differs and has_history(desk.stack)
    if must_rebuild and not rebuild:
        raise Misused(
            f"Sales are stored with {name} {as_text(getattr(in_force(desk.stack), name))}: under another their figures would be others.",
            action="Say --rebuild to set it and read the whole history anew, or keep it.",
        )
    if must_rebuild and not desk.out.confirm(f"Set {name} to {as_text(new)} and read the whole history anew?", yes=yes):
        raise typer.Exit(ExitCode.FAILED)
    before, after = write(desk.stack, {name: new})
    _tell(desk, before, after)
    if name == "timezone" and differs and desk.stack.shop != MAIN_SHOP:
        from ops.shop_schedules import move

        moved = move(desk.stack, str(was), str(new))
        desk.out.note(f"{len(moved)} of its schedules fire in {new} from now on.", style="green")
    elif name == "timezone" and differs:
        desk.out.note(
            f"The template's schedules fire in {desk.stack.first_settings.timezone}, the Parameter TimeZone: set that too and deploy.",
            style="yellow",
        )
    if must_rebuild:
        from ops.commands.run import run_now

        run_now(_afresh(desk), "sync_history", {"rebuild": True}, dry_run=False)


@app.command("unset", examples=["settings unset lead_days"])
def unset(desk: Desk, name: Name) -> None:
    """Take a setting out of the shop's row: the stack's Parameter or the default holds again, from the next run on."""
    from ops.shop_settings import STORED_IN_TERMS, has_history, in_force, setting_named, settings_of, write
    from salesflow.shops.book import as_stored

    name, stack = setting_named(name), desk.stack
    if name not in stack.settings_version.values:
        raise NotFound(f"The shop's row does not say {name}.", action="There is nothing to take out.")
    if name in STORED_IN_TERMS and has_history(stack):
        values = {one: value for one, value in stack.settings_version.values.items() if one != name}
        said, first = (as_stored(getattr(one, name)) for one in (in_force(stack), settings_of(stack, values)))
        if said != first:
            raise Misused(f"{name} would be {first} again.", action=f"Set it: settings set {name} {first} --rebuild.")
    before, after = write(stack, {name: None})
    _tell(desk, before, after)


@app.command("history", examples=["settings history", "settings history --count 50 --json"])
def history(
    desk: Desk, *, count: Annotated[int, typer.Option(min=1, max=1000, help="How many versions to show.")] = 20
) -> None:
    """Who changed what, and when: every version of the shop's row, the newest first."""
    from ops.shop_settings import as_text
    from salesflow.shops.book import SettingsBook, Version

    found = SettingsBook(desk.stack.rows).history(count + 1)
    rows = []
    for number, version in enumerate(found[:count]):
        before = found[number + 1].values if number + 1 < len(found) else Version().values
        what = "; ".join(
            f"{name}: {as_text(before[name]) if name in before else '-'} → "
            f"{as_text(version.values[name]) if name in version.values else 'no longer said'}"
            for name in version.changed
        )
        at = version.at
        rows.append((str(version.number), at.astimezone(desk.stack.zone) if at else "-", version.by, what))
    columns = ("version", "when", "who", "what")
    empty = "Nobody has set anything: the stack's Parameters and the defaults hold."
    desk.out.show(found[:count], Table("Versions of the settings", columns, rows, empty=empty, prose={"what", "who"}))


@app.command("restore", examples=["settings restore 3", "settings restore 0"])
def restore(
    desk: Desk,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=0, help="As `settings history` names it.")],
) -> None:
    """Go back to what a version said, as a new version; 0: to what the Parameters and defaults say."""
    from ops.shop_settings import STORED_IN_TERMS, has_history, in_force, replace, settings_of
    from salesflow.shops.book import SettingsBook

    stack = desk.stack
    found = {one.number: one.values for one in SettingsBook(stack.rows).history(1000)} | {0: {}}
    if version not in found:
        raise NotFound(f"There is no version {version} of the settings.", action="See `settings history`.")
    before, values = stack.settings_version, found[version]
    then, now = settings_of(stack, values), in_force(stack)
    differing = [name for name in STORED_IN_TERMS if getattr(then, name) != getattr(now, name)]
    if differing and has_history(stack):
        raise Misused(
            f"It has another {' and '.join(differing)}, on which the stored sales depend.",
            action="Set that first: settings set ... --rebuild.",
        )
    after = replace(stack, values)
    _tell(desk, before, after)


def _as_data(desk: Desk, name: str) -> dict[str, Any]:
    """A setting for programs."""
    from ops.shop_settings import FIELDS, allowed, as_text, default_of, source_of
    from salesflow.shops.book import as_stored

    value = getattr(desk.stack.settings, name)
    return {
        "name": name,
        "value": as_stored(value),
        "text": as_text(value),
        "source": source_of(desk.stack, name),
        "allowed": allowed(name),
        "default": default_of(name),
        "says": FIELDS[name].description or "",
    }


def _afresh(desk: Desk) -> Desk:
    """The same desk, to whom nothing is known yet."""
    return Desk(desk.target, desk.out)


def _tell(desk: Desk, before: Version, after: Version) -> None:
    """What came of a change."""
    from ops.shop_settings import source_of

    fresh = _afresh(desk)
    if after.number == before.number:
        desk.out.show({"version": after.number, "changed": []}, Facts("", [("unchanged", "It was so already.")]))
        return
    data: dict[str, Any] = {"version": after.number, "changed": list(after.changed)}
    facts: list[tuple[str, str]] = [("version", f"{after.number}, by {after.by}")]
    for one in after.changed:
        found = _as_data(fresh, one)
        data[one] = found["value"]
        facts.append((one, f"{found['text']} (from {source_of(fresh.stack, one)})"))
    desk.out.show(data, Facts("", [*facts, ("effect", EFFECT)]))
