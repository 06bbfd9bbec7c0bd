"""A handle on the AWS process of a local cloud: starting and ending it, clients, the mails it took, and faults for tests."""

from __future__ import annotations

import base64
import email
import json
import multiprocessing
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import boto3
import urllib3
from botocore.config import Config

from local.errors import LocalCloudError

__all__ = ["ACCESS_KEYS", "REGION", "REPOSITORY", "Held", "LocalAws", "LocalCloudError", "Mail"]

REGION = "ap-southeast-1"
ACCESS_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "testing"}
REPOSITORY = Path(__file__).resolve().parents[2]

# Clouds are forked from one process that has moto loaded: two seconds for the first, next to nothing for the others.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["local.cloud.aws_process"])


def _serve(host: str, port: int, parent: Connection) -> None:
    from local.cloud.aws_process import serve  # moto is for that process alone

    serve(host, port, parent)


_starting = threading.Lock()


@contextmanager
def _without_main_module() -> Iterator[None]:
    """multiprocessing would import the main module anew in the process that it starts: a script that opens a cloud there would open another."""
    with _starting:
        main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that SES took.

    `recipients` are the envelope's addresses (to, cc and bcc); `content` is the message as a mail client would receive it.
    """

    message_id: str
    region: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    configuration_set: str | None

    @property
    def subject(self) -> str:
        """The subject line, decoded."""
        return str(self.message["Subject"] or "")

    @property
    def message(self) -> EmailMessage:
        """The content, parsed."""
        return email.message_from_bytes(self.content, policy=SMTP)


class Held:
    """Requests that a rule has caught: wait until it has taken some, then let them go."""

    def __init__(self, aws: LocalAws, number: int) -> None:
        self._aws = aws
        self._number = number

    def wait(self, taken: int = 1, *, timeout: float = 120) -> None:
        """Until the rule has taken `taken` requests; raises LocalCloudError after `timeout` seconds without them."""
        answer = self._aws.local("GET", f"rules/{self._number}/taken/{taken}?timeout={timeout}", timeout=timeout + 5)
        if answer["taken"] < taken:
            raise LocalCloudError(f"No such request came within {timeout} s ({answer['taken']} of {taken}).")

    def release(self) -> None:
        """End the rule: what it holds goes on, and it takes no more."""
        self._aws.local("DELETE", f"rules/{self._number}")


class LocalAws:
    """The AWS APIs on a loopback port (or on `host`), served by a process that ends with this one."""

    def __init__(self, process: BaseProcess, life: Connection, host: str, port: int, region: str) -> None:
        """`process` lives until `life` is closed."""
        self._process = process
        self._life = life
        self._http = urllib3.PoolManager(retries=False)
        self._clients: dict[str, Any] = {}
        self.host = host
        self.port = port
        self.region = region

    @classmethod
    def start(cls, *, host: str = "127.0.0.1", port: int = 0, region: str = REGION) -> Self:
        """Start the process; `port` 0 takes a free one, `host` 0.0.0.0 lets containers reach it."""
        life, its_end = _processes.Pipe()
        process = _processes.Process(target=_serve, args=(host, port, its_end), daemon=True)
        with _without_main_module():
            process.start()
        its_end.close()
        try:
            taken = life.recv()
        except EOFError:
            process.join()
            raise LocalCloudError(
                f"The AWS process did not start (exit status {process.exitcode}); see its message above."
            ) from None
        return cls(process, life, host, taken, region)

    @property
    def endpoint_url(self) -> str:
        """Where this machine reaches the APIs."""
        return f"http://127.0.0.1:{self.port}" if self.host in {"0.0.0.0", "::"} else f"http://{self.host}:{self.port}"  # noqa: S104 - compared, not bound

    def client(self, service: str, *, region: str | None = None) -> Any:
        """A boto3 client of the service (typed by boto3 as anything); one per service and region."""
        key = f"{service}/{region or self.region}"
        if key not in self._clients:
            self._clients[key] = boto3.client(
                service,  # type: ignore[call-overload]  # the stubs know services as literals only
                endpoint_url=self.endpoint_url,
                region_name=region or self.region,
                aws_access_key_id=ACCESS_KEYS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=ACCESS_KEYS["AWS_SECRET_ACCESS_KEY"],
                # no proxy that this shell is told of stands between this machine and itself
                config=Config(retries={"total_max_attempts": 1}, read_timeout=120, proxies={}),
            )
        return self._clients[key]

    def local(self, method: str, call: str, body: Mapping[str, Any] | None = None, *, timeout: float = 30) -> Any:
        """One of the process's own `/_local/` calls."""
        answer = self._http.request(method, f"{self.endpoint_url}/_local/{call}", json=body, timeout=timeout)
        if answer.status != 200:
            raise LocalCloudError(f"{method} {call} answered {answer.status}: {answer.data[:500]!r}")
        return answer.json()

    def mails(self) -> list[Mail]:
        """Every mail that SES took, in order."""
        return [_mail(kept) for kept in self.local("GET", "mails")]

    @contextmanager
    def hold(self, **rule: Any) -> Iterator[Held]:
        """Hold the requests that match (see `aws_process.Rule`) until released, or until the block ends."""
        held = Held(self, self.local("POST", "rules", rule)["number"])
        try:
            yield held
        finally:
            held.release()

    @contextmanager
    def failing(self, *, status: int, error: str, message: str = "planted", **rule: Any) -> Iterator[Held]:
        """Answer the requests that match with an AWS error, `times` of them (default 1), until the block ends."""
        answer = json.dumps({"__type": error, "message": message})
        with self.hold(status=status, answer=answer, **rule) as held:
            yield held

    def stop(self) -> None:
        """End the process; everything in the cloud is gone."""
        self._life.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._http.clear()


