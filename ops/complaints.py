"""What an operator's command cannot do, and the status that it ends with: raised anywhere in `ops`, told by `ops.errors`."""

from __future__ import annotations

from enum import IntEnum

from salesflow.errors import SalesFlowError


class ExitCode(IntEnum):
    """The statuses that every command ends with."""

    DONE = 0
    FAILED = 1
    MISUSED = 2
    NOT_FOUND = 3
    NO_ACCESS = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


class Complaint(SalesFlowError):
    """Why a command cannot do what it was asked; `code` is what the command ends with."""

    code = ExitCode.FAILED


class Failed(Complaint):
    """It was tried and did not work."""


class Misused(Complaint):
    """The command was called in a way that makes no sense."""

    code = ExitCode.MISUSED


class NotFound(Complaint):
    """There is no such stack, schedule, run, file."""

    code = ExitCode.NOT_FOUND


class NoAccess(Complaint):
    """The credentials are missing, wrong, expired or not enough."""

    code = ExitCode.NO_ACCESS


class Unreachable(Complaint):
    """Nothing answers."""

    code = ExitCode.UNREACHABLE


def in_words(said: str) -> str:
    """What a validator says of a value that will not do, without its own words."""
    return said.removeprefix("Value error, ").replace("Input should", "it must").partition(", unable to parse")[0]
