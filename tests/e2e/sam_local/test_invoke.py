"""Do the functions work in Lambda's containers, from the built layers, however they are fired?

Events go to warm containers (`sam local start-lambda`), as in a day of a stack. `sam local invoke` runs the same containers with the same
environment; SAM makes an image of the layers anew for each, which takes longer than anything that runs in it: one event of `events/` is
typed that way, and one that is refused.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3

from tests.e2e.layers.built_stack import ROOT, BuiltStack
from tests.e2e.sam_local.cloud import RunningCloud
from tests.e2e.sam_local.conftest import Table
from tests.e2e.sam_local.sam import Answer, SamLocal, WarmFunctions

EVENTS = ROOT / "events"
MIB = 1 << 20


@dataclass(frozen=True)
class Way:
    """A function, and what its three events come to in this order: fired by a schedule, by a rule, and by hand.

    Schedule and rule fire at the same moment, for yesterday: where they ask for the same work, the second is a duplicate.
    """

    job: str
    schedule: str
    rule: str
    console: str
    artifacts: tuple[set[str], set[str], set[str]] = (set(), set(), set())

    @property
    def function(self) -> str:
        return "".join(word.title() for word in self.job.split("_")) + "Function"


WAYS = (
    Way("sync_history", "SUCCEEDED", "DUPLICATE", "SUCCEEDED"),
    Way("report", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED", ({"pdf"}, {"excel"}, {"pdf", "excel"})),
    Way("forecast", "SUCCEEDED", "DUPLICATE", "SUCCEEDED", ({"json"}, {"json"}, {"json"})),
    Way("anomaly_check", "SUCCEEDED", "SUCCEEDED", "DUPLICATE", ({"json"}, {"json"}, {"json"})),
    Way("watchdog", "SUCCEEDED", "DUPLICATE", "SUCCEEDED"),
)


EACH_WAY = pytest.mark.parametrize("way", WAYS, ids=[way.job for way in WAYS])


@EACH_WAY
def test_a_schedule_a_rule_and_a_console_fire_the_function(
    way: Way, warm: WarmFunctions, sam: SamLocal, cloud: RunningCloud, table: Table
) -> None:
    moment = datetime.now(UTC)
    scheduled = table.add("start-lambda", _fire(warm, way, "schedule", moment))
    ruled = table.add("start-lambda", _fire(warm, way, "rule", moment))
    if way.job == "report":
        typed = table.add("invoke", sam.invoke(way.function, EVENTS / "report.json"))
    else:
        typed = table.add("start-lambda", warm.invoke(way.function, _event(way.job), name=f"{way.job}.json"))
    for answer, status, formats in zip(
        (scheduled, ruled, typed), (way.schedule, way.rule, way.console), way.artifacts, strict=True
    ):
        _did_its_work(answer, way.job, status, formats, cloud)


def test_what_ses_reports_marks_the_address(warm: WarmFunctions, table: Table) -> None:
    event = _event("mail_events/bounce")
    told = table.add("start-lambda", warm.invoke("MailEventsFunction", event, name="mail_events/bounce.json"))
    assert told.payload == {"event_type": "Bounce", "marked": ["former.reader@shop.example.com"]}


@pytest.mark.parametrize("job", [way.job for way in WAYS])
def test_a_bad_event_is_refused_by_the_name_of_its_field(job: str, warm: WarmFunctions, table: Table) -> None:
    way = next(way for way in WAYS if way.job == job)
    bad = _fired(_event(f"{job}-schedule"), datetime.now(UTC)) | {"colour": "blue"}
    answer = table.add("start-lambda", warm.invoke(way.function, bad, name="(colour: blue)"))
    assert answer.payload["errorType"] == "InvalidJobEvent"
    assert (
        "colour is no field of this job (allowed: shop, business_date, force, notify" in answer.payload["errorMessage"]
    )
    assert "nothing was run" in answer.payload["errorMessage"]


def test_an_event_that_is_not_of_ses_is_refused(warm: WarmFunctions, table: Table) -> None:
    answer = table.add("start-lambda", warm.invoke("MailEventsFunction", {"colour": "blue"}, name="(colour: blue)"))
    assert answer.payload["errorType"] == "InvalidJobEvent"
    assert "no event of SES" in answer.payload["errorMessage"]


def test_sam_local_invoke_shows_a_refused_event(sam: SamLocal, table: Table, tmp_path: Any) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({"business_date": "22.11.2026"}))
    answer = table.add("invoke", sam.invoke("WatchdogFunction", bad))
    assert answer.payload["errorType"] == "InvalidJobEvent"
    assert "business_date '22.11.2026': write it as an ISO date such as 2026-11-22" in answer.payload["errorMessage"]


def test_readers_were_mailed_from_inside_the_containers(cloud: RunningCloud, warm: WarmFunctions, table: Table) -> None:
    before = len(_mails(cloud))
    answer = table.add(
        "start-lambda",
        warm.invoke("ReportFunction", {"period": "weekly", "format": "html"}, name="(weekly, html)"),
    )
    assert answer.status == "SUCCEEDED"
    told = [address for mail in _mails(cloud)[before:] for address in mail["request"]["Destination"]["ToAddresses"]]
    assert sorted(told) == sorted(answer.payload["notified"]) != []


@pytest.mark.parametrize("function", [*(way.function for way in WAYS), "MailEventsFunction"])
def test_each_container_has_the_memory_that_the_template_gives(
    function: str, warm: WarmFunctions, table: Table
) -> None:
    answer = table.add("start-lambda", warm.invoke(function, {"shape": "round"}, name="(shape: round)"))
    built = BuiltStack("x86_64")
    own = built.of_type("AWS::Serverless::Function")[function].get("MemorySize")
    assert answer.limit_bytes == (own or built.template["Globals"]["Function"]["MemorySize"]) * MIB


def _event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return found


def _fired(event: dict[str, Any], moment: datetime) -> dict[str, Any]:
    """The event as if it had been fired then, as EventBridge fills in the time of each firing."""
    written = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return event | {name: written for name in ("scheduled_time", "time") if name in event}


def _fire(warm: WarmFunctions, way: Way, kind: str, moment: datetime) -> Answer:
    return warm.invoke(way.function, _fired(_event(f"{way.job}-{kind}"), moment), name=f"{way.job}-{kind}.json")


def test_a_link_that_nobody_signed_opens_nothing(warm: WarmFunctions, table: Table) -> None:
    request = {"version": "2.0", "rawPath": "/forged", "requestContext": {"http": {"method": "GET"}}}
    answer = table.add("start-lambda", warm.invoke("LinksFunction", request, name="(forged link)"))
    assert answer.payload["statusCode"] == 404
    assert "Location" not in answer.payload["headers"]


def _did_its_work(answer: Answer, job: str, status: str, formats: set[str], cloud: RunningCloud) -> None:
    assert answer.status == status, answer.payload
    assert answer.payload["job"] == job
    assert {made["format"] for made in answer.payload["artifacts"]} == formats
    for made in answer.payload["artifacts"]:
        found = cloud.stack.client("s3").head_object(Bucket=made["bucket"], Key=made["key"])
        assert made["bucket"] == cloud.stack.bucket
        assert found["ContentLength"] == made["bytes"] > 0


def _mails(cloud: RunningCloud) -> list[dict[str, Any]]:
    """What SES took."""
    found: list[dict[str, Any]] = urllib3.request("GET", f"{cloud.endpoint_url}/_local/mails").json()
    return found


def test_no_function_is_left_out() -> None:
    assert {way.function for way in WAYS} | {"MailEventsFunction", "LinksFunction"} == set(
        BuiltStack("x86_64").functions
    )
