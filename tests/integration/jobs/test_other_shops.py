"""A shop beside `main`: its row, its keys, its readers; nothing of one reaches the other."""

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from itertools import product
from typing import Any
from urllib.parse import parse_qs

import pytest

from local.api import SalesFlowServer
from salesflow.aws import AwsClients, ShopOutOfReach
from salesflow.delivery.message import REFERENCE_HEADER, Message
from salesflow.delivery.ways import WhatsAppWay
from salesflow.delivery.whatsapp import template_message
from salesflow.errors import InvalidJobEvent, InvalidSettings, SalesFlowError, SystemTokenMissing
from salesflow.observability import logger
from salesflow.rows import Rows
from salesflow.shops.book import SettingsBook
from salesflow.shops.sealed import NotSealed
from salesflow.shops.token import KEY, keep_token, share_token
from tests.integration.jobs.conftest import BUSINESS_DATE, OWNER, READERS, ROOT, SHOP_ROLE, TEN_DAYS_AGO, System
from tests.integration.jobs.test_mail_events import NUMBER, bounce, of_topic, reported
from tests.stand_ins.aws import Wire
from tests.stand_ins.lambda_context import Context

SHOP_OPENED = TEN_DAYS_AGO
SHOP = "corner"
HERS = "reader@corner.example.com"
SHARED = "shared"
EVENT = {"business_date": BUSINESS_DATE.isoformat(), "formats": ["json"]}


@pytest.fixture
def key(clients: AwsClients) -> str:
    """The stack's key for tokens."""
    return str(clients.kms.create_key()["KeyMetadata"]["KeyId"])


@pytest.fixture
def add(system: System, key: str) -> Callable[..., None]:
    """Write a shop's row, and its token: a sealed one of the system's API, or what is given."""

    def add(shop: str = SHOP, *, token: str | None = "", **values: Any) -> None:
        said = {
            "salesflow_api_url": system.api.url,
            "timezone": "Africa/Nairobi",
            "currency": "KES",
            "shop_name": "Corner Store",
            "report_recipients": [HERS],
            "alert_recipients": [],
            "owner_recipients": [HERS],
            "history_days": "240",
        } | values
        rows = Rows(system.clients.dynamodb, system.table, shop)
        if token == SHARED:
            share_token(rows)
        elif token is not None:
            keep_token(rows, system.clients.kms, key, token or system.api.issue_token(timedelta(days=3650)))
        book = SettingsBook(rows)
        book.write({name: value for name, value in said.items() if value is not None}, over=book.newest(), by="desk")

    return add


def test_a_shop_s_run_has_its_own_keys_rows_readers_and_settings(system: System, add: Callable[..., None]) -> None:
    add()
    answer = system.fire("report", EVENT | {"shop": SHOP})
    assert answer["notified"] == [HERS]
    assert [artifact["key"] for artifact in answer["artifacts"]] == [
        f"shops/{SHOP}/reports/sales/daily/{BUSINESS_DATE}/sales-daily-{BUSINESS_DATE}.json"
    ]
    keys = system.keys("")
    assert keys
    assert all(key.startswith(f"shops/{SHOP}/") for key in keys)
    assert all(row["pk"]["S"].startswith(f"{SHOP}|") for row in system.rows())
    manifest = json.loads(system.body(f"shops/{SHOP}/reports/sales/daily/{BUSINESS_DATE}/manifest.json"))
    assert manifest["files"]["json"]["key"] == answer["artifacts"][0]["key"]
    assert system.body(answer["artifacts"][0]["key"])
    assert '"KES"' in system.body(answer["artifacts"][0]["key"]).decode()
    assert [mail["To"] for mail in system.mails()] == [HERS]


def test_two_shops_in_one_container_get_each_its_own(system: System, add: Callable[..., None]) -> None:
    add()
    handler = system.load("report")
    for shop in ("main", SHOP, "main", SHOP):
        answer = handler(EVENT | {"shop": shop, "force": True}, Context())
        assert sorted(answer["notified"]) == (sorted(READERS) if shop == "main" else [HERS])
        assert all(a["key"].startswith("shops/") is (shop != "main") for a in answer["artifacts"])
    references = {
        mail["To"]: {m["X-SalesFlow-Reference"] for m in system.mails() if m["To"] == mail["To"]}
        for mail in system.mails()
    }
    assert not references[HERS] & references[READERS[0]]
    mains = {key for key in system.keys("") if not key.startswith("shops/")}
    theirs = {key.removeprefix(f"shops/{SHOP}/") for key in system.keys(f"shops/{SHOP}/")}
    assert mains == theirs


