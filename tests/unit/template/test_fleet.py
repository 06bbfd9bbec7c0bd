"""Does the machine that fires all shops take up what passes, count what does not, and end?"""

from typing import Any

from local.cloud.template import load_template
from salesflow import errors
from tests.unit.template.stack import TEMPLATE


def states() -> dict[str, Any]:
    found: dict[str, Any] = load_template(TEMPLATE)["Resources"]["FleetMachine"]["Properties"]["Definition"]["States"]
    return found


def test_what_passes_is_tried_again_and_is_no_failure() -> None:
    """A run that SES throttles ends and raises: here nobody retries it but the machine. Lambda names an error by its class."""
    shop = states()["Fire"]["ItemProcessor"]["States"]["Shop"]
    own = [name for retry in shop["Retry"] for name in retry["ErrorEquals"] if not name.startswith("Lambda.")]
    assert "DeliveryIncomplete" in own
    assert all(issubclass(getattr(errors, name), errors.SalesFlowError) for name in own)
    throttled = next(retry for retry in shop["Retry"] if "Lambda.TooManyRequestsException" in retry["ErrorEquals"])
    for retry in shop["Retry"]:
        assert retry["JitterStrategy"] == "FULL", "thousands must not come back at the same moment"
        assert retry["MaxAttempts"] * retry["MaxDelaySeconds"] >= 3600
    assert throttled["MaxAttempts"] * throttled["MaxDelaySeconds"] <= 4 * 3600


def test_nothing_else_that_fails_is_lost() -> None:
    items = states()["Fire"]["ItemProcessor"]["States"]
    assert items["Shop"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Keep"}]
    assert "Catch" not in items["Keep"], "a failure that cannot be kept fails the whole"
    assert not {"ToleratedFailureCount", "ToleratedFailurePercentage"} & states()["Fire"].keys()


def test_the_count_of_each_list_decides_before_the_next() -> None:
    every = states()
    assert (every["Fire"]["Next"], every["Count"]["Next"]) == ("Count", "Judge")
    too_many, more = every["Judge"]["Choices"]
    assert (too_many["Next"], more["Next"], every["Judge"]["Default"]) == ("Stop", "Take", "Done")
    assert every["Stop"]["Type"] == "Fail"
