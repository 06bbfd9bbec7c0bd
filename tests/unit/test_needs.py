"""What each job needs of the history, which its dry run shows too."""

from datetime import UTC, date, datetime

import pytest

from salesflow.identity import CATALOGUE
from salesflow.job_events import JobRequest
from salesflow.jobs.needs import demand_of
from salesflow.settings import Settings
from tests.unit.test_settings import GOOD

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("job", "own", "first_day", "fresh_from"),
    [
        ("report", {}, date(2026, 8, 23), DAY),
        ("report", {"period": "monthly"}, date(2026, 8, 23), date(2026, 11, 1)),
        ("report", {"period": "quarterly"}, date(2026, 5, 25), date(2026, 8, 23)),
        ("report", {"report_type": "stock"}, date(2026, 8, 23), None),
        ("sync_history", {}, date(2026, 5, 25), None),
        ("forecast", {}, date(2024, 9, 11), None),
        ("anomaly_check", {}, date(2026, 1, 30), None),
    ],
)
def test_a_job_says_how_far_back_it_looks(
    job: str, own: dict[str, str], first_day: date, fresh_from: date | None
) -> None:
    settings = Settings.from_environment(GOOD)
    event = {"business_date": DAY.isoformat(), **own}
    request = JobRequest.from_event(event, CATALOGUE[job].fields, now=NOW, zone=settings.zone)
    demand = demand_of(request, settings)
    assert (demand.first_day, demand.fresh_from) == (first_day, fresh_from)
    assert (demand.business_date, demand.complete, demand.asked_on) == (DAY, True, date(2026, 11, 21))


def test_the_watchdog_needs_none() -> None:
    settings = Settings.from_environment(GOOD)
    request = JobRequest.from_event({}, CATALOGUE["watchdog"].fields, now=NOW, zone=settings.zone)
    with pytest.raises(TypeError, match="reads no history"):
        demand_of(request, settings)