def test_the_sample_event_of_another_shop_runs_as_it_is(system: System, add: Callable[..., None]) -> None:
    event = json.loads((ROOT / "events" / "other_shop" / "report.json").read_text())
    add(event["shop"])
    answer = system.fire("report", event)
    assert (answer["status"], answer["notified"]) == ("SUCCEEDED", [HERS])


def test_a_run_that_breaks_off_for_one_shop_loses_doubles_and_leaks_nothing_beside_another(
    system: System, add: Callable[..., None], wire: Wire
) -> None:
    """A call of a shop's first run is cut, before or after it took effect (each of them by night, in `make reliability`): its retry
    ends it, and the other's keys, rows and mails stay.
    """
    handler, day = system.load("report"), BUSINESS_DATE
    handler(EVENT, Context())
    mains = [row for row in system.rows() if "|" not in row["pk"]["S"]]
    files = {key: system.body(key) for key in system.keys("")}
    for number, (cut, wanted) in enumerate(product((wire.cut_before, wire.cut_after), (1, 5, 11))):
        shop, seen = f"shop-{number}", iter(range(10**6))
        add(shop, report_recipients=[f"reader@{shop}.example.com"])
        cut(lambda request, wanted=wanted, seen=seen: next(seen) == wanted, times=1)  # type: ignore[misc]
        context, event = Context(), EVENT | {"shop": shop}
        try:
            answer = handler(event, context)
        except SalesFlowError:
            wire.reset()
            answer = handler(event, context)
        wire.reset()
        assert answer["status"] in {"SUCCEEDED", "DUPLICATE"}
        assert [mail["To"] for mail in system.mails() if shop in mail["To"]] == [f"reader@{shop}.example.com"]
        assert f"shops/{shop}/reports/sales/daily/{day}/sales-daily-{day}.json" in system.keys(f"shops/{shop}/")
    assert [row for row in system.rows() if "|" not in row["pk"]["S"]] == mains
    assert {key: system.body(key) for key in system.keys("") if not key.startswith("shops/")} == files
    for what in (*system.keys("shops/"), *(row["pk"]["S"] for row in system.rows() if "|" in row["pk"]["S"])):
        assert re.match(r"(shops/)?shop-\d+[/|]", what), what


def test_a_shop_without_a_row_is_refused_by_name(system: System) -> None:
    for function in ("report", "sync_history", "forecast", "anomaly_check", "watchdog"):
        with pytest.raises(InvalidJobEvent, match=r"shop 'corner': this stack has no such shop"):
            system.fire(function, {"shop": SHOP})
    assert system.keys("") == []
    assert system.rows() == []
    assert system.mails() == []


def test_nothing_of_main_s_settings_is_inherited(system: System, add: Callable[..., None]) -> None:
    add(currency=None, owner_recipients=None, salesflow_api_url=None)
    with pytest.raises(InvalidSettings, match=r"of the shop corner.*currency: is not set.*salesflow_api_url.*owner_re"):
        system.fire("report", EVENT | {"shop": SHOP})
    assert OWNER not in str(system.mails())


def test_a_bounce_marks_the_address_for_the_shop_whose_mail_it_was(system: System, add: Callable[..., None]) -> None:
    add()
    event = bounce(HERS)
    event["detail"]["mail"]["tags"] = {"shop": [SHOP], "ses:from-domain": ["shop.example.com"]}
    assert system.fire("mail_events", event)["marked"] == [HERS]
    (row,) = (row for row in system.rows() if row["sk"]["S"] == HERS)
    assert row["pk"]["S"] == f"{SHOP}|address"


def test_what_whatsapp_could_not_deliver_is_marked_for_the_shop_whose_message_it_was(
    system: System, add: Callable[..., None]
) -> None:
    add()
    message = template_message(WhatsAppWay(phone="phone-number-id-01234567", template="x"), f"whatsapp:{NUMBER}",
                               Message("s", "t", "h", headers={REFERENCE_HEADER: "SF-ABCDEFGH"}), "", "", SHOP)  # fmt: skip
    event = of_topic(reported(131026, message["biz_opaque_callback_data"]))
    assert system.fire("mail_events", event)["marked"] == [f"whatsapp:{NUMBER}"]
    (row,) = (row for row in system.rows() if row["sk"]["S"] == f"whatsapp:{NUMBER}")
    assert row["pk"]["S"] == f"{SHOP}|address"


