"""Lambda's Invoke API for a local cloud: a small server in the process that holds the functions.

moto's own Invoke needs Docker. The AWS process passes `POST /2015-03-31/functions/{name}/invocations` on to the server here
(`PUT /_local/functions` tells it where), so that `lambda.invoke` works through the one endpoint as all else does.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from local.cloud.containers import Function, Invocation
from local.errors import LocalCloudError

PREFIX = "/2015-03-31/functions/"
SUFFIX = "/invocations"
LOG_TAIL_BYTES = 4096
STOP_SECONDS = 0.05
"""How soon the server notices that it is to stop."""


class InvocationServer:
    """Answers invocations on a free loopback port, in threads of its own, until stopped.

    `function` finds a function by its name or ARN and raises LocalCloudError where there is none; `invoke_async` runs an
    event as Lambda's queue does.
    """

    def __init__(self, function: Callable[[str], Function], invoke_async: Callable[[str, object, str], object]) -> None:
        self._queued: list[threading.Thread] = []

        class Handler(_Handler):
            find = staticmethod(function)
            queue = staticmethod(invoke_async)
            queued = self._queued

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_SECONDS,), name="invocations", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def settle(self) -> None:
        """Wait until every event that was queued is done, or has failed for good."""
        while self._queued:
            self._queued.pop().join()

    def stop(self) -> None:
        """Take no more invocations."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    find: Callable[[str], Function]
    queue: Callable[[str, object, str], object]
    queued: list[threading.Thread]

    def do_POST(self) -> None:
        """One invocation."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name = unquote(urlsplit(self.path).path).removeprefix(PREFIX).removesuffix(SUFFIX)
        request_id = str(uuid.uuid4())
        try:
            event = json.loads(body or b"{}")
        except ValueError:
            self._refuse(400, "InvalidRequestContentException", "Could not parse request body into json.", request_id)
            return
        try:
            function = self.find(name)
        except LocalCloudError as error:
            self._refuse(404, "ResourceNotFoundException", f"Function not found: {name}. {error}", request_id)
            return
        match self.headers.get("X-Amz-Invocation-Type", "RequestResponse"):
            case "RequestResponse":
                self._answer_invocation(function.invoke(event, request_id=request_id))
            case "Event":
                run = threading.Thread(target=self._run_queued, args=(name, event, request_id), daemon=True)
                run.start()
                self.queued.append(run)
                self._answer(202, b"", {}, request_id)
            case "DryRun":
                self._answer(204, b"", {}, request_id)
            case other:
                self._refuse(400, "InvalidParameterValueException", f"{other} is no invocation type.", request_id)

    def _run_queued(self, name: str, event: object, request_id: str) -> None:
        try:
            self.queue(name, event, request_id)
        except LocalCloudError as error:  # the cloud was stopped meanwhile
            sys.stderr.write(f"{error}\n")

    def _answer_invocation(self, done: Invocation) -> None:
        headers = {"X-Amz-Executed-Version": "$LATEST"}
        if self.headers.get("X-Amz-Log-Type") == "Tail":
            headers["X-Amz-Log-Result"] = base64.b64encode(done.log.encode()[-LOG_TAIL_BYTES:]).decode()
        if done.error is not None:
            headers["X-Amz-Function-Error"] = "Unhandled"
            self._answer(200, json.dumps(dict(done.error)).encode(), headers, done.request_id)
        else:
            self._answer(200, (done.payload or "null").encode(), headers, done.request_id)

    def _refuse(self, status: int, error: str, message: str, request_id: str) -> None:
        body = json.dumps({"Type": "User", "Message": message}).encode()
        self._answer(status, body, {"x-amzn-ErrorType": error}, request_id)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str], request_id: str) -> None:
        self.send_response(status)
        for header, value in {"x-amzn-RequestId": request_id, "Content-Type": "application/json", **headers}.items():
            self.send_header(header, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""
