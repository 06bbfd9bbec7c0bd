"""What Tab offers where a command wants an id or a date: what lists of this machine's desk showed last, kept in a file. AWS is not asked.

The file is salesflow-ops/seen.json in the user's cache (XDG_CACHE_HOME, or ~/.cache): by kind ("schedule", "run", "product") the ids, the
newest first. It is for convenience alone: where it cannot be read or written, nothing is offered.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

MOST = 200
OFFERED_DAYS = 31


def remember(kind: str, ids: Iterable[str]) -> None:
    """Keep what a list showed; what was seen before comes after it."""
    known = _seen()
    known[kind] = list(dict.fromkeys([*ids, *known.get(kind, ())]))[:MOST]
    place = _place()
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f"{place.name}.{os.getpid()}")
        new.write_text(json.dumps(known), encoding="utf-8")
        new.replace(place)


def seen(kind: str) -> Callable[[str], list[str]]:
    """A completion by what was seen of a kind: ids that begin so, or else those that end so."""

    def complete(incomplete: str) -> list[str]:
        ids = _seen().get(kind, [])
        return [one for one in ids if one.startswith(incomplete)] or [one for one in ids if one.endswith(incomplete)]

    return complete


def dates(incomplete: str) -> list[str]:
    """A completion by the words for a date, and the last month's dates."""
    today = date.today()  # noqa: DTZ011 - only offered: the shop's own day counts when the command runs
    days = [str(today - timedelta(days=n)) for n in range(OFFERED_DAYS)]
    return [one for one in ("yesterday", "today", *days) if one.startswith(incomplete)]


def _place() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "salesflow-ops" / "seen.json"


def _seen() -> dict[str, list[str]]:
    try:
        kept = json.loads(_place().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
