"""What a stack of an older version was told by Parameters that are none any more, and where it belongs now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ops.first_answers import declared
from ops.schedules import KNOBS
from ops.shop_settings import FIELDS
from salesflow.settings import Stored
from salesflow.shops.book import as_stored, checked

SIZES = re.compile(r"\w+(Memory|Timeout)|Schedule(RetryAttempts|MaxAgeSeconds)")
"""Parameters whose values stand in template.yaml now."""
USUAL = {
    "ReportTimeout": "600",
    "WatchdogMemory": "512",
    "WatchdogTimeout": "180",
    "ScheduleRetryAttempts": "8",
    "ScheduleMaxAgeSeconds": "3600",
}
"""What these were in the older version unless somebody said otherwise; other memories 2048, other time-outs 900."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What becomes of a stack's older Parameters.

    settings: what the shop's row is to say, other than the defaults; crons: the schedules' Parameters; lost: values that nothing takes any
    more, and that were not the usual ones.
    """

    settings: Mapping[str, Stored]
    crons: Mapping[str, str]
    lost: Mapping[str, str]


def is_older(parameters: Mapping[str, str]) -> bool:
    """Whether a stack has Parameters that this version's template has not."""
    return bool(parameters.keys() - declared().keys())


def carried(parameters: Mapping[str, str]) -> Carried:
    """Where a stack's Parameters go. Raises ValueError for a value that the setting does not take."""
    settings: dict[str, Stored] = {}
    lost: dict[str, str] = {}
    for name in sorted(parameters.keys() - declared().keys()):
        value, setting = parameters[name], re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        if setting in FIELDS:
            if (stored := _stored(setting, value)) is not None:
                settings[setting] = stored
        elif SIZES.fullmatch(name) and value != USUAL.get(name, "2048" if name.endswith("Memory") else "900"):
            lost[name] = value
    crons = {knob: _cron(knob, parameters) for knob in KNOBS.values() if _has_hours(knob, parameters)}
    return Carried(settings, crons, lost)


def _stored(setting: str, value: str) -> Stored | None:
    """What the row is to say of a setting; None where that is the default, or where empty meant so."""
    if not value.strip():
        return None
    stored = checked(setting, value)
    return None if stored == as_stored(FIELDS[setting].get_default(call_default_factory=True)) else stored


def _has_hours(knob: str, parameters: Mapping[str, str]) -> bool:
    return f"{knob.removesuffix('Cron')}State" in parameters


def _cron(knob: str, parameters: Mapping[str, str]) -> str:
    """The cron expression of an older version's state, day, hour and minute; empty where it was off."""
    name = knob.removesuffix("Cron")
    if parameters[f"{name}State"] == "DISABLED":
        return ""
    minute, day = parameters[f"{name}Minute"], parameters.get(f"{name}Day")
    if name == "Watchdog":
        return f"{minute} * * * ? *"
    if name == "SyncHourly":
        return f"{minute} {parameters['SyncHourlyFirstHour']}-{parameters['SyncHourlyLastHour']} * * ? *"
    hour = parameters[f"{name}Hour"]
    if day is None:
        return f"{minute} {hour} * * ? *"
    return f"{minute} {hour} {day} * ? *" if day.isdecimal() else f"{minute} {hour} ? * {day} *"
