"""Functions in the local cloud behave as in Lambda: environment, warmth, failures, limits, retries, destinations, crashes."""

import json
import threading
from typing import Any

import pytest

from local.cloud import LocalCloud, LocalCloudError

LAMBDA_SETS = {
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LANG",
    "LC_CTYPE",  # Python's own, where it coerces the locale
    "PATH",
    "PYTHONPATH",
    "TZ",
}


def test_only_the_declared_environment_reaches_the_handler(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESFLOW_LEAK", "from the developer's shell")
    cloud.function("Probe").kill()
    answer = cloud.invoke("Probe", {}).answer
    assert set(answer["environment"]) - LAMBDA_SETS == {"SECRET_ID", "BUCKET", "TABLE", "STACK", "TIMEZONE"}


def test_the_context_is_lambdas(cloud: LocalCloud) -> None:
    invocation = cloud.invoke(
        "Probe", {"do": "answer", "names": ["咖啡"]}, request_id="11111111-2222-3333-4444-555555555555"
    )
    answer = invocation.answer
    assert answer["request_id"] == "11111111-2222-3333-4444-555555555555"
    assert 18_000 < answer["remaining"] <= 20_000
    assert answer["memory"] == "256"
    assert answer["function"] == cloud.stack.physical_id("Probe")
    assert answer["arn"].endswith(f":function:{answer['function']}")
    assert answer["greeting"] == "from the layer"
    assert answer["event"]["names"] == ["咖啡"]
    assert answer["amount"] == 1.25
    assert answer["imports"] == []


def test_a_container_stays_warm_and_its_log_is_kept_by_invocation(cloud: LocalCloud) -> None:
    cloud.function("Probe").kill()
    cold, warm = cloud.invoke("Probe", {}), cloud.invoke("Probe", {})
    assert cold.init_duration is not None
    assert warm.init_duration is None
    assert (cold.answer["calls"], warm.answer["calls"]) == (1, 2)
    assert cold.answer["pid"] == warm.answer["pid"]
    assert warm.log == "call 2 does None\n"


def test_calls_at_the_same_time_get_containers_of_their_own(cloud: LocalCloud) -> None:
    pids = []
    event = {"do": "fill memory", "megabytes": 1, "seconds": 0.3}
    threads = [threading.Thread(target=lambda: pids.append(cloud.invoke("Probe", event).succeeded)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pids == [True, True]
    assert cloud.invoke("Probe", {}).init_duration is None


def test_an_exception_is_answered_as_lambda_answers_it(cloud: LocalCloud) -> None:
    error = cloud.invoke("Probe", {"do": "raise"}).error
    assert error is not None
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no such luck")
    assert "in lambda_handler" in error["stackTrace"][0]
    assert not any("runtime.py" in frame for frame in error["stackTrace"])
    assert cloud.invoke("Probe", {}).init_duration is None, "an exception does not cost the container"


@pytest.mark.parametrize(
    ("function", "event", "error_type", "message"),
    [
        ("Probe", {"do": "unserialisable"}, "Runtime.MarshalError", "type set is not JSON serializable"),
        ("Probe", {"do": "exit"}, "Runtime.ExitError", "exit status 3"),
        ("Probe", {"do": "fill memory", "megabytes": 400, "seconds": 5}, "Runtime.OutOfMemory", "of 256 MB"),
        ("Impatient", {"do": "hang"}, "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("Broken", {}, "Runtime.ImportModuleError", "Unable to import module 'nowhere'"),
    ],
)
def test_limits_and_broken_functions(
    cloud: LocalCloud, function: str, event: dict[str, Any], error_type: str, message: str
) -> None:
    cloud.function(function).kill()
    invocation = cloud.invoke(function, event)
    assert invocation.error is not None
    assert invocation.error["errorType"] == error_type
    assert message in invocation.error["errorMessage"]
    starts_cold = cloud.invoke(function, {}).init_duration is not None
    assert starts_cold == (error_type != "Runtime.MarshalError"), "what ended the process costs a cold start"


def test_peak_memory_is_of_the_invocation(cloud: LocalCloud) -> None:
    small = cloud.invoke("Probe", {}).peak_bytes
    large = cloud.invoke("Probe", {"do": "fill memory", "megabytes": 64}).peak_bytes
    after = cloud.invoke("Probe", {}).peak_bytes
    assert large - small > 60 << 20
    assert large - after > 60 << 20


def test_async_tries_again_with_the_same_request_id_until_it_succeeds(cloud: LocalCloud) -> None:
    result = cloud.invoke_async("Probe", {"do": "count to the table", "key": "third time lucky", "succeed_at": 3})
    assert result.succeeded
    assert [t.succeeded for t in result.tries] == [False, False, True]
    assert len({t.request_id for t in result.tries}) == 1
    assert result.last.answer["tries"] == 3
    assert result.destination is None


def test_async_that_keeps_failing_goes_to_the_destination_of_the_template(cloud: LocalCloud) -> None:
    event = {"do": "raise", "mark": "dead letter"}
    result = cloud.invoke_async("Probe", event)
    assert len(result.tries) == 3
    records = [json.loads(message["Body"]) for message in cloud.messages("Failures")]
    record = next(r for r in records if r["requestPayload"] == event)
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestContext"]["requestId"] == result.last.request_id
    assert record["responsePayload"]["errorType"] == "ValueError"


def test_async_keeps_to_the_templates_number_of_tries(cloud: LocalCloud) -> None:
    result = cloud.invoke_async("Impatient", {"do": "raise"})
    assert len(result.tries) == 1
    assert result.destination is None


def test_a_crash_in_the_middle_is_seen_and_the_next_try_starts_cold(cloud: LocalCloud) -> None:
    function = cloud.function("Probe")
    with cloud.aws.hold(target="DynamoDB_20120810.UpdateItem", when="after") as held:

        def crash() -> None:
            held.wait()
            function.kill()
            held.release()

        crasher = threading.Thread(target=crash)
        crasher.start()
        event = {"do": "count to the table", "key": "crash", "succeed_at": 2}
        result = cloud.invoke_async("Probe", event)
        crasher.join()
    first, second = result.tries
    assert first.error is not None
    assert first.error["errorType"] == "Runtime.ExitError"
    assert "SIGKILL" in first.error["errorMessage"]
    assert second.answer["tries"] == 2, "the write before the crash was done, and once"


def test_a_planted_aws_error_reaches_the_function(cloud: LocalCloud) -> None:
    with cloud.aws.failing(status=400, error="AccessDeniedException", target="secretsmanager.GetSecretValue"):
        error = cloud.invoke("Probe", {"do": "read secret"}).error
    assert error is not None
    assert "AccessDeniedException" in error["errorMessage"]


def test_an_unknown_function_is_named_with_those_that_there_are(cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match=r"no function Report; there are Broken, Impatient, Probe"):
        cloud.invoke("Report", {})
