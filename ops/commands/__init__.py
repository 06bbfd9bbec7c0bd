"""The operator's command line. `ops/__main__.py` is the way in; `app.py` puts the groups together.

To add a command (say `costs`):

1. What it does goes into a module of its own outside `ops/cli` (`ops/costs.py`): plain functions that take a `Stack`, return
   values, print nothing, and raise. It may import what it likes.
2. How it is asked for and shown goes into `ops/cli/costs.py`: `app = Group("What a month costs.")` and one function a command
   under `@app.command("show", examples=["costs show --json"])`. A parameter `desk: Desk` gets the desk; the global options
   (--stack, --profile, --region, --local, --json) come by themselves, before or after the command's name. Import heavy modules
   (boto3, pandas, `local.shop`, the function's own module) inside the function: `--help` must stay quick. `needs_stack=False`
   leaves the stack's options out.
3. One line in `app.py` registers the group, or `app.command(...)` a single command.

What a command uses: `desk.stack` (an `ops.target.Stack`: `client("s3")`, `bucket`, `state_table`, `function("report")`, `settings`,
`ledger`, ... resolved through CloudFormation when first asked for) and `desk.out` (`show(data, Table(...))`, `note(...)`,
`progress(...)`, `confirm(...)`). `data` is what --json prints: decide on its names once, others build on them. Beside it:
`ops.firing.fire` (invoke and wait), `ops.runs` (the ledger), `ops.logs`, `ops.schedules`, `ops.preview` (dry runs),
`ops.stack_parameters`.

What goes wrong is raised: any boto error, `SalesFlowError` or `OSError` becomes one sentence and an exit status
(`ops.complaints.ExitCode`); raise `ops.complaints.NotFound`, `Misused` or `Failed` for one's own. A command that did its work but
found a lack ends with `raise typer.Exit(ExitCode.FAILED)` after it has shown everything. Tests: `tests/integration/ops`, where a
fixture keeps one local cloud for a module and `desk(...)` runs a command against it.
"""