def test_everything_of_a_shop_is_called_with_credentials_of_its_own(
    system: System, add: Callable[..., None], wire: Wire
) -> None:
    add()
    wire.seen.clear()
    system.fire("report", EVENT | {"shop": SHOP})
    (taken_on,) = (request for request in wire.seen if request.service == "sts")
    asked = parse_qs(taken_on.body.decode())
    assert asked["RoleArn"] == [SHOP_ROLE]
    assert (asked["Tags.member.1.Key"], asked["Tags.member.1.Value"]) == (["shop"], [SHOP])
    assert "Tags.member.2.Key" not in asked
    by_key = {(r.service, "ASIA" in r.headers["authorization"]) for r in wire.seen}
    assert by_key == {("sts", False), ("dynamodb", True), ("s3", True), ("kms", True), ("ses", False)}
    wire.seen.clear()
    system.fire("report", EVENT | {"force": True})
    assert not any("ASIA" in request.headers["authorization"] or request.service == "sts" for request in wire.seen)


def test_without_its_credentials_nothing_of_a_shop_is_touched(
    system: System, add: Callable[..., None], wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    add()
    before = system.rows()
    wire.refuse(lambda request: request.service == "sts", 403, "AccessDenied", times=10)
    with pytest.raises(ShopOutOfReach, match=r"corner.*AccessDenied"):
        system.fire("report", EVENT | {"shop": SHOP})
    monkeypatch.delenv("SHOP_ROLE_ARN")
    with pytest.raises(ShopOutOfReach, match="SHOP_ROLE_ARN"):
        system.fire("report", EVENT | {"shop": SHOP})
    assert system.rows() == before
    assert system.keys("") == []


def test_the_token_of_one_shop_opens_for_no_other(system: System, add: Callable[..., None]) -> None:
    """Not even where its row stands under the other's key."""
    add()
    add("other", token=None)
    rows = [Rows(system.clients.dynamodb, system.table, shop) for shop in (SHOP, "other")]
    row = rows[0].get(KEY)
    assert row is not None
    rows[1].put(row)
    with pytest.raises(SystemTokenMissing, match=r"of the shop other cannot be opened \(InvalidCiphertext"):
        system.fire("report", EVENT | {"shop": "other"})
    assert system.fire("report", EVENT | {"shop": SHOP})["status"] == "SUCCEEDED"


def test_a_sealed_token_is_nowhere_to_be_read(system: System, add: Callable[..., None]) -> None:
    token = system.api.issue_token(timedelta(days=1000))
    add(token=token)
    kept = json.dumps(system.rows())
    assert token not in kept
    assert base64.b64encode(token.encode()).decode() not in kept


@pytest.mark.parametrize("row", [None, {"sealed": "no base64!"}, {"sealed": 7}, {"shared": "yes"}])
def test_a_token_that_is_not_there_fails_by_the_shop_s_name(
    system: System, add: Callable[..., None], row: dict[str, Any] | None
) -> None:
    add(token=None)
    if row is not None:
        Rows(system.clients.dynamodb, system.table, SHOP).put(KEY | row)
    with pytest.raises(SystemTokenMissing, match="of the shop corner"):
        system.fire("report", EVENT | {"shop": SHOP})


def test_the_stack_s_token_serves_shops_of_main_s_host_and_is_shown_to_no_other(
    system: System, add: Callable[..., None], shop_sales: Any
) -> None:
    add(token=SHARED)
    assert system.fire("report", EVENT | {"shop": SHOP})["status"] == "SUCCEEDED"
    with SalesFlowServer(shop_sales, clock=lambda: datetime(2026, 11, 21, 7)) as stranger:
        add("other", token=SHARED, salesflow_api_url=stranger.url)
        with pytest.raises(SystemTokenMissing, match=r"of the shop other is that of the stack.*another"):
            system.fire("report", EVENT | {"shop": "other"})
        assert stranger.calls == ()


@pytest.mark.parametrize("secret", ["", "x" * 4097])
def test_what_cannot_be_sealed_is_not_stored(system: System, add: Callable[..., None], key: str, secret: str) -> None:
    rows = Rows(system.clients.dynamodb, system.table, SHOP)
    with pytest.raises(NotSealed, match="corner"):
        keep_token(rows, system.clients.kms, key, secret)
    assert rows.get(KEY) is None


def test_the_key_that_is_not_there_seals_nothing(system: System) -> None:
    rows = Rows(system.clients.dynamodb, system.table, SHOP)
    with pytest.raises(NotSealed, match="NotFound"):
        keep_token(rows, system.clients.kms, "alias/nothing", "a.b.c")


def test_each_line_of_the_log_names_the_shop_and_no_metric_does(
    system: System, add: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add()
    for event in ({"shop": SHOP}, {}):
        written = StringIO()
        monkeypatch.setattr(logger.registered_handler, "stream", written)  # whichever test made it
        capsys.readouterr()
        system.fire("report", EVENT | event)
        logged = [json.loads(line) for line in written.getvalue().splitlines()]
        assert {line["shop"] for line in logged} == {event.get("shop", "main")}
        metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
        assert metrics
        assert not any("shop" in line for line in metrics)
