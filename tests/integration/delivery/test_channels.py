"""Chats and programs are told once each, by what they themselves take; what is gone is marked, and no secret is shown."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import pytest
import urllib3

from local.cloud.channels import MAKING
from salesflow import clock
from salesflow.aws import AwsClients
from salesflow.delivery import webhook
from salesflow.delivery.addresses import Mark, MarkedAddresses
from salesflow.delivery.channel import Accepted, Channels, Later, Refused, send_to_all
from salesflow.delivery.mail import Mailer
from salesflow.delivery.message import REFERENCE_HEADER, Message
from salesflow.delivery.ways import SealedWays, Ways
from salesflow.delivery.webhook import Webhooks, signed
from salesflow.errors import ClaimLost, OutOfTime
from salesflow.gist import Gist
from salesflow.ledger import Claim, Ledger, RunStatus
from salesflow.links.things import MailList
from salesflow.rows import Rows
from tests.integration.delivery.conftest import DATE, Delivered
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.clocks import HandClock

KINDS = ("slack", "teams", "discord", "telegram", "webhook")
ANNE = "anne@example.com"
HOSTILE = "<!channel> @everyone [win](https://evil.example) *bold* </b> & `x` \u202e\u0000 https://link.invalid"
GIST = Gist(
    headline="Sales came to CN¥ 3,120, a fifth more than usual.", title="Corner Store · Sales · 22 November",
    lead=("More customers came.",), figures=(("Transactions", "81  (+12% last Sunday)"), ("Basket", "CN¥ 38.52")),
    sections=(("Unusual", (f"{HOSTILE} sold well.",)), ("What to order", ("Rice  2 days  40",))),
    links=(("Open the PDF", "https://link.invalid/run/0/"),), footer=("Data as of 22 November 23:10", "SF-ABCDEFGH"),
)  # fmt: skip
HUGE = replace(
    GIST, headline="H" * 2000, lead=("L" * 9000,), footer=("E" * 9000,),
    figures=tuple((f"F{n}" * 200, "1" * 1900) for n in range(40)),
    sections=tuple((f"T{n}" * 300, tuple(f"{HOSTILE}{line}" * 5 for line in range(10))) for n in range(60)),
    links=tuple(("K" * 500, f"https://link.invalid/run/{n}/") for n in range(40)),
)  # fmt: skip
MAIL = Message(
    "Sales", "Sales", "<p>Sales</p>", headers={"Content-Language": "en"}, mail_list=MailList.REPORTS, gist=GIST
)

type Take = Callable[..., Claim]
_names = count(1)


@dataclass
class Stand:
    """The services, and what is kept of the shop's channels."""

    url: str
    kept: SealedWays
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    pauses: list[float] = field(default_factory=list)

    def made(self, kind: str) -> str:
        """A channel of a kind, set up; its reader."""
        name = f"shop-{next(_names)}"
        answer = urllib3.request("PUT", f"{self.url}{MAKING}{kind}/{name}")
        self.write({f"{kind}:{name}": answer.json()})
        return f"{kind}:{name}"

    def write(self, more: dict[str, Any]) -> None:
        """Keep more of them."""
        self.said |= more
        for name, said in more.items():
            self.kept.keep(name, said)

    def set(self, reader: str, **state: Any) -> None:
        """Set how a channel is at the moment."""
        urllib3.request("PATCH", f"{self.url}{MAKING}{reader.replace(':', '/')}", json=state)

    def took(self, reader: str) -> list[dict[str, Any]]:
        """What a channel took."""
        found: list[dict[str, Any]] = self._kept(reader)["took"]
        return found

    def ids(self, reader: str) -> list[str]:
        """The ids that came with it."""
        found: list[str] = self._kept(reader)["ids"]
        return found

    def _kept(self, reader: str) -> Any:
        return urllib3.request("GET", f"{self.url}{MAKING}{reader.replace(':', '/')}").json()

    def webhooks(self, *, link: Callable[[str, str], str] | None = None) -> Webhooks:
        """The channel, which does not wait."""
        return Webhooks(Ways(self.kept), link=link, name="Corner", pause=self.pauses.append)


@pytest.fixture
def stand(services: str, kept: SealedWays) -> Stand:
    """Services, of which no channel is set up."""
    return Stand(services, kept)


