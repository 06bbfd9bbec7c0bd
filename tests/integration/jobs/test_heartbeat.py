"""The sign of life goes to a real HTTPS server, and only while all is well."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from salesflow.errors import InvalidSettings
from salesflow.settings import Settings
from tests.integration.jobs.watched import Watched, utc
from tests.stand_ins.certificates import certificate, of_server
from tests.unit.test_settings import GOOD


@dataclass
class Outside:
    """A service that expects to be asked: which paths were, and what it answers."""

    url: str
    asked: list[str] = field(default_factory=list)
    status: int = 200


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    pem = certificate(tmp_path)
    found = Outside("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(found.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = of_server(pem).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    found.url = f"https://127.0.0.1:{server.server_port}/ping/of-this-shop"
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setenv("HEARTBEAT_URL", found.url)
    yield found
    server.shutdown()
    server.server_close()


def test_the_sign_is_given_while_all_is_well_and_at_no_other_time(watched: Watched, outside: Outside) -> None:
    watched.sales()
    watched.ran(utc(21, 23))
    watched.look(utc(22, 0, 50))
    assert outside.asked == ["/ping/of-this-shop"]
    watched.look(utc(22, 1, 50), notify="none")
    assert len(outside.asked) == 1, "a look that tells nobody tells nobody"
    for hour in range(1, 4):
        watched.look(utc(23, hour, 50))
    assert len(outside.asked) == 1, "the report of the 22nd is missing"
    watched.ran(utc(22, 23))
    watched.look(utc(23, 4, 50))
    assert len(outside.asked) == 2


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_service_that_does_not_answer_well_fails_no_look(watched: Watched, outside: Outside, status: int) -> None:
    outside.status = status
    assert watched.look(utc(22, 0, 50))["status"] == "SUCCEEDED"
    assert outside.asked == ["/ping/of-this-shop"], "once, and no redirect is followed"


def test_a_service_that_is_not_there_or_not_itself_fails_no_look(
    watched: Watched, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert watched.look(utc(22, 0, 50))["status"] == "SUCCEEDED"
    assert outside.asked == [], "nobody vouches for its certificate"


@pytest.mark.parametrize("url", ["http://beat.example/x", "beat.example", "https://", "https://a b.example/"])
def test_only_https_will_do(url: str) -> None:
    with pytest.raises(InvalidSettings, match="HEARTBEAT_URL"):
        Settings.from_environment(GOOD | {"HEARTBEAT_URL": url})
