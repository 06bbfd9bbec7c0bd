"""Every way in which answers go wrong: what is tried again, for how long, and what is said in the end."""

import json
import logging
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from typing import Any

import pytest

from local.api import (
    EMPTY_BODY,
    HTML_PAGE,
    INVALID_JSON,
    BadRecords,
    Body,
    Forbidden,
    Reset,
    SalesFlowServer,
    Slow,
    Status,
    Trickle,
    Truncated,
    Unauthorized,
)
from salesflow import clock
from salesflow.errors import (
    SalesFlowError,
    SourceAccessDenied,
    SourceContractBroken,
    SourceNotFound,
    SourceUnavailable,
    SystemTokenRejected,
)
from salesflow.observability import logger
from tests.integration.source.conftest import NOW, STORE, MakeClient, MakeToken, SecretBox
from tests.integration.source.lines import expected_lines, lines_of
from tests.integration.source.test_token import everything_about


@pytest.mark.parametrize(
    "fault", [Status(500), Status(502), Status(503), Status(504), Status(408), Status(429), Reset(), Truncated(0.6)]
)
def test_passing_faults_are_outlasted(
    server: SalesFlowServer, make_client: MakeClient, pauses: list[float], fault: Status | Reset | Truncated
) -> None:
    server.faults.inject("/sales/history", fault, times=3)
    batch = make_client().fetch_sales(10)
    assert lines_of(batch.lines) == expected_lines(date(2026, 11, 12))
    assert server.count("/sales/history") == 4
    assert pauses[0] == 0
    assert 2 <= pauses[1] <= 3
    assert 4 <= pauses[2] <= 5


def test_pauses_outlast_a_minutes_restart(
    server: SalesFlowServer, make_client: MakeClient, pauses: list[float]
) -> None:
    server.faults.inject("/products", Status(503), times=None)
    with pytest.raises(SourceUnavailable, match=r"GET /products failed after 7 tries.*503"):
        make_client().fetch_stock()
    assert 60 <= sum(pauses) <= 70


def test_retry_after_is_honoured_up_to_a_minute(
    server: SalesFlowServer, make_client: MakeClient, pauses: list[float]
) -> None:
    in_20_seconds = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    for value in ("7", "86400", in_20_seconds, "soon"):
        server.faults.inject("/sales/history", Status(429, retry_after=value))
    make_client().fetch_sales(1)
    seven, capped, dated, backoff = pauses
    assert (seven, capped) == (7, 60)
    assert 17 <= dated <= 20
    assert 8 <= backoff <= 9


def test_an_answer_that_never_comes(server: SalesFlowServer, make_client: MakeClient) -> None:
    server.faults.inject("/sales/history", Slow(30), times=None)
    with pytest.raises(SourceUnavailable, match="does not answer in time"):
        make_client(read_seconds=0.05).fetch_sales(1)
    assert len(server.calls) == 0  # the server is still asleep over all of them


def test_nobody_listens(make_client: MakeClient) -> None:
    with SalesFlowServer(STORE, clock=lambda: NOW) as stopped:
        url = stopped.url
    with pytest.raises(SourceUnavailable, match="takes no connection"):
        make_client(base_url=url).fetch_sales(1)
    with pytest.raises(SourceUnavailable, match="host name is not known"):
        make_client(base_url="http://nobody.invalid/api/v1").fetch_sales(1)


@pytest.mark.parametrize("fault", [Slow(30), Trickle(0.02, piece=1)])
def test_nothing_goes_on_after_the_deadline(
    server: SalesFlowServer, make_client: MakeClient, fault: Slow | Trickle
) -> None:
    server.faults.inject("/sales/history", fault, times=None)
    started = monotonic()
    with pytest.raises(SourceUnavailable):
        make_client().with_deadline(clock.now() + timedelta(seconds=0.4)).fetch_sales(1)
    assert monotonic() - started < 0.9


def test_no_pause_reaches_beyond_the_deadline(
    server: SalesFlowServer, make_client: MakeClient, pauses: list[float]
) -> None:
    server.faults.inject("/products", Status(503, retry_after=50), times=None)
    server.faults.inject("/inventory", HTML_PAGE, times=None)
    client = make_client(deadline=clock.now() + timedelta(seconds=1.5))
    with pytest.raises(SourceUnavailable, match="no time left to wait"):
        client.fetch_stock()
    assert pauses == []
    assert server.count("/inventory") == 1


def test_a_deadline_in_the_past_makes_no_call(server: SalesFlowServer, make_client: MakeClient) -> None:
    with pytest.raises(SourceUnavailable, match="no time left"):
        make_client(deadline=clock.now() - timedelta(seconds=1)).fetch_sales(1)
    assert server.calls == ()


@pytest.mark.parametrize("html", [True, False])
def test_a_refused_token_is_read_anew_once(
    server: SalesFlowServer, secret: SecretBox, make_client: MakeClient, html: bool
) -> None:
    server.html_unauthorized = html
    secret.store("old.token.value")
    client = make_client()
    with pytest.raises(SystemTokenRejected):
        client.fetch_sales(1)
    assert server.count("/sales/history", status=401) == 2
    secret.store(server.issue_token())
    assert client.fetch_sales(1).records > 0
    assert server.count("/sales/history", status=401) == 3


