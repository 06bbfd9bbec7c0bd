"""After a run: note how it ended, and make the library page anew. Neither may cost a run anything but these moments."""

from datetime import date, datetime

from salesflow import clock
from salesflow.jobs.runtime import Runtime
from salesflow.observability import logger


def keep_library(
    runtime: Runtime, job: str, identity: str, business_date: date, *, deadline: datetime | None, page: bool
) -> bool:
    """Note the run of a job for a date as the ledger has it, and bring the page up to date if `page`. Never raises.

    Called when the outcome is recorded and everybody is told. Nothing is begun after the deadline. False, and a line in the log,
    where it could not be done: then the next run makes the page.
    """
    try:
        if deadline is not None and clock.now() >= deadline:
            return True
        for record in runtime.ledger.runs(identity, business_date, business_date):
            runtime.library.note(job, record)
        if page and not runtime.library.rebuild():
            logger.info("other runs made the library page at the same time")
    except Exception as error:  # noqa: BLE001 - the run is over: what becomes of a view must not make it a failure
        logger.warning("the library page could not be made", why=f"{type(error).__name__}: {error}")
        return False
    return True
