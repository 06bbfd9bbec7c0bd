"""A real AWS API on a loopback port (moto), and a wire in front of it on which things go wrong on demand."""

import http.client
import io
import json
import re
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import ThreadedMotoServer
from werkzeug.test import run_wsgi_app

from local.cloud.application import moto_application

type Matches = Callable[[Request], bool]


@dataclass(frozen=True)
class Request:
    """One API call as it came over the wire."""

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """DynamoDB's and Secrets Manager's operation, SES's `SendEmail`, or S3's method with its key."""
        if target := self.headers.get("x-amz-target"):
            return target.rpartition(".")[2]
        if self.service == "ses" and self.path.endswith("/outbound-emails"):
            return "SendEmail"
        return f"{self.method} {self.key}"

    @property
    def key(self) -> str:
        """The S3 key."""
        return unquote(self.path.partition("?")[0]).lstrip("/").partition("/")[2]

    @property
    def recipient(self) -> str:
        """Whom a SendEmail is for."""
        return str(json.loads(self.body)["Destination"]["ToAddresses"][0])


@dataclass
class Answer:
    """What the API answered; with the status 0 the body is sent alone, and then the connection is closed."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def refusal(service: str, status: int, code: str, message: str = "made to fail") -> Answer:
    """An error in the service's own form."""
    if service in {"s3", "sts"}:
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<ErrorResponse>{text}</ErrorResponse>" if service == "sts" else text
        return Answer(status, [("Content-Type", "application/xml")], text.encode())
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
    return Answer(status, headers, json.dumps({"__type": code, "message": message}).encode())


@dataclass
class _Rule:
    matches: Matches
    act: Callable[[Request, Callable[[], Answer]], Answer | None]
    left: float


@dataclass
class Wire:
    """What lies between the SDK and the cloud. Rules are tried in order; each acts `times` times.

    The cloud behind it answers one call at a time: moto looks at a condition and writes in two steps, which in the real
    services are one.
    """

    rules: list[_Rule] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)

    def reset(self) -> None:
        """No faults, no memory."""
        self.rules = []
        self.seen = []

    def operations(self) -> list[str]:
        """The operations of all calls so far, in order."""
        return [request.operation for request in self.seen]

    def refuse(
        self, matches: Matches, status: int, code: str, message: str = "made to fail", *, times: float = 1
    ) -> None:
        """Answer with an error of the service's own form; the cloud never sees the call."""

        def act(request: Request, forward: Callable[[], Answer]) -> Answer:
            return refusal(request.service, status, code, message)

        self.rules.append(_Rule(matches, act, times))

    def cut_before(self, matches: Matches, *, times: float = 1) -> None:
        """Close the connection; the cloud never sees the call."""
        self.rules.append(_Rule(matches, lambda request, forward: None, times))

    def cut_after(self, matches: Matches, *, times: float = 1) -> None:
        """Let the call take effect, then close the connection without an answer."""

        def act(request: Request, forward: Callable[[], Answer]) -> None:
            forward()

        self.rules.append(_Rule(matches, act, times))

    def alter(self, matches: Matches, change: Callable[[Answer], None], *, times: float = 1) -> None:
        """Change the answer on its way back."""

        def act(request: Request, forward: Callable[[], Answer]) -> Answer:
            answer = forward()
            change(answer)
            return answer

        self.rules.append(_Rule(matches, act, times))

    def stand_in(self, matches: Matches, answers: Callable[[Request], Answer]) -> None:
        """Answer for a service that the cloud does not have."""
        self.rules.append(_Rule(matches, lambda request, forward: answers(request), float("inf")))

    def meanwhile(self, matches: Matches, deed: Callable[[], object], *, times: float = 1) -> None:
        """Do something between the sending of a call and its effect: what another run does in that moment."""

        def act(request: Request, forward: Callable[[], Answer]) -> Answer:
            deed()
            return forward()

        self.rules.append(_Rule(matches, act, times))


def calls(operation: str, *, recipient: str | None = None) -> Matches:
    """Matches calls whose operation begins with `operation`, for one recipient if given."""

    def matches(request: Request) -> bool:
        return request.operation.startswith(operation) and (recipient is None or request.recipient == recipient)

    return matches


class Cloud:
    """The moto server with the wire in front of it; `endpoint` is the wire's."""

    def __init__(self, *, moto: tuple[str, int] | None = None) -> None:
        """moto: host and port of a server that runs already; without one it gets a server of its own."""
        self.wire = Wire()
        self._moto: ThreadedMotoServer | None = None
        self._application: DomainDispatcherApplication | None = None
        if moto is None:
            self._moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
            self._moto.start()
            moto = self._moto.get_host_and_port()
            self._application = moto_application()
        self._host, self._port = moto
        self._one_at_a_time = threading.Lock()
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # without it every answer waits for a delayed acknowledgement

            def handle_any(self) -> None:
                promised = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(promised)
                if len(body) < promised:  # who sent it is dead: no service takes a part for the whole
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", headers.get("authorization", ""))
                service = scope[1] if scope else ""
                answer = cloud.answer(Request(service, self.command, self.path, headers, body))
                if answer is None:
                    self.close_connection = True
                    return
                if answer.status == 0:
                    self.close_connection = True
                    self.wfile.write(answer.body)
                    return
                self.send_response_only(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                if not any(name.lower() == "content-length" for name, _ in answer.headers):
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)
                    said = {name.lower(): value for name, value in answer.headers}.get("content-length")
                    self.close_connection = said is not None and int(said) > len(answer.body)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815 - http.server's names

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        """What AWS_ENDPOINT_URL is set to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: Request) -> Answer | None:
        """The answer to a call, by the first rule that matches it or by the cloud; None: the connection is cut."""
        self.wire.seen.append(request)
        for rule in self.wire.rules:
            if rule.left > 0 and rule.matches(request):
                rule.left -= 1
                return rule.act(request, lambda: self._forward(request))
        return self._forward(request)

    def _forward(self, request: Request) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name != "expect"}
        fetches_itself = request.service == "social-messaging"  # a file, by an address of this very cloud
        with nullcontext() if fetches_itself else self._one_at_a_time:
            if self._application is None:
                status, answered, body = self._over_http(request, headers)
            else:
                status, answered, body = _within(self._application, request, headers)
        dropped = {"connection", "transfer-encoding", "server", "date"}
        return Answer(status, [(name, value) for name, value in answered if name.lower() not in dropped], body)

    def _over_http(self, request: Request, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=300)
        try:
            connection.request(request.method, request.path, request.body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def stop(self) -> None:
        """Close the wire, and the server that came with it."""
        self._server.shutdown()
        self._server.server_close()
        if self._moto is not None:
            self._moto.stop()


def _within(
    application: DomainDispatcherApplication, request: Request, headers: dict[str, str]
) -> tuple[int, list[tuple[str, str]], bytes]:
    """What moto answers, asked in this process: the same application as its server's, without a second way over a socket."""
    path, _, query = request.path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),  # as PEP 3333 has it
        "QUERY_STRING": query,
        "RAW_URI": request.path,
        "REQUEST_URI": request.path,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{_variable(name): value for name, value in headers.items() if "_" not in name},
        "CONTENT_LENGTH": str(len(request.body)),
    }
    answered, status, answer_headers = run_wsgi_app(application, environ, buffered=True)
    return int(status.split()[0]), list(answer_headers), b"".join(answered)


def _variable(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"
