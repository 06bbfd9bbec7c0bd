"""Commands of the operator's desk, run as `salesflow-ops` runs them, in this process: what they say and how they end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from local.cloud.aws import ACCESS_KEYS
from local.shop import LocalShop
from ops.app import app


@dataclass(frozen=True)
class Said:
    """What a command left: its exit status, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, str]]:
        """Standard output as the lines of a pipe: the columns' names first, cells apart by tabs."""
        names, *rows = [line.split("\t") for line in self.out.splitlines()]
        return [dict(zip(names, row, strict=True)) for row in rows]


def ops(*arguments: object, piped: str | None = None) -> Said:
    """Run a command line. piped: what its standard input holds."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], input=piped)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert "Traceback" not in done.stderr
    return Said(done.exit_code, done.stdout, done.stderr)


@dataclass(frozen=True)
class Desk:
    """An operator before a running local cloud."""

    shop: LocalShop

    def __call__(self, *arguments: object, piped: str | None = None) -> Said:
        """Run a command with --local."""
        return ops("--local", *arguments, piped=piped)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a shell that takes the local cloud for AWS itself."""
        aws = self.shop.cloud.aws
        return {**ACCESS_KEYS, "AWS_ENDPOINT_URL": aws.endpoint_url, "AWS_REGION": aws.region}
