"""Bytes as they come over the wire: no server stretches a deadline, and whatever comes is a batch or one of our errors."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesflow import clock
from salesflow.errors import (
    SalesFlowError,
    SourceContractBroken,
    SourceUnavailable,
)
from salesflow.source.transport import RETRIES, Transport, whole_body
from tests.integration.source.conftest import MakeClient


class RawServer:
    """Sends the same bytes to whoever connects, in pieces so large, and closes. asked: what it was sent last."""

    def __init__(self, piece: int = 1 << 20) -> None:
        self.reply = self.asked = b""
        self._piece = piece
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/api/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return  # closed
            with connection, contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.asked = connection.recv(65536)
                for start in range(0, len(self.reply), self._piece):
                    connection.sendall(self.reply[start : start + self._piece])
                    if self._piece == 1:
                        select.select([connection], [], [], 0.001)  # so that the bytes come one by one

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


STRETCHED = {
    "status line": b"HTTP/1.1 200 OK" + b" " * 300 + b"\r\nContent-Length: 2\r\n\r\n[]",
    "headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 40 + b"Content-Length: 2\r\n\r\n[]",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" * 15 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" + b"x" * 300 + b"\r\n[]\r\n0\r\n\r\n",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 302\r\n\r\n[" + b" " * 300 + b"]",
}


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """When a clock begins that goes on a second whenever it is looked at."""
    moment, looks = datetime(2026, 11, 22, 13, tzinfo=UTC), iter(range(10_000))
    monkeypatch.setattr(clock, "now", lambda: moment + timedelta(seconds=next(looks)))
    return moment


@pytest.fixture(params=STRETCHED)
def drip(request: pytest.FixtureRequest) -> Iterator[RawServer]:
    """A server that stretches its answer somewhere, and sends it byte by byte."""
    server = RawServer(piece=1)
    server.reply = STRETCHED[request.param]
    yield server
    server.close()


def test_no_server_stretches_a_deadline_byte_by_byte(start: datetime, drip: RawServer) -> None:
    """Each wait is for what is left."""
    for deadline, outcome in (
        (start + timedelta(hours=2), pytest.raises(SourceUnavailable)),
        (start + timedelta(hours=9), None),
    ):
        transport = Transport(drip.url, read_seconds=3e5)
        with outcome or contextlib.nullcontext():
            answer = transport.send(
                "GET",
                "/x",
                whole_body,
                call="GET /x",
                headers={},
                deadline=deadline if outcome is None else start + timedelta(seconds=90),
            )
            assert answer.content in {b"[]", b"[" + b" " * 300 + b"]"}


def test_who_sends_byte_by_byte_is_hanging_and_is_asked_once(start: datetime, drip: RawServer) -> None:
    """A minute is over long before the answer is, and the deadline is hours away."""
    with pytest.raises(SourceUnavailable, match=r"after 1 tries.*does not answer in time"):
        Transport(drip.url).send(
            "GET", "/x", whole_body, call="GET /x", headers={}, deadline=start + timedelta(hours=9)
        )


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    running = RawServer()
    yield running
    running.close()


status_lines = st.sampled_from(
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 503 Busy\r\n",
        b"HTTP/1.1 302 Found\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n",
    ]
)


header_lines = st.sampled_from(
    [
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 1, 2\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Retry-After: " + b"9" * 5000 + b"\r\n",
        b"Retry-After: Tue, 29 Feb 99999 99:99:99 GMT\r\n",
        b"Location: http://\xff/\r\n",
    ]
)


bodies = st.sampled_from([b"\r\n", b"\r\n[]", b"\r\n5\r\n[]", b"\r\nzz\r\n", b"\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(status_lines, st.lists(header_lines | st.binary(max_size=20), max_size=3), bodies | st.binary())
def test_whatever_comes_over_the_wire_is_a_batch_or_one_of_our_errors(
    raw_server: RawServer, make_client: MakeClient, start: bytes, headers: list[bytes], rest: bytes
) -> None:
    raw_server.reply = start + b"".join(headers) + rest
    client = make_client(base_url=raw_server.url, retries=RETRIES.new(total=1), read_seconds=1.0)
    with contextlib.suppress(SalesFlowError):
        assert client.fetch_sales(1).records == 0


@pytest.mark.parametrize("status", [b"202 Accepted", b"204 No Content", b"206 Partial Content"])
def test_an_answer_that_is_none_or_a_part_is_refused_and_no_cache_is_asked(
    raw_server: RawServer, make_client: MakeClient, status: bytes
) -> None:
    raw_server.reply = b"HTTP/1.1 " + status + b"\r\nContent-Range: items 0-0/9\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(SourceContractBroken, match=f"answered {status[:3].decode()}, which the API does not promise"):
        make_client(base_url=raw_server.url).fetch_sales(1)
    assert b"cache-control: no-cache\r\n" in raw_server.asked.lower()


@pytest.mark.parametrize("value", [b"9" * 5000, b"Tue, 29 Feb 99999 99:99:99 GMT", b"-5", b"\xff"])
def test_a_retry_after_that_means_nothing_is_passed_over(
    raw_server: RawServer, make_client: MakeClient, pauses: list[float], value: bytes
) -> None:
    raw_server.reply = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: " + value + b"\r\n\r\n"
    with pytest.raises(SourceUnavailable, match="failed after 3 tries"):
        make_client(base_url=raw_server.url, retries=RETRIES.new(total=2)).fetch_sales(1)
    assert [round(pause, 1) for pause in pauses[:1]] in ([0.0], [60.0])
