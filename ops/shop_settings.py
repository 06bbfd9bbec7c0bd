"""Changing a shop's settings: what is asked is checked by the functions' own code, and written as the next version of the shop's row."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from enum import EnumType
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from pydantic.fields import FieldInfo

from ops.complaints import Failed, Misused
from ops.desk import refuse_unknown
from ops.target import Stack
from salesflow.errors import InvalidSettings
from salesflow.holiday_dates import holiday_dates
from salesflow.setting_types import LOGO_BYTES, PNG_BEGINS
from salesflow.settings import Settings, ShopSettings, Stored, Unit
from salesflow.shop_id import MAIN_SHOP
from salesflow.shops.book import SettingsBook, Version, as_stored, checked

FIELDS: Mapping[str, FieldInfo] = ShopSettings.model_fields
STORED_IN_TERMS = ("currency", "timezone", "day_ends_at")
"""What the stored sales' figures depend on."""
BY_COMMAND = {"schedule_recipients": "salesflow-ops recipients add --report SCHEDULE"}
"""Settings that have a command of their own."""


def setting_named(said: str) -> str:
    """The setting of a name, hyphens or not. Raises NotFound, naming those that come close."""
    name = said.strip().lower().replace("-", "_")
    refuse_unknown("setting", name, list(FIELDS))
    return name


def wanted(name: str, text: str | Sequence[str]) -> Stored:
    """The value that a text means for a setting, as the row holds it. Raises Misused."""
    from ops.first_answers import in_punycode  # only what is written is checked by it

    if name in BY_COMMAND:
        raise Misused(f"{name} is not set as one value.", action=f"Use {BY_COMMAND[name]}.")
    try:
        if isinstance(text, str):
            said = text.strip()
            if name == "logo" and said:
                return checked(name, _read(said))
            value = checked(name, in_punycode(said) if name.endswith("_recipients") else said)
            if name == "holidays" and isinstance(value, list):
                holiday_dates(value, ())  # an unknown country would stop each night's check and forecast
            return value
        return checked(name, [in_punycode(one.strip()) for one in text])
    except (ValueError, OSError, InvalidSettings) as error:
        raise Misused(
            f"{name} cannot be {text!r}: {error}.".replace("..", "."), action=f"It is {allowed(name)}."
        ) from None


def _read(file: str) -> str:
    """A file as a row holds it: in base64. Raises OSError, and ValueError for one that is too large to be read at all."""
    path = Path(file).expanduser()
    if path.stat().st_size > LOGO_BYTES:
        raise ValueError(f"the file has {path.stat().st_size:,} bytes; at most {LOGO_BYTES:,} are allowed")
    return base64.b64encode(path.read_bytes()).decode()


def write(stack: Stack, changes: Mapping[str, Stored | None]) -> tuple[Version, Version]:
    """Write these changes (None: what the row says of it goes) over the version that holds; that one, and the new one.

    Raises Misused where the settings would not go together, SettingsChanged where somebody else wrote one meanwhile.
    """
    before = stack.settings_version
    values = {**before.values, **changes}
    return before, replace(stack, {name: value for name, value in values.items() if value is not None})


def replace(stack: Stack, values: Mapping[str, Stored]) -> Version:
    """Make these the whole of what the shop's row says. Raises as `write` does."""
    before = stack.settings_version
    settings_of(stack, values)
    stack.settings_version = SettingsBook(stack.rows).write(values, over=before, by=stack.who)
    stack.__dict__.pop("settings", None)
    return stack.settings_version


def settings_of(stack: Stack, values: Mapping[str, Stored]) -> Settings:
    """What a run of the shop would go by if its row said this. Raises InvalidSettings."""
    return Version(stack.settings_version.number + 1, values).settings(stack.shop, stack.first_settings)