@pytest.fixture
def marks(clients: AwsClients, state_table: str) -> MarkedAddresses:
    """The marks of the state table."""
    return MarkedAddresses(Rows(clients.dynamodb, state_table))


@pytest.fixture
def channels(stand: Stand, mailer: Mailer, marks: MarkedAddresses) -> Channels:
    """Mail, chats and programs."""
    hooks = stand.webhooks()
    return Channels(lambda kind: mailer if kind == "mail" else hooks, marks)


@pytest.mark.parametrize("kind", KINDS)
def test_each_service_takes_a_message_and_the_reader_is_told_once(
    stand: Stand, channels: Channels, take: Take, ledger: Ledger, kind: str, outbox: Callable[[], list[Delivered]]
) -> None:
    reader, claim = stand.made(kind), take()
    result = send_to_all(channels, claim, MAIL, [ANNE, reader])
    assert result.notified == (ANNE, reader)
    claim.finish(RunStatus.FAILED, reason="")
    assert send_to_all(channels, take(), MAIL, [ANNE, reader]).told_now == ()
    (said,) = stand.took(reader)
    assert "CN¥ 3,120" in json.dumps(said, ensure_ascii=False)
    assert len(outbox()) == 1
    sent = {send.recipient: send.message_id for send in ledger.sends(claim.identity, DATE)}
    assert sent.keys() == {ANNE, reader}
    assert all(sent.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "gist", [GIST, HUGE, Gist(""), Gist.of_text("", "")], ids=["usual", "huge", "empty", "no words"]
)
def test_each_service_takes_whatever_a_shop_s_names_are(stand: Stand, kind: str, gist: Gist) -> None:
    reader, mail = stand.made(kind), replace(MAIL, gist=gist)
    assert isinstance(stand.webhooks().send(mail, reader), Accepted)
    said = json.dumps(stand.took(reader)[0], ensure_ascii=False)
    if gist is GIST:
        shown = {
            "slack": '"type": "plain_text"',
            "discord": "\\\\@everyone",
            "telegram": "&lt;!channel&gt; @everyone",
        }.get(kind, "<!channel>")
        assert shown in said
    if kind == "discord":
        assert stand.took(reader)[0]["allowed_mentions"] == {"parse": []}