def test_a_revoked_session_is_logged_in_again(
    server: SalesFlowServer, secret: SecretBox, make_client: MakeClient, make_token: MakeToken
) -> None:
    secret.store({"phoneNumber": server.accounts.account.phone_number, "password": server.accounts.account.password})
    provider = make_token()
    client = make_client(token=provider)
    assert client.fetch_sales(1).records > 0
    server.revoke(provider.current().value)
    assert client.fetch_sales(1).records > 0
    assert server.count("/auth/login") == 2


def test_calls_refused_at_the_same_time_log_in_once(
    server: SalesFlowServer, secret: SecretBox, make_client: MakeClient, make_token: MakeToken
) -> None:
    secret.store({"phoneNumber": server.accounts.account.phone_number, "password": server.accounts.account.password})
    provider = make_token()
    server.revoke(provider.current().value)
    assert len(make_client(token=provider).fetch_stock().items) > 0
    assert server.count("/auth/login") == 2


def test_a_token_refused_for_good_says_when_it_expired(
    server: SalesFlowServer, secret: SecretBox, make_client: MakeClient
) -> None:
    secret.store(server.issue_token(timedelta(days=-1)))
    with pytest.raises(SystemTokenRejected, match=r"also after a fresh one; it expired at \d{4}-\d\d-\d\d"):
        make_client().fetch_sales(1)


@pytest.mark.parametrize(("status", "error"), [(403, SourceAccessDenied), (404, SourceNotFound)])
def test_a_refusal_is_not_tried_again(
    server: SalesFlowServer, make_client: MakeClient, status: int, error: type[SalesFlowError]
) -> None:
    server.faults.inject("/sales/history", Status(status), times=None)
    with pytest.raises(error, match=rf"GET /sales/history\?days=3.*{status}"):
        make_client().fetch_sales(3)
    assert len(server.calls) == 1


@pytest.mark.parametrize("fault", [HTML_PAGE, EMPTY_BODY, INVALID_JSON])
def test_an_answer_that_is_no_json_is_asked_for_once_more(
    server: SalesFlowServer, make_client: MakeClient, fault: Body
) -> None:
    server.faults.inject("/sales/history", fault)
    assert make_client().fetch_sales(1).records > 0
    server.faults.inject("/sales/history", fault, times=None)
    server.forget_calls()
    with pytest.raises(SourceContractBroken, match=r"GET /sales/history\?days=1 answered"):
        make_client().fetch_sales(1)
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Body(b'{"code": "OK"}'), "does not hold one list"),
        (Body(b'{"content": [], "totalPages": 4}'), "one of 4 pages"),
        (Body(b"[1, 2]"), "2 records of which 2 are bad"),
        (Status(400), "answered 400"),
        (Status(418), "answered 418"),
    ],
)
def test_an_answer_of_another_shape_is_not_asked_for_again(
    server: SalesFlowServer, make_client: MakeClient, fault: Body | Status, problem: str
) -> None:
    server.faults.inject("/sales/history", fault, times=None)
    with pytest.raises(SourceContractBroken, match=problem):
        make_client().fetch_sales(1)
    assert len(server.calls) == 1


def test_the_token_goes_to_no_other_host(server: SalesFlowServer, make_client: MakeClient) -> None:
    with SalesFlowServer(STORE, clock=lambda: NOW, require_auth=False) as other:
        for code in (301, 302, 307, 308):
            server.faults.inject("/sales/history", Status(code, location=f"{other.url}/sales/history"))
            with pytest.raises(SourceContractBroken, match=rf"redirect \({code}\)"):
                make_client().fetch_sales(1)
        assert other.calls == ()


def test_a_server_that_hangs_is_not_asked_again_by_the_run_that_it_kept_waiting(
    server: SalesFlowServer, make_client: MakeClient
) -> None:
    server.faults.inject("/sales/history", Status(503))
    server.faults.inject("/sales/history", Slow(30), times=None)
    with pytest.raises(SourceUnavailable, match=r"after 2 tries.*does not answer in time"):
        make_client(read_seconds=0.05).fetch_sales(1)


def test_the_token_is_in_no_error_and_no_log(
    server: SalesFlowServer, secret: SecretBox, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    token = server.issue_token()
    secret.store(token)
    client = make_client(read_seconds=0.05)
    echo = Body(json.dumps({"error": f"Bearer {token}"}).encode())
    faults: list[Any] = [
        Status(500),
        Reset(),
        Truncated(),
        Unauthorized(),
        Forbidden(),
        Status(404),
        HTML_PAGE,
        echo,
        Slow(1),
    ]
    faults += [
        Status(302, location=f"http://x/?t={token}"),
        BadRecords([{"id": 1, "saleDate": token}] * 900),
        INVALID_JSON,
    ]
    logger.addHandler(caplog.handler)  # the system's own logger does not hand its records on
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("botocore").setLevel(logging.INFO)  # at DEBUG botocore prints every answer of AWS
        for fault in faults:
            server.faults.clear()
            server.faults.inject("/sales/history", fault, times=None)
            with pytest.raises(SalesFlowError) as failed:
                client.fetch_sales(5)
            told = everything_about(failed.value)
            assert token not in told
            assert token.split(".")[2] not in told
    logging.getLogger(logger.name).removeHandler(caplog.handler)
    logged = str([vars(record) for record in caplog.records])
    assert "tried again" in logged
    assert "/sales/history?days=5" in logged  # urllib3's own records are among them
    assert token not in logged
    assert token not in repr(client) + repr(vars(client))
