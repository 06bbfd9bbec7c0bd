"""Reading what another release, or a hand, may have written: what is not known is ignored, what cannot be read is said by name."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import msgspec

import salesflow
from salesflow.errors import SalesFlowError

RELEASE = "release"
"""The attribute in which each row says which release wrote it; version 1.0.0 wrote none."""


class UnreadableRow(SalesFlowError):
    """A row of the state table that this release cannot read; names the row, what is wrong, and who wrote it."""


@contextmanager
def reading(row: Mapping[str, Any]) -> Iterator[None]:
    """Around what is made of a row: raises UnreadableRow where it does not hold what it should."""
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError, msgspec.ValidationError) as error:
        problem = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise UnreadableRow(
            f"The row {row.get('pk')}, {row.get('sk')} of the state table cannot be read: {problem[:300]} (written by "
            f"release {row.get(RELEASE, 'unknown, 1.0.0 at the latest')}, read by {salesflow.__version__}).",
            action="Go back to the release that wrote it, or mend or delete the row.",
        ) from error


def json_object(text: str | bytes) -> dict[str, Any] | None:
    """What a text says as a JSON object; None where it is none."""
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of stored values those that a dataclass has fields for: what a later release added is passed over."""
    return {field.name: values[field.name] for field in fields(kind) if field.name in values}
