"""The one way out of a container: every call to AWS and to the SalesFlow API passes here, is counted, and may meet a fault."""

import http.client
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from werkzeug.test import EnvironBuilder

from local.cloud.channels import PLACE, ChannelServices
from tests.stand_ins.aws import Answer, Cloud, Request

type Forward = Callable[[], Answer]
type Interference = Callable[["Call", Forward], Answer | None]
"""What happens to a call: it may forward it and hands back the answer; None closes the connection."""

_PATIENCE = 300.0
HEARTBEAT = "heartbeat"
"""The renewal of a lease: it comes by the real time, so it is no point that a run passes every time."""
_READS = ("s3 GET", "s3 HEAD", "api GET", "secretsmanager Get", "kms Decrypt", "dynamodb Query", "dynamodb GetItem")
_MONTH = re.compile(r"month=\d{4}-\d{2}")


class HarnessError(Exception):
    """The experiment itself went wrong: nothing can be said about the system."""


@dataclass(frozen=True, slots=True)
class Point:
    """One outside call of a run, told by what it is and not by when it came: threads of a run call at the same time.

    name: service, operation, and what it is about (a key, a recipient). number: how many calls of this name came before
    it in the run, and one.
    """

    name: str
    number: int

    def __str__(self) -> str:
        return self.name if self.number == 1 else f"{self.name} (#{self.number})"

    @property
    def reads(self) -> bool:
        """Whether the call changes nothing."""
        return self.name.startswith(_READS)

    @property
    def kind(self) -> str:
        """What it is about without the month: a table's months are read and written in one loop, by the same lines of code."""
        return _MONTH.sub("month=", self.name)


def without_more_of_a_kind(points: Iterable[Point]) -> tuple[Point, ...]:
    """Every point that changes something, but of reads of one kind the first, and of a loop's writes of months the first and the last."""
    all_of_them = tuple(points)
    last = {point.kind: point for point in all_of_them}
    kinds: set[str] = set()
    found = []
    for point in all_of_them:
        is_in_between = point.kind != point.name and point != last[point.kind]
        if point.kind not in kinds or not (point.reads or is_in_between):
            found.append(point)
        kinds.add(point.kind)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that came through the gateway."""

    point: Point
    request: Request

    @property
    def is_heartbeat(self) -> bool:
        """Whether a run renews its lease."""
        return self.point.name.endswith(HEARTBEAT)

    @property
    def service(self) -> str:
        """s3, dynamodb, secretsmanager, kms, ses, or api."""
        return self.request.service or "api"

    @property
    def mails(self) -> str | None:
        """The recipient, if the call is a SendEmail or a message to a channel."""
        if not self.request.service and self.request.path.startswith(PLACE):
            return self.request.path.removeprefix(PLACE).replace("/", ":", 1)
        return self.request.recipient if self.request.operation == "SendEmail" else None

    @property
    def records(self) -> str | None:
        """The recipient, if the call records that somebody was mailed."""
        if self.request.operation != "PutItem":
            return None
        return json.loads(self.request.body)["Item"].get("recipient", {}).get("S")


class Gateway(Cloud):
    """The cloud (moto) and the SalesFlow API behind one address; the API's calls are those without an AWS signature."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """clock: what the programs' clocks say that take messages (seconds since 1970)."""
        super().__init__()
        self._server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]  # killed clients
        self.api_port = 0
        self.other_apis: dict[str, int] = {}
        """By the first part of their paths the ports of other shops' APIs."""
        self.channels = ChannelServices(clock)
        self.calls: list[Call] = []
        self._interference: Interference | None = None
        self._seen: Counter[str] = Counter()
        self._in_flight = 0
        self._changed = threading.Condition()

    @property
    def moto(self) -> str:
        """The cloud's own address, for the harness itself: not counted, no faults."""
        return f"http://{self._host}:{self._port}"

    @contextmanager
    def interfering(self, interference: Interference | None) -> Iterator[None]:
        """Count calls from nought and let `interference` decide on each, until the block ends and no call is under way."""
        with self._changed:
            self.calls = []
            self._seen.clear()
            self._interference = interference
        try:
            yield
        finally:
            self.drain()
            with self._changed:
                self._interference = None

    def drain(self) -> None:
        """Wait until no call is under way: what a killed process sent off arrives before its successor starts."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._in_flight == 0, timeout=_PATIENCE):
                raise HarnessError("A call never came to an end.")

    def answer(self, request: Request) -> Answer | None:
        """Pass one call through."""
        with self._changed:
            name = _name(request)
            self._seen[name] += 1
            call = Call(Point(name, self._seen[name]), request)
            self.calls.append(call)
            self._in_flight += 1
            interference = self._interference
        try:
            if interference is None:
                return self._forward(request)
            return interference(call, lambda: self._forward(request))
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def _forward(self, request: Request) -> Answer:
        if request.service:
            return super()._forward(request)
        return self._to_channel(request) if request.path.startswith(PLACE) else self._forward_to_api(request)

    def _to_channel(self, request: Request) -> Answer:
        built = EnvironBuilder(
            request.path, method=request.method, headers=list(request.headers.items()), data=request.body
        )
        response = self.channels.answer(built.get_request())
        return Answer(response.status_code, list(response.headers), response.get_data())

    def _forward_to_api(self, request: Request) -> Answer:
        other = request.path.split("/")[1]
        port, path = self.other_apis.get(other, self.api_port), request.path
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        try:
            path = path.removeprefix(f"/{other}") if other in self.other_apis else path
            connection.request(request.method, path, request.body, request.headers)
            response = connection.getresponse()
            dropped = {"connection", "transfer-encoding", "server", "date"}
            kept = [(name, value) for name, value in response.getheaders() if name.lower() not in dropped]
            return Answer(response.status, kept, response.read())
        finally:
            connection.close()


def _name(request: Request) -> str:
    if not request.service and request.path.startswith(PLACE):
        return f"channel {request.path.removeprefix(PLACE)}"
    if not request.service:
        return f"api {request.method} {request.path.partition('?')[0].removeprefix('/api/v1')}"
    if request.service == "ses":
        return f"ses {request.operation} {request.recipient if request.operation == 'SendEmail' else ''}".strip()
    if request.service == "dynamodb":
        return f"dynamodb {request.operation} {_row(request)}".strip()
    return f"{request.service} {request.operation}"


def _row(request: Request) -> str:
    """What a call of the state table is about: what changes of a run's row, or which row."""
    body = json.loads(request.body)
    names = body.get("ExpressionAttributeNames", {})
    if "#set_run_id" in names:
        return "claim"
    if "#set_finished_at" in names:
        return "outcome"
    if "#set_lease_until" in names:
        return HEARTBEAT
    if "Item" in body:
        return f"{body['Item']['pk']['S'].partition('#')[0]} {body['Item']['sk']['S']}"
    return str(body.get("Key", {}).get("pk", {}).get("S", ""))


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    patience = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > patience:
            raise HarnessError("What was waited for did not come.")
        time.sleep(0.002)
