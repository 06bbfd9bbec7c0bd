"""The schedules of a shop beside the stack's own: made after the template's, in the shop's zone, moved and stopped together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ops.complaints import NotFound
from ops.first_answers import declared
from ops.schedules import KNOBS, TARGET, Standing, change, every, input_of, keep_expected, window_of
from ops.target import Stack
from salesflow.watch.schedules import name_prefix

WATCHDOG = "watchdog-hourly"
"""The stack's own look at all of its shops."""


def crons(said: Mapping[str, str]) -> dict[str, str]:
    """By id the cron expression of each schedule that a shop gets: what is said for a Parameter, else the template's default; none is off."""
    found = {
        id_: said.get(knob, str(declared()[knob].get("Default", ""))) for id_, knob in KNOBS.items() if id_ != WATCHDOG
    }
    return {id_: cron for id_, cron in found.items() if cron}


def make(stack: Stack, zone: str, wanted: Mapping[str, str]) -> list[str]:
    """Make the shop's schedules (cron expressions by id), or those of them that are not there yet; the ids of those made.

    Function, role, retries and input are those that the stack's own of this id has; its hours and whether it is paused are not.
    """
    client, made = stack.client("scheduler"), []
    for id_, cron in wanted.items():
        model = _model(stack, id_)
        try:
            client.create_schedule(
                Name=name_prefix(stack.name, stack.shop) + id_,
                GroupName=stack.schedule_group,
                Description=model.get("Description") or id_,
                ScheduleExpression=f"cron({cron})",
                ScheduleExpressionTimezone=zone,
                FlexibleTimeWindow=window_of(stack),
                Target={key: model["Target"][key] for key in TARGET if key in model["Target"]}
                | {"Input": input_of(stack, model["Target"]["Input"])},
            )
        except client.exceptions.ConflictException:
            continue
        keep_expected(stack, id_)
        made.append(id_)
    return made


def _model(stack: Stack, id_: str) -> Mapping[str, Any]:
    client = stack.client("scheduler")
    try:
        found: Mapping[str, Any] = client.get_schedule(Name=f"{stack.name}-{id_}", GroupName=stack.schedule_group)
    except client.exceptions.ResourceNotFoundException:
        raise NotFound(
            f"The stack {stack.name} has no schedule {id_} to go by.",
            action="Deploy the stack again, then the same command.",
        ) from None
    return found


def move(stack: Stack, before: str, zone: str) -> list[str]:
    """Let the shop's schedules that fire in one zone fire in another; their ids."""
    return _change(stack, lambda one: {"ScheduleExpressionTimezone": zone} if one.schedule.zone == before else None)


def stop(stack: Stack) -> list[str]:
    """Let the shop's schedules fire no more; the ids of those that did."""
    return _change(stack, lambda one: {"State": "DISABLED"} if one.schedule.enabled else None)


def start(stack: Stack, ids: Collection[str]) -> list[str]:
    """Let these of the shop's schedules fire again; the ids of those that did not."""
    return _change(stack, lambda one: {"State": "ENABLED"} if one.id in ids and not one.schedule.enabled else None)


def _change(stack: Stack, wanted: Callable[[Standing], dict[str, str] | None]) -> list[str]:
    changed = []
    for one in every(stack):
        if changes := wanted(one):
            change(stack, one, **changes)
            changed.append(one.id)
    return changed


def remove(stack: Stack) -> list[str]:
    """Delete all of the shop's schedules; their names."""
    client, names = stack.client("scheduler"), [one.schedule.name for one in every(stack)]
    for name in names:
        try:
            client.delete_schedule(Name=name, GroupName=stack.schedule_group)
        except client.exceptions.ResourceNotFoundException:
            continue  # somebody else was faster
    return names
