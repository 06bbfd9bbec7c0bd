"""What a look found, and what every look is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from ops.target import Stack

type Verdict = Literal["OK", "WARN", "FAIL", "UNKNOWN"]
"""How something stands. UNKNOWN: it could not be looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was found, and (unless all is well) what to do about it."""

    check: str
    verdict: Verdict
    says: str
    fix: str = ""


class Patient(NamedTuple):
    """The stack that is looked at, and the moment (aware) at which."""

    stack: Stack
    now: datetime


class Look(NamedTuple):
    """One look: what it is about, the IAM actions that it takes, how it is taken, and whether it is about a shop of the stack, not the stack."""

    check: str
    needs: tuple[str, ...]
    take: Callable[[Patient], Iterable[Finding]]
    of_shop: bool = False


def ok(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, "OK", says)


def warn(check: str, says: str, *, fix: str) -> Finding:
    """It works, and is not as it should be."""
    return Finding(check, "WARN", says, fix)


def fail(check: str, says: str, *, fix: str) -> Finding:
    """It does not work."""
    return Finding(check, "FAIL", says, fix)


def unknown(check: str, says: str, *, fix: str) -> Finding:
    """It could not be looked at."""
    return Finding(check, "UNKNOWN", says, fix)
