"""Strangers, scanners and forwarders before the one door: forgery, replay after the end, other shops, open redirects, headers, floods."""

import base64
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from salesflow.delivery.addresses import Mark, MarkedAddresses
from salesflow.jobs.links import answer_link
from salesflow.jobs.runtime import Runtime
from salesflow.links.grant import LinkKeys
from salesflow.links.things import MailList, file_thing, mails_thing
from salesflow.rows import Rows
from tests.integration.jobs.conftest import OWNER, READERS, System
from tests.stand_ins.aws import Wire
from tests.stand_ins.clocks import HandClock

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
KEYS = LinkKeys("k" * 48, "p" * 48)
SHOP = "Corner Store of the Merchant"
FILE = "reports/sales/daily/2026-11-20/sales-daily-2026-11-20.pdf"
REQUESTS = 10_000

type Answer = dict[str, Any]


def request(path: str, method: str = "GET", body: str = "", **more: Any) -> dict[str, Any]:
    """What Lambda makes of a request to the function's URL."""
    http = {"method": method, "path": path, "sourceIp": "192.0.2.1"}
    return {"version": "2.0", "rawPath": path, "requestContext": {"http": http}, "headers": {}, "body": body, **more}


@pytest.fixture
def ask(
    system: System, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """The function, on a shop with a report."""
    hand_clock.moment = NOW
    secret = f"links-{system.table}"
    text = json.dumps({"current": KEYS.current, "previous": KEYS.previous})
    system.clients.secretsmanager.create_secret(Name=secret, SecretString=text)
    system.clients.s3.put_object(Bucket=system.bucket, Key=FILE, Body=b"%PDF-1.4 the figures")
    system.clients.s3.put_object(Bucket=system.bucket, Key="history/secret.csv", Body=b"the figures")
    monkeypatch.setenv("LINKS_SECRET_ID", secret)
    monkeypatch.setenv("SHOP_NAME", SHOP)
    runtime = Runtime.from_environment()

    def asked(*words: Any, **more: Any) -> Answer:
        return answer_link(request(*words, **more), runtime)

    asked.runtime = runtime  # type: ignore[attr-defined]
    return asked


def token(
    reader: str = READERS[0],
    thing: str = file_thing(FILE),
    *,
    shop: str = "main",
    days: int = 30,
    keys: LinkKeys = KEYS,
) -> str:
    return keys.signed(shop, reader, NOW.date() + timedelta(days=days), thing)


def is_refused(answer: Answer) -> bool:
    return answer["statusCode"] == 404 and SHOP not in answer["body"] and "Location" not in answer["headers"]


def test_a_good_link_opens_its_file_and_sends_nobody_anywhere_else(ask: Callable[..., Answer], system: System) -> None:
    answer = ask(f"/{token()}")
    assert answer["statusCode"] == 303
    assert answer["headers"]["Location"].startswith(f"{system.clients.s3.meta.endpoint_url}/{system.bucket}/{FILE}?")
    for more in (
        {"rawQueryString": "next=https://evil.example"},
        {"headers": {"host": "evil.example", "x-forwarded-host": "evil.example"}},
    ):
        assert "evil" not in json.dumps(ask(f"/{token()}", **more))


def test_forged_expired_foreign_and_orphaned_links_are_refused_alike(ask: Callable[..., Answer]) -> None:
    refused = [
        ask("/nothing"),
        ask(f"/{token(keys=LinkKeys('z' * 48))}"),
        ask(f"/{token(days=-1)}"),
        ask(f"/{token(shop='second')}"),
        ask(f"/{token(reader='stranger@elsewhere.example')}"),
        ask(f"/{token(thing='f/../../history/secret.csv')}"),
        ask(f"/{token(thing=file_thing(FILE.replace('2026-11-20', '2026-11-19')))}"),
        ask(f"/{token()}", "POST", "do=open"),
        ask(f"/{token(thing=mails_thing(MailList.REPORTS))}/x", "POST", "do=stop"),
        ask(f"/{token(thing='l')}/..%2F..%2Fhistory%2Fsecret.csv"),
        ask(f"/{token(thing='l')}/history/secret.csv"),
    ]
    assert all(map(is_refused, refused))
    assert len({json.dumps(answer) for answer in refused}) == 1, "nobody learns which"


def test_a_replay_after_the_end_and_after_a_key_is_gone_does_nothing(
    ask: Callable[..., Answer], hand_clock: HandClock, system: System
) -> None:
    last = token(thing=mails_thing(MailList.REPORTS), days=30)
    hand_clock.moment = NOW + timedelta(days=31)
    assert is_refused(ask(f"/{last}", "POST", "do=stop"))
    assert [row for row in system.rows() if row["pk"]["S"] == "address"] == []


def test_scanners_change_nothing_and_one_click_comes_in_both_kinds_of_form(
    ask: Callable[..., Answer], system: System
) -> None:
    path = f"/{token(thing=mails_thing(MailList.ALERTS), reader=OWNER)}"

    def stopped() -> list[str]:
        rows = [row for row in system.rows() if row["pk"]["S"] == "address"]
        return [item["S"] for row in rows for item in row["lists"]["L"]]

    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        ask(path, method, "List-Unsubscribe=One-Click&do=stop")
    assert stopped() == []
    multipart = '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    encoded = base64.b64encode(multipart.encode()).decode()
    assert ask(path, "POST", encoded, isBase64Encoded=True)["statusCode"] == 200
    assert stopped() == ["alerts"]
    ask(path, "POST", "do=take-up-alerts")
    assert stopped() == []
    ask(path, "POST", "List-Unsubscribe=One-Click")
    assert stopped() == ["alerts"]


def test_a_bounce_is_not_lifted_by_its_reader(ask: Callable[..., Answer], system: System) -> None:
    row = {"pk": {"S": "address"}, "sk": {"S": READERS[0]}, "mark": {"S": "bounced"}, "since": {"S": NOW.isoformat()}}
    system.clients.dynamodb.put_item(TableName=system.table, Item=row)
    path = f"/{token(thing=mails_thing(MailList.REPORTS))}"
    assert "You get no mails." in ask(path, "POST", "do=take-up-reports")["body"]
    (found,) = [one for one in system.rows() if one["pk"]["S"] == "address"]
    assert found["mark"]["S"] == "bounced"


def test_what_a_reader_stopped_stays_stopped_over_a_bounce(ask: Callable[..., Answer], system: System) -> None:
    path, marks = (
        f"/{token(thing=mails_thing(MailList.REPORTS))}",
        MarkedAddresses(Rows(system.clients.dynamodb, system.table)),
    )

    def stopped() -> list[MailList]:
        return sorted(marks.all()[READERS[0]].lists)

    ask(path, "POST", "do=stop-reports")
    marks.mark(READERS[0], Mark.BOUNCED, said="550 unknown", message_id="m-1")
    assert stopped() == [MailList.REPORTS]
    ask(path, "POST", "do=stop-alerts")  # while nothing can be mailed there
    assert stopped() == [MailList.ALERTS, MailList.REPORTS]
    assert not marks.all()[READERS[0]].is_own_choice


def test_no_token_and_no_address_stands_in_a_log_or_a_row(
    ask: Callable[..., Answer], system: System, capsys: pytest.CaptureFixture[str], wire: Wire
) -> None:
    good = token(thing=mails_thing(MailList.REPORTS))
    ask(f"/{good}", "POST", "do=stop")
    wire.refuse(lambda asked: asked.service == "dynamodb", 500, "InternalServerError", times=3)
    broken = ask(f"/{good}")
    assert broken["statusCode"] == 503
    said = capsys.readouterr()
    for text in (said.out, said.err, json.dumps([row for row in system.rows() if row["pk"]["S"] == "link"])):
        assert good not in text
        assert good.split(".")[1] not in text
        assert READERS[0] not in text


def hostile(rng: random.Random, good: str) -> dict[str, Any]:
    """A request that somebody sends who wants more than he has."""
    key, said, signature = good.split(".")
    noise = "".join(
        chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x110000 - 0x800) % 0xD800)))
        for _ in range(rng.randrange(80))
    )
    flipped = list(good)
    flipped[rng.randrange(len(good))] = rng.choice("ABCxyz019-_.=%/\r\n\0é😀")
    payload = base64.urlsafe_b64decode(said + "==").decode().split("\n")
    payload[rng.randrange(4)] = rng.choice(("main", "shops/2", "99999", "l", "f/../x", noise.replace("\n", " ")))
    forged = base64.urlsafe_b64encode("\n".join(payload).encode()).rstrip(b"=").decode()
    path = rng.choice(
        (
            f"/{noise}",
            f"/{''.join(flipped)}" if "".join(flipped) != good else "/",
            f"/{key}.{forged}.{signature}" if forged != said else "/",
            f"/{key}.{said}.{signature}/../../etc/passwd",
            f"//evil.example/{good}",
            f"/{good}%0d%0aLocation:%20https://evil.example",
            f"/{good}\r\nSet-Cookie: a=b",
            f"/{good * rng.randrange(2, 200)}",
            "/" + "." * rng.randrange(3_000),
            f"/{key}.{said}.",
            "/..%2f..%2freports/index.html",
            "/robots.txt",
        )
    )
    body = rng.choice(
        ("", noise, "do=" + noise, "List-Unsubscribe=One-Click", "&" * 3_000, "a=b&" * 400, "do=" + "x" * 100_000)
    )
    event = request(path, rng.choice(("GET", "HEAD", "POST", "PUT", "", "G E T", noise[:9])), body)
    match rng.randrange(12):
        case 0:
            event["isBase64Encoded"] = True
        case 1:
            event["requestContext"] = rng.choice(({}, {"http": {}}, {"http": {"method": 7}}))
        case 2:
            event["rawPath"] = rng.choice((None, 7, [], {}))
        case 3:
            event["body"] = rng.choice((None, 7, ["x"]))
    return event


