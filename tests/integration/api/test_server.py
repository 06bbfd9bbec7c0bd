"""The server, over a real socket and read with a client library that knows nothing of it."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import urllib3
from urllib3.exceptions import IncompleteRead, MaxRetryError, ProtocolError

from local.api import SalesFlowServer, SalesStore, faults, sample_sales
from tests.stand_ins.shops import with_hostile_names

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 22, 14, 30)
STORE = with_hostile_names(sample_sales(7, date(2026, 11, 23), 40))


@pytest.fixture
def server() -> Iterator[SalesFlowServer]:
    with SalesFlowServer(STORE, clock=lambda: NOW) as running:
        yield running


def get(server: SalesFlowServer, path: str, *, token: str | None = None) -> urllib3.BaseHTTPResponse:
    headers = {"Authorization": f"Bearer {token or server.issue_token()}"}
    return urllib3.request("GET", server.url + path, headers=headers, retries=False, timeout=60)


def test_the_documented_calls_answer_in_their_shapes(server: SalesFlowServer) -> None:
    history = get(server, "/sales/history?days=2").json()
    today = get(server, "/sales/today").json()
    recent = get(server, "/sales/recent?limit=3").json()
    assert {sale["saleDate"][:10] for sale in history} == {"2026-11-20", "2026-11-21", "2026-11-22"}
    assert max(sale["saleDate"] for sale in history) <= "2026-11-22T14:30"
    assert today == [sale for sale in history if sale["saleDate"] >= "2026-11-22"]
    assert recent == history[:-4:-1]
    assert set(history[0]) == {"id", "saleDate", "totalAmount", "items"}
    assert set(history[0]["items"][0]) == {"productId", "productName", "sku", "quantity", "unitPrice", "subtotal"}
    assert len(get(server, "/sales/history").json()) > len(history)  # 90 days by default

    products = get(server, "/products").json()
    keys = {"id", "name", "sku", "price", "stockQuantity", "lowStockThreshold", "description", "imageUrl"}
    assert set(products[0]) == keys
    assert get(server, f"/products/{products[4]['id']}").json() == products[4]
    assert get(server, "/products/by-sku/XSS%2F01").json()["name"] == "<script>alert('x')</script> & cie"
    assert get(server, "/products/by-name/%3DSUM%28A1%29").json()["sku"] == "=1+2"
    low = get(server, "/products/low-stock").json()
    assert low == [product for product in products if product["stockQuantity"] <= product["lowStockThreshold"]]
    inventory = get(server, "/inventory").json()
    assert {
        "id",
        "sku",
        "name",
        "description",
        "quantity",
        "price",
        "cost",
        "category",
        "createdAt",
        "updatedAt",
    } == set(inventory[0])


def test_daily_history_of_a_product_by_sku_and_by_its_present_name(server: SalesFlowServer) -> None:
    by_sku = get(server, "/sales/history/by-sku/NOU-001?days=30").json()
    by_name = get(
        server, "/sales/history/by-name/%E6%96%B9%E4%BE%BF%E9%9D%A2%20%E7%89%9B%E8%82%89%E5%91%B3?days=30"
    ).json()
    sold = sum(
        item["quantity"]
        for sale in get(server, "/sales/history?days=30").json()
        for item in sale["items"]
        if item["sku"] == "NOU-001"
    )
    assert by_sku == by_name
    assert sum(day["quantity"] for day in by_sku) == sold
    assert set(by_sku[0]) == {"date", "quantity"}


@pytest.mark.parametrize("wrapping", ["data", "content", "items", "sales", "result"])
def test_lists_can_be_wrapped(wrapping: str) -> None:
    with SalesFlowServer(STORE, clock=lambda: NOW, wrapping=wrapping, require_auth=False) as server:
        for path in ("/sales/today", "/products"):
            assert list(get(server, path).json()) == [wrapping]
        assert get(server, "/sales/recent?limit=0").json() == {wrapping: []}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/products/by-sku/nope", 404, "NOT_FOUND"),
        ("/sales/history/by-sku/nope", 404, "NOT_FOUND"),
        ("/sales/history?days=-1", 400, "VALIDATION_ERROR"),
        ("/sales/history?days=ninety", 400, "VALIDATION_ERROR"),
        ("/nowhere", 404, "NOT_FOUND"),
    ],
)
def test_errors_have_the_error_shape(server: SalesFlowServer, path: str, status: int, code: str) -> None:
    answer = get(server, path)
    assert answer.status == status
    assert answer.json() | {"message": ""} == {
        "code": code,
        "message": "",
        "details": answer.json()["details"],
        "timestamp": "2026-11-22T14:30",
    }


def test_only_live_tokens_of_this_server_are_accepted(server: SalesFlowServer) -> None:
    revoked = server.issue_token()
    server.revoke(revoked)
    with SalesFlowServer(SalesStore([], []), clock=lambda: NOW) as other:
        foreign = other.issue_token()
    for token in (revoked, foreign, server.issue_token(timedelta(seconds=-1)), "no-jwt"):
        answer = get(server, "/products", token=token)
        assert (answer.status, answer.data[:15]) == (401, b"<!doctype html>")
    assert get(server, "/products").status == 200
    assert urllib3.request("GET", server.url + "/products").status == 401


def test_a_token_dies_at_the_end_of_its_lifetime() -> None:
    moment = datetime(2026, 11, 22, 6, tzinfo=UTC)
    with SalesFlowServer(STORE, clock=lambda: NOW, token_clock=lambda: moment) as server:
        token = server.issue_token()
        assert get(server, "/products", token=token).status == 200
        moment += timedelta(hours=1)
        assert get(server, "/products", token=token).status == 401


def test_some_containers_send_an_empty_401() -> None:
    with SalesFlowServer(STORE, clock=lambda: NOW, html_unauthorized=False) as server:
        answer = get(server, "/products", token="no")
        assert (answer.status, answer.data) == (401, b"")


def test_only_some_roles_may_read_one_products_history(server: SalesFlowServer) -> None:
    merchant = server.issue_token(role="MERCHANT")
    assert get(server, "/products", token=merchant).status == 200
    answer = get(server, "/sales/history/by-sku/RIZ-005", token=merchant)
    assert (answer.status, answer.json()["code"]) == (403, "ACCESS_DENIED")


def post(server: SalesFlowServer, path: str, body: object) -> urllib3.BaseHTTPResponse:
    return urllib3.request("POST", server.url + path, json=body)


def test_login_and_rotating_refresh(server: SalesFlowServer) -> None:
    login = {"phoneNumber": server.accounts.account.phone_number, "password": server.accounts.account.password}
    session = post(server, "/auth/login", login).json()
    assert set(session) == {"accessToken", "refreshToken", "refreshExpiresAt", "tokenType", "message", "user"}
    assert get(server, "/products", token=session["accessToken"]).status == 200
    renewed = post(server, "/auth/refresh", {"refreshToken": session["refreshToken"]})
    assert get(server, "/products", token=renewed.json()["accessToken"]).status == 200
    again = post(server, "/auth/refresh", {"refreshToken": session["refreshToken"]})
    assert (again.status, again.json()["code"]) == (401, "AUTH_FAILED")
    wrong = post(server, "/auth/login", login | {"password": "wrong"})
    assert (wrong.status, wrong.json()["code"]) == (401, "AUTH_FAILED")
    assert post(server, "/auth/login", {"phoneNumber": 7}).status == 400


def test_faults_come_in_the_order_in_which_they_were_injected(server: SalesFlowServer) -> None:
    server.faults.inject("/products", faults.Status(503), times=2)
    server.faults.inject("/prod*", faults.Status(429, retry_after=7))
    server.faults.inject("/sales/*", faults.Forbidden(), times=None)
    server.faults.inject("/inventory", faults.Unauthorized(), after=1)
    assert [get(server, "/products").status for _ in range(4)] == [503, 503, 429, 200]
    assert [get(server, "/inventory").status for _ in range(3)] == [200, 401, 200]
    assert [get(server, "/sales/today").status for _ in range(3)] == [403, 403, 403]
    assert (server.count("/products"), server.count("/products", status=503)) == (4, 2)
    assert server.calls[-1].authorized
    server.faults.clear()
    assert get(server, "/sales/today").status == 200


def test_answers_that_break_the_contract(server: SalesFlowServer) -> None:
    for fault in (
        faults.HTML_PAGE,
        faults.EMPTY_BODY,
        faults.INVALID_JSON,
        faults.Body(b"[7]"),
        faults.BadRecords([{"id": 1}]),
        faults.Status(302, location="http://x/"),
    ):
        server.faults.inject("/products", fault)
    page, empty, broken, body, bad, redirect = (get(server, "/products") for _ in range(6))
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html;charset=utf-8")
    assert (empty.status, empty.data) == (200, b"")
    with pytest.raises(json.JSONDecodeError):
        broken.json()
    assert body.json() == [7]
    assert (bad.json()[0], len(bad.json())) == ({"id": 1}, 43)
    assert (redirect.status, redirect.headers["Location"]) == (302, "http://x/")


def test_connections_that_break(server: SalesFlowServer) -> None:
    server.faults.inject("/products", faults.Reset())
    with pytest.raises(ProtocolError) as reset:
        get(server, "/products")
    assert isinstance(reset.value.args[1], ConnectionResetError)
    server.faults.inject("/products", faults.Truncated(0.5))
    with pytest.raises((ProtocolError, IncompleteRead)):
        get(server, "/products")
    assert [call.status for call in server.calls] == [0, 200]


def test_slow_answers(server: SalesFlowServer) -> None:
    server.faults.inject("/products", faults.Slow(30), times=None)
    server.faults.inject("/inventory", faults.Trickle(0.001, piece=4000))
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        urllib3.request("GET", server.url + "/products", timeout=0.1, retries=False)
    assert len(get(server, "/inventory").json()) == 42


def test_answers_are_compressed_for_who_accepts_it() -> None:
    with SalesFlowServer(STORE, clock=lambda: NOW, require_auth=False, compress=True) as server:
        packed = urllib3.request("GET", server.url + "/products", headers={"Accept-Encoding": "gzip"})
        plain = urllib3.request("GET", server.url + "/products", headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 2


def test_it_runs_alone() -> None:
    command = [sys.executable, "-u", "-m", "local.api", "--port", "0", "--now", "2026-11-22T14:30:00"]
    printed: dict[str, str] = {}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            while "token" not in printed:
                name, _, value = process.stdout.readline().replace("=", ":", 1).partition(":")
                assert name, "it ended before it was ready"
                printed[name] = value.strip()
            headers = {"Authorization": f"Bearer {printed['token']}"}
            today = urllib3.request("GET", f"{printed['SALESFLOW_API_URL']}/sales/today", headers=headers).json()
        finally:
            process.terminate()
    assert today
    assert all("2026-11-22" <= sale["saleDate"] <= "2026-11-22T14:31" for sale in today)


def test_after_stop_nobody_listens_and_kept_connections_are_closed() -> None:
    with SalesFlowServer(STORE, clock=lambda: NOW, require_auth=False) as server:
        pool = urllib3.PoolManager(retries=False)
        assert pool.request("GET", server.url + "/products").status == 200
        port = server.port
    with pytest.raises((ProtocolError, MaxRetryError, urllib3.exceptions.NewConnectionError)):
        pool.request("GET", server.url + "/products")
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
        pass
