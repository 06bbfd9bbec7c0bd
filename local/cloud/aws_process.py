"""The AWS side of the local cloud, in a process of its own: moto's server, the missing resource types, the mailbox and the faults.

`serve` tells the process that started it the port that it took, and ends when that process closes its end of the connection: a cloud never
outlives it. moto keeps its state per process, so clouds do not see each other.

Beside the AWS APIs it answers, under `/_local/`: `resource-types` (what a template may hold), `conditions` (a stack's, evaluated),
`warnings` (what moto passed over), `objects` (a bucket's, for a browser), `mails` (each mail that SES took, whole), `rules` (requests to
hold or to fail, for tests), `channels` (chats and programs, which answer under `/_channels/`), `whatsapp`, `functions` (where the server is that
invocations of Lambda functions are passed on to) and `urls` (what lies below a function's own URL).
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import logging
import mimetypes
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3
import yaml
from moto.cloudformation import parsing
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import get_model_map
from moto.core.config import default_user_config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local.cloud import change_sets, made_by_us
from local.cloud.account import Account
from local.cloud.application import moto_application
from local.cloud.channels import MAKING, PLACE, ChannelServices
from local.cloud.function_urls import LARGEST_BODY, event_of, response_of
from local.cloud.whatsapp import SENDING, SETTING, WhatsAppService

SEND_EMAIL = "/v2/email/outbound-emails"
INVOCATION = re.compile(r"/2015-03-31/functions/.+/invocations/?")
_CALL = re.compile(r"/_local/urls/([^/]+)(/.*)", re.DOTALL)
LONGEST_RUN_SECONDS = 960.0
_SERVICE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
FAILED_EXECUTIONS = "moto.stepfunctions.parser.asl.component.eval_component"
"""The logger that tells of what fails within an execution of a state machine: the execution says it, and moto has failed at nothing."""
NO_RESOURCES = {"AWS::CloudFormation::WaitConditionHandle", "AWS::SERVICE::RESOURCE"}

type WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Rule:
    """What happens to the requests that match: they wait until released, or they fail.

    `method` and `path` match a request's method and a part of its path; `target` a part of its `X-Amz-Target`; `body` a part of its body. The
    first `skip` matching requests pass; the rule then takes `times` of them. `when` is `before` or `after` the service has done its work.
    A rule with `status` answers it with `answer`; one without holds the request until the rule is released.
    """

    number: int
    method: str = ""
    path: str = ""
    target: str = ""
    body: str = ""
    when: str = "before"
    skip: int = 0
    times: int = 1
    status: int | None = None
    answer: str = ""
    content_type: str = "application/x-amz-json-1.1"
    taken: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def matches(self, request: Request, body: bytes) -> bool:
        """Whether this rule is about `request`."""
        return (
            self.method in ("", request.method)
            and self.path in request.path
            and self.target in request.headers.get("X-Amz-Target", "")
            and self.body.encode() in body
        )


class LocalAws:
    """A WSGI application: moto's, with the `/_local/` calls around it."""

    def __init__(self, moto: WsgiApp, warnings: list[str]) -> None:
        self._moto = moto
        self._warnings = warnings
        self._mails: list[dict[str, Any]] = []
        self._rules: dict[int, Rule] = {}
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._functions_url = ""
        self._account = Account()
        self._channels = ChannelServices()
        self._whatsapp = WhatsAppService(self._published)
        self._http = urllib3.PoolManager(retries=False, maxsize=32)
        self._writing = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        if called := _CALL.fullmatch(request.path):
            return self._called(request, called[1], called[2])(environ, start_response)
        if request.path.startswith((PLACE, MAKING)):
            return self._channels.answer(request)(environ, start_response)
        if request.path.startswith((SENDING, SETTING)):
            return self._whatsapp.answer(request)(environ, start_response)
        if request.path.startswith("/_local/"):
            return self._local(request)(environ, start_response)
        sends_mail = request.path == SEND_EMAIL and request.method == "POST"
        if not (sends_mail or self._rules):
            return self._answer(environ)(environ, start_response)
        body = request.get_data()
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        rule = self._take(request, body)
        if rule and rule.when == "before" and (refused := self._apply(rule)):
            return refused(environ, start_response)
        response = self._answer(environ)
        if sends_mail and response.status_code == 200:
            self._keep_mail(request, body, response.get_json(force=True)["MessageId"])
        if rule and rule.when == "after" and (refused := self._apply(rule)):
            return refused(environ, start_response)
        return response(environ, start_response)

    def _answer(self, environ: dict[str, Any]) -> Response:
        """What moto answers; where it fails itself, that is kept with its warnings and shown on standard error."""
        if self._functions_url and environ["REQUEST_METHOD"] == "POST" and INVOCATION.fullmatch(environ["PATH_INFO"]):
            return self._invoked(Request(environ))
        request = Request(environ)
        if told := self._account.answer(request):
            return told
        try:
            with self._alone(request):
                answer = Response.from_app(self._moto, environ, buffered=True)
            return self._account.completed(request, answer)
        except Exception as error:  # noqa: BLE001 - whatever moto's code raises must not pass unseen
            where = traceback.extract_tb(error.__traceback__)[-1]
            self._warnings.append(f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})")
            return Response(f"moto failed: {self._warnings[-1]}", status=500, content_type="text/plain")

    def _alone(self, request: Request) -> AbstractContextManager[object]:
        """One at a time where the service itself makes a condition and its write one step: moto, in its threads, makes them two."""
        signed = _SERVICE.search(request.headers.get("Authorization", ""))
        service = signed[2] if signed else ""
        is_conditional = service == "dynamodb" or (service == "s3" and request.method not in {"GET", "HEAD"})
        return self._writing if is_conditional else nullcontext()

    def _invoked(self, request: Request) -> Response:
        """What the server of the functions answers to an invocation."""
        named = {name: value for name, value in request.headers.items() if name.lower().startswith("x-amz-")}
        url = self._functions_url + quote(request.path)
        answer = self._http.request("POST", url, body=request.get_data(), headers=named, timeout=LONGEST_RUN_SECONDS)
        kept = {
            name: value for name, value in answer.headers.items() if name.lower().startswith(("x-amz", "content-type"))
        }
        return Response(answer.data, status=answer.status, headers=kept)

    def _called(self, request: Request, function: str, path: str) -> Response:
        """What a function with a URL of its own answers to a request."""
        if (request.content_length or 0) > LARGEST_BODY:
            return Response("Request must be smaller than 6291456 bytes", status=413)
        url = f"{self._functions_url}/2015-03-31/functions/{quote(function)}/invocations"
        body = json.dumps(event_of(request, path)).encode()
        answer = self._http.request("POST", url, body=body, timeout=LONGEST_RUN_SECONDS)
        return response_of(answer.data, failed=answer.status != 200 or "X-Amz-Function-Error" in answer.headers)

    def _published(self, topic: str, message: str) -> None:
        """Hand a topic's message over to the functions that are subscribed to it, as SNS does."""
        region = topic.split(":")[3]
        notified = {"EventSource": "aws:sns", "Sns": {"TopicArn": topic, "Message": message}}
        for one in list(sns_backends[DEFAULT_ACCOUNT_ID][region].subscriptions.values()):
            if one.topic.arn == topic and one.protocol == "lambda":
                url = f"{self._functions_url}/2015-03-31/functions/{quote(one.endpoint)}/invocations"
                body = json.dumps({"Records": [notified]}).encode()
                self._http.request("POST", url, body=body, headers={"X-Amz-Invocation-Type": "Event"})

    def _take(self, request: Request, body: bytes) -> Rule | None:
        with self._changed:
            for rule in self._rules.values():
                if rule.matches(request, body) and rule.taken < rule.skip + rule.times:
                    rule.taken += 1
                    self._changed.notify_all()
                    return rule if rule.taken > rule.skip else None
        return None

    def _apply(self, rule: Rule) -> Response | None:
        """The answer of a rule that fails requests; a rule that holds them answers None when it is released."""
        if rule.status is None:
            rule.released.wait()
            return None
        return Response(rule.answer, status=rule.status, content_type=rule.content_type)

    def _keep_mail(self, request: Request, body: bytes, message_id: str) -> None:
        scope = _SERVICE.search(request.headers.get("Authorization", ""))
        with self._changed:
            self._mails.append(
                {"message_id": message_id, "region": scope[1] if scope else "", "request": json.loads(body)}
            )

    def _local(self, request: Request) -> Response:
        match request.method, request.path.removeprefix("/_local/").split("/"):
            case "GET", ["resource-types"]:
                return _json(sorted(set(get_model_map()) - NO_RESOURCES))
            case "GET", ["conditions", region, stack]:
                resources = cloudformation_backends[DEFAULT_ACCOUNT_ID][region].get_stack(stack).resource_map
                return _json({name: bool(resources.lazy_condition_map[name]) for name in resources.lazy_condition_map})
            case "GET", ["warnings"]:
                return _json(self._warnings)
            case "DELETE", ["warnings"]:
                self._warnings.clear()
                return _json([])
            case "GET", ["objects", bucket, *parts]:
                return _object(bucket, "/".join(parts))
            case "PUT", ["functions"]:
                self._functions_url = request.get_json()["url"]
                return _json({})
            case "GET", ["mails"]:
                return _json(self._mails)
            case "POST", ["rules"]:
                with self._changed:
                    rule = Rule(next(self._numbers), **request.get_json())
                    self._rules[rule.number] = rule
                return _json({"number": rule.number})
            case "GET", ["rules", number, "taken", wanted]:
                rule = self._rules[int(number)]
                with self._changed:
                    self._changed.wait_for(
                        lambda: rule.taken >= rule.skip + int(wanted), timeout=float(request.args["timeout"])
                    )
                    return _json({"taken": max(0, rule.taken - rule.skip)})
            case "DELETE", ["rules", number]:
                with self._changed:
                    gone = self._rules.pop(int(number), None)
                if gone:
                    gone.released.set()
                return _json({})
            case _:
                return Response("no such local call", status=404)