def test_ten_thousand_hostile_requests_get_the_one_answer_and_cost_next_to_nothing(
    ask: Callable[..., Answer], wire: Wire, system: System
) -> None:
    """The keys are read once, however many others are named; nothing is written, and nobody is sent anywhere."""
    rng, good, answers = random.Random(17), token(), Counter[str]()
    runtime: Runtime = ask.runtime  # type: ignore[attr-defined]
    wire.seen.clear()
    began = time.process_time()
    for _ in range(REQUESTS):
        answer = answer_link(hostile(rng, good), runtime)
        answers[f"{answer['statusCode']} {answer['body'][:15]}"] += 1
        assert "Location" not in answer["headers"]
        assert "\n" not in "".join(answer["headers"].values())
    took = time.process_time() - began
    assert set(answers) <= {"404 <!doctype html>", "404 "}, answers
    assert sum(answers.values()) == REQUESTS
    asked = Counter(call.operation for call in wire.seen)
    assert asked.pop("GetSecretValue") == 1
    assert asked.keys() <= {"Query"}, "a good link with a bad path reads the settings; nothing is written"
    assert took < 20, f"{took:.1f} s"


def test_keys_are_read_again_for_a_new_one_and_not_for_every_stranger(
    ask: Callable[..., Answer], wire: Wire, system: System, hand_clock: HandClock
) -> None:
    ask(f"/{token()}")
    changed = LinkKeys("n" * 48, KEYS.current)
    system.clients.secretsmanager.put_secret_value(
        SecretId=f"links-{system.table}",
        SecretString=json.dumps({"current": changed.current, "previous": changed.previous}),
    )
    new = token(keys=changed)
    wire.seen.clear()
    assert is_refused(ask(f"/{new}")), "read a moment ago"
    hand_clock.moment = NOW + timedelta(minutes=2)
    assert ask(f"/{new}")["statusCode"] == 303
    assert ask(f"/{token()}")["statusCode"] == 303, "the key before is good still"
    assert [asked.operation for asked in wire.seen].count("GetSecretValue") == 1
