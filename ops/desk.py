"""The operator's desk: what a command is given - the stack that was asked for, and where its words go."""

from __future__ import annotations

from functools import cached_property
from typing import Self

import typer

from ops.target import Stack, Target
from ops.terminal import Output


class Desk:
    """One command's desk. The stack is looked for when it is first asked for."""

    def __init__(self, target: Target, out: Output) -> None:
        self.target = target
        self.out = out

    @classmethod
    def of(cls, context: typer.Context) -> Self:
        """The desk that was laid for this command line, with what was said before the command's name."""
        found = context.find_root().obj
        return found if isinstance(found, cls) else cls(Target(), Output())

    @cached_property
    def stack(self) -> Stack:
        """The stack. Raises Misused (no region), Unreachable (no local cloud); whether it is there shows when it is used."""
        return self.target.resolve()
