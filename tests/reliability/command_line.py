"""The operator's command line as a container has it: a machine that may be switched off in the middle of a command."""

import os
import sys
from typing import Any

from typer.testing import CliRunner

from ops.app import app

_STATUSES = {
    "Somebody else wrote": 409,
    "The SAM CLI is not here": 200,
    "There is nothing to take out": 200,
    "is not among them": 200,
    "This should not happen": 500,
}
"""By what is said on standard error; `upgrade` ends where it would build, which this machine cannot; what is done already is done."""


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Run a command line: 200 where it is done, 409 where somebody else was faster, 503 where it says what is wrong, else 500."""
    sys.executable = os.environ["PATH"] = "/nowhere"
    done = CliRunner().invoke(app, event["arguments"])
    said = next((status for words, status in _STATUSES.items() if words in done.stderr), 503)
    crashed = done.exception is not None and not isinstance(done.exception, SystemExit)
    return {"statusCode": 500 if crashed else said if done.exit_code else 200, "body": "", "said": done.stderr[-2_000:]}
