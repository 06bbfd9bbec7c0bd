"""The `sync_history` job: brings sales history, daily panel and stock snapshot up to date, and mails nobody."""

from typing import Any

from salesflow.identity import SYNC_HISTORY
from salesflow.job_events import SyncHistoryFields
from salesflow.jobs.frame import Job, LambdaContext, Outcome, Run, run_job
from salesflow.jobs.inputs import read_inputs, told_of
from salesflow.jobs.needs import demand_of
from salesflow.jobs.runtime import Runtime
from salesflow.ledger import RunStatus


def sync_history(event: object, context: LambdaContext | None, runtime: Runtime) -> dict[str, Any]:
    """Run the job for an event; see `salesflow.jobs.frame.run_job` for the answer and the errors."""
    return run_job(_JOB, event, context, runtime)


def _work(run: Run[SyncHistoryFields]) -> Outcome:
    inputs = read_inputs(run, demand_of(run.request, run.runtime.settings), need_stock=True)
    reason = (
        f"Read {inputs.sync.sales} sales from {inputs.sync.plan.since} on; "
        f"the history covers {inputs.sync.coverage.first} to {inputs.sync.coverage.last}. {inputs.sync.clock_trouble}"
    ).rstrip()
    loss = inputs.sync.loss
    return Outcome(
        RunStatus.SUCCEEDED if loss is None else RunStatus.PARTIAL,
        reason if loss is None else f"{loss.reason} {reason}",
        details={
            "read_from": inputs.sync.plan.since.isoformat(),
            "sales_read": inputs.sync.sales,
            "set_aside": len(inputs.sync.set_aside),
            "products_counted": 0 if inputs.stock is None else len(inputs.stock.items),
            "covered_from": inputs.sync.coverage.first.isoformat(),
            "covered_to": inputs.sync.coverage.last.isoformat(),
            **told_of(inputs.sync),
        },
    )


_JOB = Job.of(SYNC_HISTORY, _work)