class _Warnings(logging.Handler):
    """Keeps what moto warns of: an intrinsic or a property that it left out would otherwise go unseen."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning; an error of moto's own is shown where the process writes its errors."""
        self._kept.append(record.getMessage())
        if record.levelno >= logging.ERROR:
            sys.stderr.write(logging.Formatter().format(record) + "\n")


class _Quiet(MotoRequestHandler):
    """No line per request; connections are kept open, as AWS keeps them."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def _references(part: object) -> list[str]:
    """What a part of a template refers to, by `Ref` and by `Fn::Sub`.

    moto looks at `Ref` alone, and would leave a schedule as it is when a parameter within its expression changes.
    """
    match part:
        case {"Ref": str(name)}:
            return [name]
        case {"Fn::Sub": [str(text), dict(own)]}:
            return [*re.findall(r"\$\{([\w:.]+)\}", text), *_references(own)]
        case {"Fn::Sub": str(text)}:
            return re.findall(r"\$\{([\w:.]+)\}", text)
        case dict():
            return [name for value in part.values() for name in _references(value)]
        case list():
            return [name for value in part for name in _references(value)]
        case _:
            return []


def _object(bucket: str, key: str) -> Response:
    """An object of a bucket, for a browser on this machine, which signs nothing: the page of all reports, and what it links to."""
    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(bucket, key)
    if found is None:
        return Response(f"There is no {key}.", status=404)
    return Response(found.value, mimetype=mimetypes.guess_type(key)[0] or "application/octet-stream")


class _Template(yaml.CLoader):
    """Reads a template as JSON, which ours are by then, in no time; as YAML it would be half of what a deployment takes."""

    def __init__(self, text: str) -> None:
        self._text = text
        super().__init__(text)

    def get_single_data(self) -> Any:
        """The template."""
        try:
            return json.loads(self._text)
        except ValueError:
            return super().get_single_data()


def _json(value: object) -> Response:
    return Response(json.dumps(value, default=_base64), content_type="application/json")


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is not for JSON")


def _end_with_parent(parent: Connection) -> None:
    with suppress(EOFError):
        parent.recv()
    os._exit(0)


def serve(host: str, port: int, parent: Connection) -> None:
    """Serve until the parent is gone, or closes its end; `port` 0 takes a free one, which the parent is told."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent
    warnings: list[str] = []
    parsing.get_references_from_template = _references  # type: ignore[assignment]  # it takes any part of a template
    change_sets.install()
    yaml.Loader = _Template  # type: ignore[misc, assignment]  # what moto reads templates with
    logging.getLogger("moto").addHandler(_Warnings(warnings))
    server = make_server(host, port, LocalAws(moto_application(), warnings), threaded=True, request_handler=_Quiet)
    loopback = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    made_by_us.MadeThroughApi.endpoint_url = f"http://{loopback}:{server.server_port}"
    # State machines run in this process, and call what they call at this port.
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    os.environ |= {"MOTO_PORT": str(server.server_port), "NO_PROXY": "localhost,127.0.0.1"}
    logging.getLogger(FAILED_EXECUTIONS).setLevel(logging.CRITICAL)
    parent.send(server.server_port)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    server.serve_forever()