def readers_of(stack: Stack, schedule: str) -> tuple[str, list[str]]:
    """A schedule's id, and who gets what it makes: its own readers, or everybody. Raises NotFound, and Misused where it mails nobody."""
    from ops.schedules import find

    standing, settings = find(stack, schedule), stack.settings
    job = standing.schedule.function.removeprefix(f"{stack.name}-").replace("-", "_")
    everybody = {"report": settings.report_recipients, "anomaly_check": settings.alert_recipients}
    if job not in everybody:
        raise Misused(f"{standing.id} mails nobody.", action="Name the schedule of a report or of a check.")
    return standing.id, list(settings.schedule_recipients.get(standing.id, everybody[job]))


def written_readers(stack: Stack, schedule: str, readers: Sequence[str] | None) -> Stored:
    """The setting of all schedules' own readers, with these for one of them (None: it has everybody's)."""
    lists: dict[str, Sequence[str]] = {**stack.settings.schedule_recipients, schedule: readers or ()}
    if readers is None:
        del lists[schedule]
    try:
        return checked("schedule_recipients", lists)
    except ValueError as error:
        raise Misused(f"{error}.", action="Write each as name@shop.example.com.") from None


def in_force(stack: Stack) -> Settings:
    """What the next run goes by; where that cannot be used, what the stack's Parameters say of its own shop. Raises Failed for another."""
    try:
        return stack.settings
    except Failed:
        if stack.shop != MAIN_SHOP:
            raise
        return stack.first_settings


def has_history(stack: Stack) -> bool:
    """Whether sales are stored, under the settings that they were stored under."""
    found, _ = stack.files.page("history/", most=1)
    return bool(found)


def source_of(stack: Stack, name: str) -> str:
    """Where a setting's value comes from."""
    if name in stack.settings_version.values:
        return f"the shop's row, version {stack.settings_version.number}"
    return (
        "the stack's Parameters"
        if stack.shop == MAIN_SHOP and stack.function("report").environment.get(name.upper())
        else "the default"
    )


def as_text(value: object) -> str:
    """A setting's value as one line."""
    match as_stored(value):
        case str() as text if text.startswith(PNG_BEGINS):
            return f"a PNG file of {len(base64.b64decode(text)):,} bytes"
        case str() as text:
            return text or "-"
        case Mapping() as by_name:
            return "; ".join(f"{name}: {', '.join(parts) or 'nobody'}" for name, parts in by_name.items()) or "-"
        case parts:
            return ", ".join(parts) or "-"


def default_of(name: str) -> str:
    """A setting's default as one line; what has none starts from the template."""
    field = FIELDS[name]
    return "the template's" if field.is_required() else as_text(field.get_default(call_default_factory=True))


def allowed(name: str) -> str:
    """What a setting may be, in words: its choices, or its bounds and their unit."""
    field = FIELDS[name]
    kind: Any = field.annotation
    if choices := _choices(kind):
        return ", ".join(choices)
    low, high, most = (_bound(field, of, what) for of, what in ((Ge, "ge"), (Le, "le"), (MaxLen, "max_length")))
    unit = next((f" {one.name}" for one in field.metadata if isinstance(one, Unit)), "")
    if low is not None:
        return f"{low:,} to {high:,}{unit}"
    if str(kind).startswith(("tuple", "typing.Annotated[tuple")):
        return f"a list with commas between, {most} at most"
    if name in _FORMS:
        return _FORMS[name]
    return f"text, {most} characters at most"


_FORMS = {
    "logo": "a PNG file: settings set logo FILE.png",
    "brand_color": "#RRGGBB, or empty",
    "currency": "a code of ISO 4217, such as CNY",
    "timezone": "an IANA time zone, such as Asia/Shanghai",
    "day_ends_at": "a time from 00:00 to 11:59",
    "salesflow_api_url": "https://host/api/v1 (http only to 127.0.0.1, localhost, host.docker.internal and 172.16.0.0/12)",
    "schedule_recipients": "lists of addresses by schedule",
    "heartbeat_url": "an https address, or empty",
}


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    members: Any = kind if isinstance(kind, EnumType) else ()
    return [member.value for member in members]


def _bound(field: FieldInfo, of: type, name: str) -> Any:
    return next((getattr(one, name) for one in field.metadata if isinstance(one, of)), None)
