"""The system token: three forms of secret, when it is read again, and that it is nowhere to be seen."""

import logging
import threading
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from local.api import HTML_PAGE, Body, Reset, SalesFlowServer, Status
from salesflow.aws import AwsClients
from salesflow.errors import (
    SalesFlowError,
    SourceContractBroken,
    SourceUnavailable,
    SystemTokenMissing,
    SystemTokenRejected,
)
from salesflow.source.token import SystemToken
from tests.integration.source.conftest import MakeToken, SecretBox
from tests.stand_ins.aws import Wire, calls


class Clock:
    """A moment that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment


def everything_about(error: BaseException) -> str:
    """What any log, trace or debugger would print of an error and of all errors behind it."""
    seen: list[str] = []
    behind: BaseException | None = error
    while behind is not None:
        seen += [
            repr(behind),
            str(behind),
            repr(behind.args),
            repr(vars(behind)),
            repr(getattr(behind, "__notes__", "")),
        ]
        seen += traceback.format_exception(behind)
        behind = behind.__cause__ or behind.__context__
    return "\n".join(seen)


@pytest.mark.parametrize("form", ["plain", "plain with a last newline", "json", "json with blanks"])
def test_a_token_in_the_secret(server: SalesFlowServer, secret: SecretBox, make_token: MakeToken, form: str) -> None:
    token = server.issue_token()
    forms = {
        "plain": token,
        "plain with a last newline": f"{token}\n",
        "json": {"token": token, "note": "2026"},
        "json with blanks": f'\n {{"token": " {token} "}}',
    }
    secret.store(forms[form])
    access = make_token().current()
    assert access.value == token
    assert access.headers == {"Authorization": f"Bearer {token}"}
    assert server.calls == ()


def test_an_account_in_the_secret_logs_in(server: SalesFlowServer, secret: SecretBox, make_token: MakeToken) -> None:
    secret.store({"phoneNumber": server.accounts.account.phone_number, "password": server.accounts.account.password})
    provider = make_token()
    access = provider.current()
    assert server.accounts.role_of(access.headers["Authorization"]) == "PYTHON_SERVICE"
    assert provider.current() is access
    assert [call.path for call in server.calls] == ["/auth/login"]


def test_the_secret_is_read_again_after_five_minutes(secret: SecretBox, make_token: MakeToken) -> None:
    clock = Clock()
    secret.store("first.token")
    provider = make_token(now=clock)
    assert provider.current().value == "first.token"
    secret.store("second.token")
    clock.moment += timedelta(minutes=4, seconds=59)
    assert provider.current().value == "first.token"
    clock.moment += timedelta(seconds=1)
    assert provider.current().value == "second.token"


def test_a_token_is_not_kept_beyond_its_own_expiry(
    server: SalesFlowServer, secret: SecretBox, make_token: MakeToken
) -> None:
    clock = Clock()
    short = server.issue_token(timedelta(minutes=2))
    secret.store(short)
    provider = make_token(now=clock)
    assert provider.current().value == short
    secret.store("next.token")
    clock.moment += timedelta(seconds=80)
    assert provider.current().value == short
    clock.moment += timedelta(seconds=20)
    assert provider.current().value == "next.token"


def test_refresh_reads_the_secret_anew_and_once_for_all_who_were_refused(
    secret: SecretBox, make_token: MakeToken
) -> None:
    secret.store("first.token")
    provider = make_token()
    rejected = provider.current()
    secret.store("second.token")
    fresh = provider.refresh(rejected)
    secret.store("third.token")
    assert fresh.value == "second.token"
    assert provider.refresh(rejected) is fresh
    assert provider.refresh(fresh).value == "third.token"
    assert provider.refresh().value == "third.token"


def test_threads_share_one_login(server: SalesFlowServer, secret: SecretBox, make_token: MakeToken) -> None:
    secret.store({"phoneNumber": server.accounts.account.phone_number, "password": server.accounts.account.password})
    provider = make_token()
    rejected = provider.current()
    start = threading.Barrier(6)
    fresh = []

    def refresh() -> None:
        start.wait(60)
        fresh.append(provider.refresh(rejected))

    threads = [threading.Thread(target=refresh) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({access.value for access in fresh}) == 1
    assert server.count("/auth/login") == 2


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("   \n", "is empty"),
        ("two words", "malformed"),
        ("Bearer abc.def.ghi", "malformed"),
        ("abc\r\nX-Evil: 1", "malformed"),
        ("abc\tdef", "malformed"),
        ("abc\x00def", "malformed"),
        ("токен", "malformed"),
        ({"token": ""}, "malformed"),
        ({"token": "abc\ndef"}, "malformed"),
        ({"token": None}, "neither a token nor"),
        ({}, "neither a token nor"),
        ({"apiKey": "k"}, "neither a token nor"),
        ({"phoneNumber": "+243810000000"}, "neither a token nor"),
        ({"phoneNumber": "+243810000000", "password": ""}, "neither a token nor"),
        ({"token": {"value": "t"}}, "something else"),
        ({"phoneNumber": 243810000000, "password": "p"}, "something else"),
        (["abc.def.ghi"], "something else"),
        ('"abc.def.ghi"', "something else"),
        ('{"token": "abc', "something else"),
    ],
)
def test_a_secret_that_holds_none_of_the_three_forms(
    secret: SecretBox, make_token: MakeToken, value: Any, problem: str
) -> None:
    secret.store(value)
    with pytest.raises(SystemTokenMissing, match=problem) as missing:
        make_token().current()
    assert secret.name in missing.value.message
    assert '{"token": "..."}' in missing.value.action


def test_a_secret_that_does_not_exist_is_binary_or_is_being_deleted(secret: SecretBox, make_token: MakeToken) -> None:
    with pytest.raises(SystemTokenMissing, match="ResourceNotFoundException"):
        make_token().current()
    secret.secrets.create_secret(Name=secret.name, SecretBinary=b"\x00\x01")
    with pytest.raises(SystemTokenMissing, match="binary"):
        make_token().current()
    secret.secrets.delete_secret(SecretId=secret.name)
    with pytest.raises(SystemTokenMissing, match="InvalidRequestException"):
        make_token().current()


def test_a_secret_that_may_not_be_read_or_cannot_be_reached(
    secret: SecretBox, make_token: MakeToken, wire: Wire
) -> None:
    secret.store("good.token.value")
    wire.refuse(calls("GetSecretValue"), 400, "AccessDeniedException")
    with pytest.raises(SystemTokenMissing, match="AccessDeniedException"):
        make_token().current()
    wire.cut_before(calls("GetSecretValue"))
    with pytest.raises(SystemTokenMissing, match="ConnectionClosedError"):
        make_token().current()
    assert make_token().current().value == "good.token.value"


def test_a_secret_that_cannot_be_read_again_fails_and_is_tried_the_next_time(
    secret: SecretBox, make_token: MakeToken, wire: Wire
) -> None:
    secret.store("good.token.value")
    provider = make_token()
    first = provider.current()
    wire.refuse(calls("GetSecretValue"), 400, "AccessDeniedException")
    with pytest.raises(SystemTokenMissing):
        provider.refresh(first)
    assert provider.refresh(first).generation == 2


@pytest.fixture
def account(server: SalesFlowServer, secret: SecretBox) -> None:
    """The secret holds the system account."""
    secret.store({"phoneNumber": server.accounts.account.phone_number, "password": server.accounts.account.password})


def test_a_refused_login(server: SalesFlowServer, secret: SecretBox, make_token: MakeToken) -> None:
    secret.store({"phoneNumber": server.accounts.account.phone_number, "password": "hunter2-wrong"})
    with pytest.raises(SystemTokenRejected) as refused:
        make_token().current()
    assert secret.name in refused.value.message
    assert "hunter2" not in everything_about(refused.value)
    assert server.count("/auth/login") == 1


@pytest.mark.usefixtures("account")
def test_a_login_outlasts_a_restart(server: SalesFlowServer, make_token: MakeToken, pauses: list[float]) -> None:
    server.faults.inject("/auth/login", Reset())
    server.faults.inject("/auth/login", Status(503), times=2)
    assert make_token().current().value
    assert server.count("/auth/login") == 4
    assert pauses[0] == 0
    assert 2 <= pauses[1] < 3.1


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    "fault", [HTML_PAGE, Body(b'{"accessToken": "a\\nb"}'), Body(b"{}"), Body(b'"tok"'), Status(404)]
)
def test_a_login_that_answers_no_token(server: SalesFlowServer, make_token: MakeToken, fault: Any) -> None:
    server.faults.inject("/auth/login", fault)
    with pytest.raises(SourceContractBroken, match="without an access token"):
        make_token().current()


@pytest.mark.usefixtures("account")
def test_a_login_that_stays_away(server: SalesFlowServer, make_token: MakeToken) -> None:
    server.faults.inject("/auth/login", Status(500), times=None)
    with pytest.raises(SourceUnavailable, match="POST /auth/login failed after 7 tries"):
        make_token().current()


SECRET = "s3cr3tS3cr3t"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        ["{}", "{} {}", "Bearer {}", '{{"token": "{}"}}', '{{"token": "{} "x}}', '{{"Token": "{}"}}', '"{}"']
    )
    | st.sampled_from(
        ['{{"phoneNumber": "{}", "password": "{}"}}', '{{"phoneNumber": 1, "password": "{}"}}', '[["{}"]]']
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
@example('{{"password": "{}"', "")
def test_what_the_secret_holds_is_in_no_error_no_log_and_no_repr(
    server: SalesFlowServer,
    secret: SecretBox,
    make_token: MakeToken,
    caplog: pytest.LogCaptureFixture,
    form: str,
    tail: str,
) -> None:
    secret.store(form.format(SECRET + tail, SECRET + tail))
    provider = make_token()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("botocore").setLevel(logging.INFO)  # at DEBUG botocore prints every answer of AWS
        logging.getLogger("urllib3").setLevel(logging.DEBUG)
        try:
            told = repr(provider.current())
        except SalesFlowError as error:
            told = everything_about(error)
    assert SECRET not in told + repr(provider) + repr(vars(provider)) + caplog.text


def test_a_garbled_answer_is_named_and_shows_nothing_of_the_secret(
    server: SalesFlowServer, secret: SecretBox, clients: AwsClients, wire: Wire
) -> None:
    token = server.issue_token()
    secret.store(token)
    provider = SystemToken(clients.secretsmanager, secret.name, api_url=server.url)
    wire.alter(calls("GetSecretValue"), lambda answer: setattr(answer, "body", b"\xff" + answer.body), times=9)
    with pytest.raises(SystemTokenMissing, match="cannot be read") as caught:
        provider.current()
    assert token not in everything_about(caught.value)
