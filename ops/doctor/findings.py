"""What a look found, and what every look is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ops.target import Stack


class Verdict(StrEnum):
    """How something stands. UNKNOWN: it could not be looked at."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


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
    return Finding(check, Verdict.OK, says)


def warn(check: str, says: str, *, fix: str) -> Finding:
    """It works, and is not as it should be."""
    return Finding(check, Verdict.WARN, says, fix)


def fail(check: str, says: str, *, fix: str) -> Finding:
    """It does not work."""
    return Finding(check, Verdict.FAIL, says, fix)


def unknown(check: str, says: str, *, fix: str) -> Finding:
    """It could not be looked at."""
    return Finding(check, Verdict.UNKNOWN, says, fix)
