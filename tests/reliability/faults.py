"""Fault injection: every outside call of a job meets every fault, once or for the whole run; then the retry comes.

The run either completes, and then everything is as without the fault, or it ends FAILED with a named error whose words
are in the ledger, with nothing half-done to be seen; and the retry makes it good. Time-outs and pauses are simulated:
they move the clock and take no time.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from moto.s3.models import FakeKey

from tests.reliability.containers import LAMBDA_SECONDS, Container, Result
from tests.reliability.findings import Finding, Outcome, half_done, judge, mailed_without_file
from tests.reliability.scenarios import Stage
from tests.reliability.world import MOMENT, RETRY_AFTER, EndState, World
from tests.stand_ins.aws import Answer, Request, refusal
from tests.stand_ins.clocks import TIME_IS_OVER
from tests.stand_ins.gateway import Call, Forward, Point

ENDS = MOMENT + timedelta(seconds=LAMBDA_SECONDS)
"""When Lambda would end the run."""

_READ_SECONDS = {"s3": 20.0, "dynamodb": 3.0, "secretsmanager": 5.0, "kms": 5.0, "ses": 20.0, "api": 60.0}
"""How long the system's clients wait for an answer (`salesflow.aws`, `salesflow.source.transport`)."""


class Fault(StrEnum):
    """What a call meets."""

    THROTTLED = "throttled"
    ERROR_500 = "500"
    ERROR_503 = "503"
    CUT_BEFORE = "connection lost before the effect"
    CUT_AFTER = "connection lost after the effect"
    TIME_OUT_BEFORE = "time-out, never arrived"
    TIME_OUT_AFTER = "time-out, took effect"
    SLOW = "slow"
    CORRUPT = "corrupt body"
    PARTIAL = "partial body"
    STALE = "stale read"
    LATE = "comes when the function's time is over"
    DENIED = "access denied, for good"
    DOWN = "503, for good"
    DEAD = "time-outs, for good"

    @property
    def lasts(self) -> bool:
        """Whether every repetition of the call in this run meets it too."""
        return self in (Fault.DENIED, Fault.DOWN, Fault.DEAD)


_ALIKE = (
    (Fault.THROTTLED, Fault.ERROR_500, Fault.ERROR_503),
    (Fault.CUT_BEFORE, Fault.TIME_OUT_BEFORE),
    (Fault.CUT_AFTER, Fault.TIME_OUT_AFTER),
    (Fault.CORRUPT, Fault.PARTIAL),
)
"""Faults that the same lines of code mend."""


def in_turn(number: int) -> tuple[Fault, ...]:
    """Every fault, but of those that are alike only one, by the number of the call: the next call meets another."""
    chosen = {alike[number % len(alike)] for alike in _ALIKE}
    return tuple(fault for fault in Fault if fault in chosen or not any(fault in alike for alike in _ALIKE))


_CODES = {
    Fault.THROTTLED: {
        "s3": (503, "SlowDown"),
        "dynamodb": (400, "ProvisionedThroughputExceededException"),
        "secretsmanager": (400, "ThrottlingException"),
        "kms": (400, "ThrottlingException"),
        "ses": (429, "TooManyRequestsException"),
        "api": (429, ""),
    },
    Fault.ERROR_500: {
        "s3": (500, "InternalError"),
        "dynamodb": (500, "InternalServerError"),
        "secretsmanager": (500, "InternalServiceError"),
        "kms": (500, "KMSInternalException"),
        "ses": (500, "InternalServiceErrorException"),
        "api": (500, ""),
    },
    Fault.ERROR_503: dict.fromkeys(_READ_SECONDS, (503, "ServiceUnavailable")),
    Fault.DOWN: dict.fromkeys(_READ_SECONDS, (503, "ServiceUnavailable")),
    Fault.DENIED: {
        "s3": (403, "AccessDenied"),
        "dynamodb": (400, "AccessDeniedException"),
        "secretsmanager": (400, "AccessDeniedException"),
        "kms": (400, "AccessDeniedException"),
        "ses": (403, "AccessDeniedException"),
        "api": (403, ""),
    },
}


def applies(fault: Fault, point: Point) -> bool:
    """Whether this call can meet this fault."""
    reads_body = point.name.startswith(("s3 GET", "api", "dynamodb", "secretsmanager", "kms", "ses"))
    match fault:
        case Fault.CORRUPT | Fault.PARTIAL:
            return reads_body
        case Fault.CUT_AFTER | Fault.TIME_OUT_AFTER:
            return not point.reads  # a read has no effect: after it is before it
        case Fault.STALE:  # S3 and DynamoDB read consistently; what S3 gives out late is tried all the same
            return point.name.startswith(("s3 GET", "s3 HEAD"))
        case _ if fault.lasts:
            return point.number == 1  # it lasts: the later calls of the same name meet it as well
        case _:
            return True


