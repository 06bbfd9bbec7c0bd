"""The operator's commands, one module each. `ops/app.py` knows their names and loads the one that is asked for.

To add a command (say `costs`): a module `ops/commands/costs.py` with `app = Group("What a month costs.")` and one function a command under
`@app.command("costs", examples=["costs --days 7"])`, and a line in `ops.app.COMMANDS`. A module whose only command has its own name is that
command; one with several is a group. A parameter `desk: Desk` gets the desk; the global options (--stack, --profile, --region, --local, --json)
come by themselves, before or after the command's name; `needs_stack=False` leaves the stack's options out. Options that others have too are in
`ops.options`. Then `make docs`.

What a command uses: `desk.stack` (an `ops.target.Stack`: `client("s3")`, `bucket`, `state_table`, `function("report")`, `settings`, `ledger`, ...
resolved through CloudFormation when first asked for), `desk.day("yesterday")`, and `desk.out` (`show(data, Table(...))`, `note(...)`,
`progress(...)`, `confirm(...)`). `data` is what --json prints: decide on its names once, others build on them. Beside it: `ops.firing.fire` (invoke
and wait), `ops.runs` (the ledger), `ops.logs`, `ops.schedules`, `ops.preview` (dry runs), `ops.stack_parameters`.

What goes wrong is raised: any boto error, `SalesFlowError` or `OSError` becomes one sentence and an exit status (`ops.complaints.ExitCode`);
raise `ops.complaints.NotFound`, `Misused` or `Failed` for one's own. A command that did its work but found a lack ends with
`raise typer.Exit(ExitCode.FAILED)` after it has shown everything. Tests: `tests/integration/ops`, where a fixture keeps one local cloud for a
module and `desk(...)` runs a command against it.
"""