def test_a_reader_s_links_are_his_own_and_without_links_there_are_none(stand: Stand) -> None:
    reader = stand.made("webhook")
    mail = replace(MAIL, links={"https://link.invalid/run/0/": "l"})
    stand.webhooks(link=lambda thing, who: f"https://links.example/{thing}/{who}").send(mail, reader)
    assert stand.took(reader)[0]["links"] == [{"label": "Open the PDF", "url": f"https://links.example/l/{reader}"}]
    other = stand.made("webhook")
    stand.webhooks().send(mail, other)
    assert stand.took(other)[0]["links"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_messages_are_for_later_and_a_short_pause_is_waited(
    stand: Stand, channels: Channels, take: Take, kind: str
) -> None:
    reader, claim = stand.made(kind), take()
    stand.set(reader, limited=1, retry_after=30)
    result = send_to_all(channels, claim, MAIL, [reader])
    assert "429" in result.unreached[reader]
    assert "30 seconds" in result.unreached[reader]
    assert stand.pauses == []
    assert stand.took(reader) == []
    claim.finish(RunStatus.FAILED, reason="")
    stand.set(reader, limited=1, retry_after=2)
    assert send_to_all(channels, take(), MAIL, [reader]).notified == (reader,)
    assert stand.pauses == [2]
    assert len(stand.took(reader)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_revoked_is_refused_once_and_then_left_alone(
    stand: Stand, channels: Channels, take: Take, marks: MarkedAddresses, kind: str, ledger: Ledger
) -> None:
    reader, other = stand.made(kind), stand.made("slack")
    stand.set(reader, revoked=True)
    result = send_to_all(channels, take(), MAIL, [reader, other])
    assert result.notified == (other,)
    assert marks.all()[reader].mark is Mark.REVOKED
    assert "is left out until it is set up anew" in marks.all()[reader].sentence
    stand.set(reader, revoked=False)
    again = send_to_all(channels, take("report/stock/daily/excel"), MAIL, [reader])
    assert again.refused == {reader: marks.all()[reader].reason}
    assert stand.took(reader) == []
    outcomes = {send.recipient: send.outcome for send in ledger.sends("report/sales/daily/pdf", DATE)}
    assert outcomes == {reader: "REFUSED", other: "SENT"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_token_is_not_accepted_and_shown_nowhere(
    stand: Stand, channels: Channels, take: Take, kind: str, caplog: pytest.LogCaptureFixture, clients: AwsClients,
    state_table: str,
) -> None:  # fmt: skip
    caplog.set_level("DEBUG", "salesflow")
    caplog.set_level("DEBUG", "urllib3.connectionpool")
    reader = stand.made(kind)
    way = stand.said[reader]
    wrong = "W" * 43 + "="
    bad = {
        "telegram": way | {"token": "123456:" + "W" * 35},
        "webhook": way | {"key": f"whsec_{wrong}"},
        "teams": {"url": way["url"].partition("sig=")[0] + f"sig={wrong}"},
    }.get(kind, {"url": way["url"].rpartition("/")[0] + f"/{wrong}"})
    stand.write({reader: bad})
    result = send_to_all(channels, take(), MAIL, [reader])
    assert (result.unreached if kind == "webhook" else result.refused).keys() == {reader}
    rows = json.dumps(clients.dynamodb.scan(TableName=state_table)["Items"])
    for text in (
        str(result),
        rows,
        *(record.getMessage() for record in caplog.records if record.name != "urllib3.connectionpool"),
    ):
        assert "W" * 10 not in text
    assert stand.took(reader) == []


def test_a_message_that_was_taken_and_whose_answer_was_lost_comes_again_under_its_id(
    stand: Stand, channels: Channels, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, claim = stand.made("webhook"), take()
    whole = Webhooks._asked

    def lost(self: Webhooks, request: Any) -> Any:
        whole(self, request)
        return TimeoutError("lost")

    monkeypatch.setattr(Webhooks, "_asked", lost)
    assert "does not answer (TimeoutError)" in send_to_all(channels, claim, MAIL, [reader]).unreached[reader]
    claim.finish(RunStatus.FAILED, reason="")
    monkeypatch.setattr(Webhooks, "_asked", whole)
    assert send_to_all(channels, take(), MAIL, [reader]).notified == (reader,)
    assert len(stand.took(reader)) == 1, "a program does nothing twice for one id"


def test_another_edition_and_another_shop_have_ids_of_their_own(stand: Stand) -> None:
    reader = stand.made("webhook")
    ids = {
        webhook.message_id(replace(MAIL, headers={REFERENCE_HEADER: reference}), reader, shop)
        for reference in ("SF-A", "SF-B")
        for shop in ("main", "corner")
    }
    assert len(ids) == 4


def test_the_signature_is_the_one_that_standard_webhooks_publishes() -> None:
    """Their own example: libraries/README, `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`."""
    from salesflow.delivery.ways import signing_key

    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_an_old_signature_is_not_taken_again(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = stand.made("webhook")
    monkeypatch.setattr(clock, "now", lambda: datetime(2020, 1, 1, tzinfo=UTC))
    outcome = stand.webhooks().send(MAIL, reader)
    assert isinstance(outcome, Later), "a clock that is wrong is no channel that is gone"


def test_a_channel_that_is_not_set_up_is_refused_and_what_cannot_be_opened_now_keeps_nobody_from_the_mail(
    stand: Stand, channels: Channels, take: Take, marks: MarkedAddresses, wire: Wire
) -> None:
    result = send_to_all(channels, take(), MAIL, ["slack:nowhere", ANNE])
    assert "salesflow-ops channels set slack:nowhere" in result.refused["slack:nowhere"]
    assert result.notified == (ANNE,)
    stand.made("slack")
    wire.refuse(calls("Decrypt"), 400, "AccessDeniedException", times=9)
    other = send_to_all(channels, take("other"), MAIL, ["slack:a", "teams:b", ANNE])
    assert set(other.unreached) == {"slack:a", "teams:b"}
    assert other.notified == (ANNE,)
    assert marks.all() == {}


def test_nothing_is_sent_once_the_time_ended_while_the_channels_were_opened(
    stand: Stand, channels: Channels, take: Take, wire: Wire, hand_clock: HandClock
) -> None:
    reader, claim = stand.made("webhook"), take()
    claim.deadline = hand_clock.now() + timedelta(seconds=5)
    wire.meanwhile(calls("Decrypt"), lambda: hand_clock.advance(seconds=6))
    with pytest.raises(OutOfTime):
        send_to_all(channels, claim, MAIL, [reader])
    assert stand.took(reader) == []


@pytest.mark.parametrize(
    ("kind", "way", "problem"),
    [
        ("slack", {"url": "http://hooks.example.com/x"}, "https"),
        ("slack", {"url": "https://user:pass@hooks.example.com/x"}, "https"),
        ("slack", {"url": "https://hooks.example.com/x#y"}, "https"),
        ("slack", {"url": "https://hooks.example.com/x y"}, "https"),
        ("slack", {"url": "file:///etc/passwd"}, "https"),
        ("slack", {"url": "http://169.254.169.254/latest"}, "https"),
        ("slack", {"url": 7}, "string"),
        ("slack", "https://hooks.example.com/x", "dictionary"),
        ("webhook", {"url": "https://erp.example.com/x"}, "key is not set"),
        ("webhook", {"url": "https://erp.example.com/x", "key": "whsec_YQ=="}, "24 to 64 bytes"),
        ("telegram", {"token": "1/../x", "chat": "1"}, "bot's token"),
        ("telegram", {"token": "123456:" + "A" * 35, "chat": "1; x"}, "chat's number"),
    ],
)
def test_a_channel_that_cannot_be_used_is_named_and_nothing_of_it_shown(
    stand: Stand, kind: str, way: object, problem: str
) -> None:
    stand.write({f"{kind}:bad": way})
    outcome = stand.webhooks().send(MAIL, f"{kind}:bad")
    assert isinstance(outcome, Refused)
    assert problem in outcome.why
    for secret in ("pass@", "169.254", "YQ==", "1/../x", "x y", "hooks.example.com"):
        assert secret not in outcome.why


class Rude(BaseHTTPRequestHandler):
    """Answers as its path says."""

    asked: list[str]

    def do_POST(self) -> None:
        """Redirect, trickle, or never end."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(self.path)
        if self.path == "/redirect":
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
        elif self.path == "/endless":
            self.send_response(400)
            self.end_headers()
            for _ in range(64):
                self.wfile.write(b"secret " * 1024)
        else:
            self.server.stopped.wait(30)  # type: ignore[attr-defined]  # as it was made

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def rude() -> Iterator[tuple[str, list[str]]]:
    """A server that behaves badly, and what it was asked."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Rude,), {"asked": asked}))
    server.stopped = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.stopped.set()  # type: ignore[attr-defined]
    server.shutdown()


def test_a_redirect_is_not_followed_an_endless_answer_not_read_and_silence_not_waited_for(
    stand: Stand, rude: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, asked = rude
    stand.write({f"slack:{name}": {"url": f"{url}/{name}"} for name in ("redirect", "endless", "silent")})
    hooks = stand.webhooks()
    redirected = hooks.send(MAIL, "slack:redirect")
    assert isinstance(redirected, Refused)
    assert "redirects are not followed" in redirected.why
    endless = hooks.send(MAIL, "slack:endless")
    assert endless == Refused("slack:endless answers 400.")
    monkeypatch.setattr(webhook, "ANSWER_SECONDS", 0.2)
    silent = hooks.send(MAIL, "slack:silent")
    assert isinstance(silent, Later)
    assert asked == ["/redirect", "/endless", "/silent"], "one that may have arrived is not repeated in this run"


def test_a_run_that_lost_its_date_tells_nobody_more(
    stand: Stand, channels: Channels, take: Take, hand_clock: HandClock
) -> None:
    first, second, slow = stand.made("slack"), stand.made("slack"), take()
    hand_clock.advance(seconds=50)
    send_to_all(channels, take(), MAIL, [first])
    with pytest.raises(ClaimLost):
        send_to_all(channels, slow, MAIL, [first, second])
    assert (len(stand.took(first)), len(stand.took(second))) == (1, 0)