class Injection:
    """Interference that lets one call of a run, or all of its name, meet a fault."""

    def __init__(self, world: World, point: Point, fault: Fault) -> None:
        self.world = world
        self.point = point
        self.fault = fault
        self.met: list[Call] = []
        self._at_start: dict[str, FakeKey] = world.objects()

    def __call__(self, call: Call, forward: Forward) -> Answer | None:
        """Pass a call on, or let it meet the fault."""
        due = call.point.name == self.point.name if self.fault.lasts else call.point == self.point
        if not due:
            return forward()
        self.met.append(call)
        clock = self.world.clock
        match self.fault:
            case Fault.CUT_BEFORE:
                return None
            case Fault.CUT_AFTER:
                forward()
                return None
            case Fault.TIME_OUT_BEFORE | Fault.TIME_OUT_AFTER | Fault.DEAD:
                if self.fault is Fault.TIME_OUT_AFTER:
                    forward()
                return self._time_out(call.service)
            case Fault.SLOW:
                clock.advance(2.5)
                return forward()
            case Fault.LATE:
                clock.set(ENDS - timedelta(seconds=9))
                return forward()
            case Fault.CORRUPT:
                answer = forward()
                middle = len(answer.body) // 3
                answer.body = bytes(b ^ 0xFF if middle <= n < 2 * middle else b for n, b in enumerate(answer.body))
                return answer
            case Fault.PARTIAL:
                answer = forward()
                answer.headers = [h for h in answer.headers if h[0].lower() != "content-length"]
                answer.headers.append(("Content-Length", str(len(answer.body))))
                answer.body = answer.body[: len(answer.body) // 2]
                return answer
            case Fault.STALE:
                return self._stale(call.request, forward)
            case _:
                status, code = _CODES[self.fault][call.service]
                return error_of(call.service, status, code)

    def _time_out(self, service: str) -> Answer:
        """Let the time pass that the client waits for an answer, and tell its socket so."""
        clock = self.world.clock
        seconds = _READ_SECONDS[service]
        if service == "api":  # this client knows the function's deadline
            seconds = min(seconds, max(0.0, (ENDS - timedelta(seconds=10) - clock()).total_seconds()))
        clock.advance(seconds)
        return Answer(0, [], TIME_IS_OVER)

    def _stale(self, request: Request, forward: Forward) -> Answer:
        """The object as it was before this run: another version, or not there."""
        now, before = self.world.objects().get(request.key), self._at_start.get(request.key)
        if now is None or now is before:
            return forward()
        if before is None:
            return error_of("s3", 404, "NoSuchKey")
        headers = [
            ("Content-Length", str(len(before.value))),
            ("ETag", before.etag),
            ("x-amz-version-id", before.version_id),
            *((name, value) for name, value in before.metadata.items() if isinstance(value, str)),
        ]
        return Answer(200, headers, before.value)


def error_of(service: str, status: int, code: str) -> Answer:
    """An error in the form of a service, or of the SalesFlow API."""
    if service == "api":
        shape = {"code": "ERROR", "message": "made to fail", "details": None, "timestamp": "2026-11-21T07:00"}
        return Answer(status, [("Content-Type", "application/json")], json.dumps(shape).encode())
    return refusal(service, status, code)


@dataclass
class Injected(Outcome):
    """What fault injection came to. ended: runs by how: "completed" in spite of the fault, "failed" and said so, of these "killed"
    by Lambda; reasons: of those that failed."""

    faults: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


def inject(
    stage: Stage,
    *,
    faults: Iterable[Fault] | None = None,
    points: Iterable[Point] | None = None,
    broken: str = "",
    progress: Callable[[str], None] = print,
    into: Injected | None = None,
) -> Injected:
    """Let every call of the stage's job meet these faults (without them each, but those that are alike in turn); what comes of it goes
    `into` what came of others."""
    injected = into or Injected()
    kinds = tuple(faults or ())
    for number, point in enumerate(stage.expected.points if points is None else points):
        for fault in kinds or in_turn(number):
            if applies(fault, point):
                _inject(stage, point, fault, broken, injected)
    progress(
        f"{stage.scenario.name}: {injected.faults} faults, {injected.ended['completed']} completed all the same, "
        f"{injected.ended['failed']} failed and were made good, {len(injected.findings)} findings"
    )
    return injected


def _inject(stage: Stage, point: Point, fault: Fault, broken: str, injected: Injected) -> None:
    world, scenario = stage.world, stage.scenario
    where = f"{scenario.name}: {fault} at {point}"
    stage.reset()
    injection = Injection(world, point, fault)
    first = world.run(scenario.function, scenario.event, "request-1", interference=injection, broken=broken)
    calls = list(world.gateway.calls)
    state = world.end_state()
    injected.faults += 1
    injected.findings += [Finding("lost", where, problem) for problem in half_done(state)]
    injected.findings += mailed_without_file(where, state)
    again = may_be_repeated(injection)
    if first.answer is not None:
        injected.ended["completed"] += 1
        if first.answer["status"] != stage.expected.status and not costs_unknown(point, fault):
            injected.findings.append(Finding("silent", where, f"the run ended as {first}"))
    else:
        injected.ended.update(["failed", *(["killed"] if first.killed else [])])
        injected.reasons[first.failure.kind if first.failure else "killed"] += 1
        injected.findings += _told_truly(where, first, state, ledger_up=not point.name.startswith("dynamodb"))
        world.clock.set(max(world.clock(), MOMENT) + RETRY_AFTER)
        second = world.run(scenario.function, scenario.event, "request-1", broken=broken)
        if second.answer is None or second.answer["status"] not in {stage.expected.status, "DUPLICATE"}:
            injected.findings.append(Finding("lost", where, f"the retry ended as {second}; before it: {first}"))
    if fault is Fault.LATE:
        injected.findings += _stopped_in_time(where, injection, calls)
    end = world.end_state()
    if not costs_unknown(point, fault):
        injected.findings += judge(where, end, stage.expected, may_repeat=again)
    injected.tolerated += end.repeated


def _told_truly(where: str, result: Result, state: EndState, *, ledger_up: bool) -> list[Finding]:
    """A run that failed says why, in its error and in the ledger."""
    if result.killed:
        return []  # Lambda's own error tells of it, and the lease runs out
    assert result.failure is not None
    found = []
    if not result.failure.is_named:
        found.append(Finding("silent", where, f"an error that does not say what to do: {result}"))
    if ledger_up:
        rows = [row for row in state.runs.values() if row["status"]["S"] != "SUCCEEDED"]
        if [row["status"]["S"] for row in rows] != ["FAILED"]:
            found.append(Finding("silent", where, f"the ledger does not say FAILED but {list(state.runs.values())}"))
        elif rows[0]["reason"]["S"][:900] != result.failure.message[:900]:
            found.append(Finding("silent", where, f"the ledger gives another reason: {rows[0]['reason']['S']}"))
    return found


def _stopped_in_time(where: str, injection: Injection, calls: list[Call]) -> list[Finding]:
    """Once the function's time is nearly over, nothing new is begun: no mail is sent, and Lambda need not end the run."""
    found = []
    if injection.world.clock() >= ENDS + RETRY_AFTER:
        found.append(Finding("silent", where, "the run went on until Lambda ended it"))
    met = calls.index(injection.met[0]) if injection.met else len(calls)
    late = [call.mails for call in calls[met + 1 :] if call.mails]
    if late:
        found.append(Finding("silent", where, f"{', '.join(late)} were still mailed when the time was over"))
    return found


def may_be_repeated(injection: Injection) -> set[str]:
    """Who may be mailed once more: SES took the mail but its answer, or the record of it, got lost."""
    after = {Fault.CUT_AFTER, Fault.TIME_OUT_AFTER}
    found = {call.mails for call in injection.met if call.mails and injection.fault in after}
    lost = {Fault.DENIED, Fault.DOWN, Fault.DEAD, Fault.CUT_BEFORE, Fault.TIME_OUT_BEFORE, Fault.CORRUPT, Fault.PARTIAL}
    found |= {call.records for call in injection.met if call.records and injection.fault in lost}
    return {recipient for recipient in found if recipient}


def costs_unknown(point: Point, fault: Fault) -> bool:
    """An account that may not read stock or costs gets reports without them, which say so: no fault to be made good."""
    return fault is Fault.DENIED and point.name.endswith(("/inventory", "/products"))


def crowd(stage: Stage, size: int, *, broken: str = "", progress: Callable[[str], None] = print) -> Outcome:
    """Fire the job `size` times at the same moment for the same date: one does the work."""
    world, scenario = stage.world, stage.scenario
    where = f"{scenario.name}: {size} at once"
    stage.reset()
    containers = [world.start(scenario.function, broken=broken) for _ in range(size)]

    def fire(numbered: tuple[int, Container]) -> Result:
        number, container = numbered
        return container.invoke(scenario.event, f"request-{number}")

    with world.gateway.interfering(None), ThreadPoolExecutor(size) as pool:
        results = list(pool.map(fire, enumerate(containers)))
    for container in containers:
        container.close()
    statuses = Counter(result.answer["status"] if result.answer else str(result) for result in results)
    crowded = Outcome()
    if statuses != Counter({stage.expected.status: 1, "DUPLICATE": size - 1}):
        crowded.findings.append(Finding("doubled", where, f"the runs ended as {dict(statuses)}"))
    crowded.findings += judge(where, world.end_state(), stage.expected)
    written = {key: world.versions(key) for key in stage.expected.ends[0].objects if key.startswith("reports/")}
    before = stage.objects_before
    for key, times in written.items():
        if times - (key in before) > 1:
            crowded.findings.append(Finding("doubled", where, f"{key} was written {times} times"))
    progress(f"{where}: {dict(statuses)}, {len(crowded.findings)} findings")
    return crowded


def token_in(texts: Iterable[str], token: str) -> list[str]:
    """The texts that hold the token or its signature."""
    signature = token.rpartition(".")[2]
    return [text[:200] for text in texts if token in text or signature in text]


def everything_written(world: World, *results: Any) -> list[str]:
    """Every text that left the system: logs, mails, artefacts, rows, answers and errors."""
    texts = [world.host.logs(), *(str(row) for row in world.rows()), *(str(result) for result in results)]
    texts += [mail.message.as_string() for mail in world.mails()]
    texts += [stored.value.decode("latin-1") for stored in world.objects().values()]
    return texts
