"""Does the SalesFlow API answer, does it accept the system token, and do the clocks agree?"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import urllib3

from ops.doctor.findings import Finding, Look, Patient, fail, ok, unknown, warn
from salesflow import clock
from salesflow.errors import SalesFlowError, SystemTokenMissing, SystemTokenRejected
from salesflow.shop_id import MAIN_SHOP
from salesflow.source.client import SalesFlowClient
from salesflow.source.token import AccessToken, SystemToken
from salesflow.source.transport import RETRIES, Transport, why_not

PATIENCE = timedelta(seconds=20)
ANSWER_SECONDS = 10.0
SOON = timedelta(days=14)
SLIGHT = timedelta(seconds=60)
TOO_MUCH = timedelta(minutes=5)
"""AWS refuses a request whose signature is further off (Signature Version 4, "Signing date")."""


def source(patient: Patient) -> Iterator[Finding]:
    """The API, the token, and both together: each stands on the one before."""
    settings = patient.stack.settings
    reached = yield from _reached(settings.api_url)
    try:
        token = _token(patient)
        found = token.current(deadline=clock.now() + PATIENCE)
    except (SystemTokenMissing, SystemTokenRejected) as error:
        yield fail("system token", error.message, fix=f"{_put(patient)}. {error.action}")
        return
    except SalesFlowError as error:
        yield unknown(
            "system token", f"a system account, and the API takes no login: {error.message}", fix=error.action
        )
        return
    ended = yield from _lifetime(patient, found)
    if ended or not reached:
        return
    client = SalesFlowClient(
        settings.api_url,
        token,
        minor_digits=settings.money.digits,
        zone=settings.zone,
        retries=RETRIES.new(total=1),
        deadline=clock.now() + PATIENCE,
    )
    try:
        client.fetch_sales(0)
    except SystemTokenRejected as error:
        yield fail("system token", error.message, fix=f"{_put(patient)}. {error.action}")
    except SalesFlowError as error:
        yield fail("sales can be read", error.message, fix=error.action)
    else:
        yield ok("sales can be read", "the API gives today's sales for this token")


def _reached(url: str) -> Generator[Finding, None, bool]:
    """Whether anything answers there, whatever it says; answers that (as a generator's value)."""
    try:
        answer = urllib3.request("GET", url, timeout=ANSWER_SECONDS, retries=False, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        fix = "correct SalesFlowApiUrl and deploy, start the service, or open the way to it from here"
        if isinstance(error, urllib3.exceptions.SSLError):
            fix = "renew its certificate; if a proxy of yours shows this one, set SSL_CERT_FILE to the PEM file of the proxy's CA"
        yield fail("SalesFlow API", f"nothing can be read at {url}: {why_not(error)}", fix=fix)
        return False
    if answer.status >= 500:
        yield fail("SalesFlow API", f"{url} answers {answer.status}", fix="look at the SalesFlow service")
        return False
    yield ok("SalesFlow API", f"{url} answers")
    yield from _skew("clock of the API", answer.headers, "set the API server's clock (NTP): days end by it")
    return True


def _token(patient: Patient) -> SystemToken:
    """The stack's token; a refusal to this operator is raised as it is."""
    (secrets, name), settings = patient.stack.token_secret, patient.stack.settings
    with suppress(patient.stack.client("secretsmanager").exceptions.ResourceNotFoundException):
        secrets.get_secret_value(SecretId=name)  # no value yet: SystemToken says it better
    transport = Transport(settings.api_url, retries=RETRIES.new(total=1))
    return SystemToken(secrets, name, api_url=settings.api_url, transport=transport)


def _lifetime(patient: Patient, token: AccessToken) -> Generator[Finding, None, bool]:
    """For how long the token is good; answers whether it is over."""
    if token.expires_at is None:
        yield ok("system token", "it is there, and does not say until when it is good")
        return False
    left = token.expires_at - patient.now
    until = f"{token.expires_at:%Y-%m-%d %H:%M} UTC"
    if left <= timedelta(0):
        yield fail("system token", f"it ended on {until}", fix=f"issue a new one; {_put(patient)}")
        return True
    if _logs_in(patient):
        yield ok("system token", f"a system account, which logs in; this session is good until {until}")
    elif left < SOON:
        days = f"{left / timedelta(days=1):.1f} days"
        yield warn("system token", f"it ends in {days}, on {until}", fix=f"issue a new one; {_put(patient)}")
    else:
        yield ok("system token", f"good for {left.days} days, until {until}")
    return False


def _logs_in(patient: Patient) -> bool:
    """Whether the secret is a system account's. Its text goes no further."""
    secrets, name = patient.stack.token_secret
    answer = secrets.get_secret_value(SecretId=name)
    text: str = answer.get("SecretString") or ""
    return text.lstrip().startswith("{") and '"password"' in text


def _put(patient: Patient) -> str:
    stack = patient.stack
    command = "init --token-only" if stack.shop == MAIN_SHOP else f"shops token {stack.shop}"
    return f"store it: salesflow-ops {command} --stack {stack.name}"


def aws_clock(patient: Patient) -> Iterator[Finding]:
    """Whether this machine's clock is AWS's."""
    answer = patient.stack.client("cloudformation").describe_stacks(StackName=patient.stack.name)
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    yield from _skew("clock", headers, "set this machine's clock (NTP): AWS refuses what is signed 5 minutes off")


def _skew(check: str, headers: Mapping[str, str], fix: str) -> Iterator[Finding]:
    """How far this machine's clock is from the one that an answer was dated by; nothing where it is not dated."""
    dated = headers.get("Date") or headers.get("date")
    if not dated:
        return
    off = abs(clock.now() - _moment(dated))
    said = f"{off.total_seconds():.0f} s from this machine's"
    if off > TOO_MUCH:
        yield fail(check, said, fix=fix)
    elif off > SLIGHT:
        yield warn(check, said, fix=fix)
    else:
        yield ok(check, said)


def _moment(dated: str) -> datetime:
    return parsedate_to_datetime(dated)


LOOKS = (
    Look("clock", ("cloudformation:DescribeStacks",), aws_clock),
    Look("SalesFlow API and token", ("secretsmanager:GetSecretValue",), source, of_shop=True),
)