def _mail(kept: Mapping[str, Any]) -> Mail:
    request = kept["request"]
    destination = request.get("Destination") or {}
    content = request["Content"]
    if "Raw" in content:
        data = base64.b64decode(content["Raw"]["Data"])
    else:
        data = _composed(request, content["Simple"], kept["message_id"]).as_bytes(policy=SMTP)
    recipients = [a for kind in ("ToAddresses", "CcAddresses", "BccAddresses") for a in destination.get(kind) or ()]
    return Mail(
        message_id=kept["message_id"],
        region=kept["region"],
        sender=request.get("FromEmailAddress", ""),
        recipients=tuple(recipients),
        content=data,
        configuration_set=request.get("ConfigurationSetName"),
    )


def _composed(request: Mapping[str, Any], simple: Mapping[str, Any], message_id: str) -> EmailMessage:
    """The message that SES composes from a `Simple` request: its bodies as alternatives, its headers and attachments."""
    message = EmailMessage(policy=SMTP)
    destination = request.get("Destination") or {}
    message["From"] = request["FromEmailAddress"]
    for header, kind in (("To", "ToAddresses"), ("Cc", "CcAddresses")):
        if destination.get(kind):
            message[header] = ", ".join(destination[kind])
    if request.get("ReplyToAddresses"):
        message["Reply-To"] = ", ".join(request["ReplyToAddresses"])
    message["Subject"] = simple["Subject"]["Data"]
    message["Message-ID"] = f"<{message_id}@email.amazonses.com>"
    for header in simple.get("Headers") or ():
        message[header["Name"]] = header["Value"]
    body = simple["Body"]
    if "Text" in body:
        message.set_content(body["Text"]["Data"])
    if "Html" in body:
        (message.add_alternative if "Text" in body else message.set_content)(body["Html"]["Data"], subtype="html")
    for attachment in simple.get("Attachments") or ():
        maintype, _, subtype = (attachment.get("ContentType") or "application/octet-stream").partition("/")
        message.add_attachment(
            base64.b64decode(attachment["RawContent"]),
            maintype=maintype,
            subtype=subtype,
            filename=attachment["FileName"],
        )
    return message
