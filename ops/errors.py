"""What the command line says when something cannot be done: one sentence, what to do about it, and a status that means something."""

from __future__ import annotations

import os
import re
import sys
from types import TracebackType

import typer
from rich.console import Console
from rich.text import Text

from ops.complaints import Complaint, ExitCode, Failed, Misused, NoAccess, NotFound, Unreachable
from salesflow.errors import InvalidJobEvent, SalesFlowError

DEBUG = "SALESFLOW_DEBUG"


class complaining:  # noqa: N801 - read as a statement: `with complaining():`
    """Say what went wrong as one sentence on standard error, and leave with its status; never a traceback."""

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, typer.Exit | SystemExit | GeneratorExit):
            return
        if isinstance(error, BrokenPipeError):  # `... | head` has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.DONE) from error
        if isinstance(error, KeyboardInterrupt):
            complain("Interrupted.")
            raise typer.Exit(ExitCode.INTERRUPTED) from error
        if not isinstance(error, Exception) or _is_typer_s_own(error):
            return
        complaint = explained(error)
        if complaint is None:
            if os.environ.get(DEBUG):
                return
            complaint = Failed(
                f"This should not happen: {type(error).__name__}: {error}.",
                action=f"Set {DEBUG}=1 to see where, and report it.",
            )
        complain(str(complaint).strip())
        raise typer.Exit(complaint.code) from error


def complain(sentence: str) -> None:
    """Say on standard error why something cannot be done."""
    Console(stderr=True).print(Text(sentence, style="red"), highlight=False, soft_wrap=True)


def explained(error: BaseException) -> Complaint | None:
    """The complaint that an error amounts to: what is wrong, what to do, and the status; None for a fault of this program."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, Complaint):
        return error
    if isinstance(error, ClientError):
        return _of_aws(error)
    if isinstance(error, BotoCoreError):
        return _of_sdk(error)
    if isinstance(error, ResponseParserError):
        said = " ".join(str(error).split())[:300]
        return Unreachable(
            f"What answered is not AWS: {said}.", action="Check AWS_ENDPOINT_URL, a proxy, and try again."
        )
    if isinstance(error, InvalidJobEvent):
        return Misused(error.message, action=error.action)
    if isinstance(error, SalesFlowError):
        # What the pipeline says to a function's owner; an operator's own credentials or network are better explained here.
        beneath = explained(error.__cause__) if isinstance(error.__cause__, ClientError | BotoCoreError) else None
        if beneath is not None and beneath.code is not ExitCode.FAILED:
            return beneath
        return Failed(error.message, action=error.action)
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return Failed(f"{error.strerror or error}{where}.", action="")
    return None


def _is_typer_s_own(error: Exception) -> bool:
    """Whether Typer says it better: usage errors, aborts."""
    return type(error).__module__.startswith(("typer.", "click."))


_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN_KEYS = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "Forbidden", "UnauthorizedOperation", "403"}
_ABSENT = {
    "404",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "NoSuchEntity",
    "NoSuchKey",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFound",
    "ResourceNotFoundException",
}
_THROTTLED = {"RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException"}
_NEEDED = re.compile(r"not authorized to perform:? ([a-zA-Z0-9-]+:[a-zA-Z]+)")
_OF_A_PROXY = (
    "A proxy that reads TLS shows one of its own: set AWS_CA_BUNDLE to the PEM file of its CA (docs/deploy.md)."
)
_RENEW = "Renew them (aws sso login, or new keys), or say --profile."


def _of_aws(error: object) -> Complaint:
    """What AWS answered, for an operator."""
    answer = error.response  # type: ignore[attr-defined]  # a ClientError, whose import is late
    code = str(answer.get("Error", {}).get("Code", ""))
    said = str(answer.get("Error", {}).get("Message", "")).strip().rstrip(".")
    operation = str(error.operation_name)  # type: ignore[attr-defined]  # as above
    if code in _EXPIRED:
        return NoAccess(f"The AWS credentials have expired ({operation}: {said or code}).", action=_RENEW)
    if code in _UNKNOWN_KEYS:
        return NoAccess(
            f"AWS does not accept these credentials ({operation}: {said or code}).",
            action="Check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or say --profile; "
            "`aws sts get-caller-identity` shows who you are.",
        )
    if code in _DENIED:
        needed = _NEEDED.search(said)
        return NoAccess(
            f"You may not do this: {needed[1] if needed else operation} is denied ({said or code}).",
            action="Ask for that permission, or say another --profile.",
        )
    if code == "ValidationError" and "does not exist" in said:
        return NotFound(f"{said}.", action="Say another --stack, --region or --profile.")
    if code in _ABSENT:
        return NotFound(f"AWS knows no such thing ({operation}: {said or code}).", action="Check --stack and --region.")
    if code in _THROTTLED:
        return Failed(f"AWS takes no more calls for the moment ({operation}: {said or code}).", action="Try again.")
    return Failed(f"AWS refused {operation}: {code}: {said or 'no reason given'}.", action="")


def _of_sdk(error: Exception) -> Complaint:
    """What went wrong before AWS could answer."""
    from botocore import exceptions as sdk

    text = str(error).rstrip(".")
    match error:
        case sdk.NoCredentialsError() | sdk.PartialCredentialsError() | sdk.CredentialRetrievalError():
            return NoAccess(
                f"There are no usable AWS credentials here: {text}.",
                action="Run `aws configure` or `aws sso login`, set AWS_PROFILE, or say --profile; --local needs none.",
            )
        case sdk.ProfileNotFound():
            return NoAccess(f"{text}.", action="`aws configure list-profiles` lists those that there are.")
        case sdk.SSOError() | sdk.TokenRetrievalError() | sdk.UnauthorizedSSOTokenError():
            return NoAccess(f"The AWS sign-in is over: {text}.", action=_RENEW)
        case sdk.NoRegionError():
            return Misused("No region was said.", action="Say --region, or set AWS_REGION.")
        case sdk.SSLError():
            return Unreachable(
                f"The certificate of what answers for AWS is not trusted here: {text}.", action=_OF_A_PROXY
            )
        case sdk.HTTPClientError() | sdk.EndpointConnectionError():
            return Unreachable(
                f"AWS cannot be reached: {text}.",
                action="Check the network, --region, AWS_ENDPOINT_URL if it is set, and a proxy (NO_PROXY names what needs none).",
            )
        case _:
            return Failed(f"The call could not be made: {text}.", action="")
