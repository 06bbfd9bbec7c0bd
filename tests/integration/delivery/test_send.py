"""Every recipient is told once: what SES, DynamoDB and a kill at any step can do to that."""

import re
import socket
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ReadTimeoutError
from botocore.session import get_session

from salesflow.aws import AwsClients
from salesflow.delivery.channel import Later, Refused, send_to_all
from salesflow.delivery.mail import Mailer
from salesflow.delivery.message import Attachment, Message
from salesflow.errors import ClaimLost
from salesflow.ledger import Claim, Ledger, LedgerUnavailable, RunStatus
from tests.integration.conftest import REGION
from tests.integration.delivery.conftest import DATE, Delivered, by_mail
from tests.stand_ins.aws import Answer, Wire, calls
from tests.stand_ins.clocks import HandClock

ANNE, BOB, CARL = "anne@example.com", "bob@example.com", "carl@example.com"


EVERYBODY = (ANNE, BOB, CARL)


MAIL = Message(
    "Sales of 22 November", "Revenue: 1", "<p>Revenue: 1</p>", (Attachment("s.pdf", "application/pdf", b"%PDF"),)
)


type Outbox = Callable[[], list[Delivered]]


type Take = Callable[..., Claim]


@pytest.fixture
def clients(aws_environment: str) -> AwsClients:
    """Clients of each test's own: what listens to them goes with them."""
    return AwsClients(ses_region=REGION)


def told(outbox: Outbox) -> list[str]:
    return [mail.recipient for mail in outbox()]


def sends(wire: Wire) -> int:
    return wire.operations().count("SendEmail")


def test_each_recipient_gets_a_message_of_their_own(mailer: Mailer, take: Take, outbox: Outbox, ledger: Ledger) -> None:
    claim = take()
    result = send_to_all(by_mail(mailer), claim, MAIL, [*EVERYBODY, ANNE])
    assert result.notified == EVERYBODY
    assert (result.refused, result.unreached) == ({}, {})
    assert told(outbox) == list(EVERYBODY)
    for mail in outbox():
        assert mail.message["To"] == mail.recipient
        assert mail.message["Subject"] == f"Sales of 22 November [{claim.reference}]"
        assert mail.message["X-SalesFlow-Reference"] == claim.reference
        assert mail.message["X-SalesFlow-Run-Id"] == claim.run_id
    recorded = ledger.sends(claim.identity, claim.business_date)
    assert {(send.recipient, send.message_id) for send in recorded} == {(m.recipient, m.message_id) for m in outbox()}


def test_connections_of_the_containers_last_run_are_dropped_before_the_first_mail(
    mailer: Mailer, take: Take, wire: Wire, clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that died without notice would leave open whether a mail went out."""
    dropped: list[int] = []
    monkeypatch.setattr(clients.sesv2, "close", lambda: dropped.append(sends(wire)))
    send_to_all(by_mail(mailer), take(), MAIL, EVERYBODY)
    assert dropped == [0]


def test_who_was_told_is_not_told_again(mailer: Mailer, take: Take, outbox: Outbox) -> None:
    first = take()
    send_to_all(by_mail(mailer), first, MAIL, [ANNE])
    first.finish(RunStatus.PARTIAL, reason="")
    assert send_to_all(by_mail(mailer), take(), MAIL, EVERYBODY).notified == EVERYBODY
    assert told(outbox) == list(EVERYBODY)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("MessageRejected", f"Email address is not verified. The following identities failed the check: {BOB}"),
        ("MessageRejected", "Email address is not verified: bob@shop.example.com"),
        ("BadRequestException", "Missing final '@domain'"),
    ],
)
def test_one_refused_recipient_does_not_stop_the_others(
    mailer: Mailer, take: Take, outbox: Outbox, wire: Wire, ledger: Ledger, code: str, said: str
) -> None:
    claim = take()
    wire.refuse(calls("SendEmail", recipient=BOB), 400, code, said)
    result = send_to_all(by_mail(mailer), claim, MAIL, EVERYBODY)
    assert result.notified == (ANNE, CARL)
    assert re.sub(r"bob@", "b…@", said) in result.refused[BOB]
    assert BOB not in result.refused[BOB]
    assert told(outbox) == [ANNE, CARL]
    outcomes = {send.recipient: send.outcome for send in ledger.sends(claim.identity, claim.business_date)}
    assert outcomes == {ANNE: "SENT", BOB: "REFUSED", CARL: "SENT"}
    claim.finish(RunStatus.PARTIAL, reason=result.refused[BOB])
    again = send_to_all(by_mail(mailer), take(), MAIL, EVERYBODY)  # the address has been corrected meanwhile
    assert again.notified == EVERYBODY
    assert told(outbox) == [ANNE, CARL, BOB]


def test_an_address_that_is_none_is_refused_without_asking_ses(mailer: Mailer, take: Take, wire: Wire) -> None:
    result = send_to_all(by_mail(mailer), take(), MAIL, ["anne@example.com\r\nBcc: eve@example.com", "nobody"])
    assert len(result.refused) == 2
    assert sends(wire) == 0


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (400, "MailFromDomainNotVerifiedException", "the MAIL FROM domain is not verified"),
        (400, "SendingPausedException", "sending is paused"),
        (400, "AccountSuspendedException", "suspended"),
        (400, "LimitExceededException", "daily quota"),
        (404, "NotFoundException", "Configuration set <x> does not exist."),
        (403, "AccessDeniedException", "not authorized to perform: ses:SendEmail"),
        (400, "MessageRejected", "Daily message quota exceeded."),
        (400, "BadRequestException", "Maximum sending rate exceeded."),
        (400, "MessageRejected", "Email address is not verified: Reports@shop.example.com"),
        (400, "MessageRejected", f"The following identities failed the check: {BOB}, shop.example.com"),
    ],
)
def test_what_concerns_everybody_stops_the_sending_and_refuses_nobody(
    mailer: Mailer, take: Take, outbox: Outbox, wire: Wire, ledger: Ledger, status: int, code: str, said: str
) -> None:
    claim = take()
    wire.refuse(calls("SendEmail", recipient=BOB), status, code, said)
    result = send_to_all(by_mail(mailer), claim, MAIL, EVERYBODY)
    assert result.notified == (ANNE,)
    assert result.refused == {}
    assert set(result.unreached) == {BOB, CARL}
    assert code in result.unreached[CARL]
    assert sends(wire) == 2
    assert {send.recipient for send in ledger.sends(claim.identity, claim.business_date)} == {ANNE}
    assert told(outbox) == [ANNE]


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "TooManyRequestsException"), (400, "ThrottlingException"), (500, "InternalFailure"), (503, "Unavailable")],
)
def test_what_ses_surely_did_not_accept_is_repeated_with_pauses(
    mailer: Mailer, take: Take, outbox: Outbox, wire: Wire, pauses: list[float], status: int, code: str
) -> None:
    wire.refuse(calls("SendEmail", recipient=BOB), status, code, times=2)
    assert send_to_all(by_mail(mailer), take(), MAIL, EVERYBODY).notified == EVERYBODY
    assert told(outbox) == list(EVERYBODY)
    assert len(pauses) == 2
    assert 0 < pauses[0] <= 1
    assert 0 < pauses[1] <= 2


def test_throttling_without_end_leaves_the_recipient_to_the_next_attempt(
    mailer: Mailer, take: Take, outbox: Outbox, wire: Wire, ledger: Ledger
) -> None:
    claim = take()
    wire.refuse(calls("SendEmail", recipient=BOB), 429, "TooManyRequestsException", times=99)
    result = send_to_all(by_mail(mailer), claim, MAIL, EVERYBODY)
    assert result.notified == (ANNE, CARL)
    assert set(result.unreached) == {BOB}
    assert sends(wire) == 2 + 4
    assert {send.recipient for send in ledger.sends(claim.identity, claim.business_date)} == {ANNE, CARL}


def test_a_lost_answer_is_not_repeated_by_itself(mailer: Mailer, take: Take, outbox: Outbox, wire: Wire) -> None:
    claim = take()
    wire.cut_after(calls("SendEmail", recipient=BOB))
    result = send_to_all(by_mail(mailer), claim, MAIL, EVERYBODY)
    assert (result.notified, set(result.unreached)) == ((ANNE, CARL), {BOB})
    assert told(outbox) == [ANNE, BOB, CARL]
    claim.finish(RunStatus.FAILED, reason="")
    assert send_to_all(by_mail(mailer), take(), MAIL, EVERYBODY).notified == EVERYBODY
    assert told(outbox) == [ANNE, BOB, CARL, BOB]
    bobs = [mail.message for mail in outbox() if mail.recipient == BOB]
    assert recognisable(bobs)


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateways_error_is_not_repeated_by_itself(
    mailer: Mailer, take: Take, outbox: Outbox, wire: Wire, status: int
) -> None:
    wire.refuse(calls("SendEmail", recipient=BOB), status, "BadGateway")
    result = send_to_all(by_mail(mailer), take(), MAIL, EVERYBODY)
    assert set(result.unreached) == {BOB}
    assert sends(wire) == 3


def test_a_read_time_out_is_not_repeated_by_itself(
    verified_sender: str, take: Take, outbox: Outbox, clients: AwsClients
) -> None:
    client: Any = get_session().create_client("sesv2", region_name=REGION, config=clients.sesv2.meta.config)

    def slow(request: AWSPreparedRequest, **_: object) -> None:
        if ANNE.encode() in bytes(request.body):  # type: ignore[arg-type]  # a mail is bytes
            client._endpoint.http_session.send(request)  # it arrives, and its answer does not come in time
            raise ReadTimeoutError(endpoint_url=request.url)

    client.meta.events.register("before-send.sesv2.SendEmail", slow)
    mailer = Mailer(client, sender=verified_sender, reply_to=None, configuration_set=None)
    result = send_to_all(by_mail(mailer), take(), MAIL, [ANNE, BOB])
    assert "timeout" in result.unreached[ANNE].lower()
    assert told(outbox) == [ANNE, BOB]


def test_an_accepted_mail_whose_answer_is_garbled_counts_as_sent(
    mailer: Mailer, take: Take, outbox: Outbox, wire: Wire
) -> None:
    def garble(answer: Answer) -> None:
        answer.body = b"\x00" * len(answer.body)

    wire.alter(calls("SendEmail", recipient=ANNE), garble)
    assert send_to_all(by_mail(mailer), take(), MAIL, [ANNE]).notified == (ANNE,)
    assert told(outbox) == [ANNE]


def test_without_a_way_to_ses_everybody_is_left_to_the_next_attempt(
    take: Take, verified_sender: str, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    claim = take()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        mailer = Mailer(
            AwsClients(ses_region=REGION).sesv2,
            sender=verified_sender,
            reply_to=None,
            configuration_set=None,
            pause=pauses.append,
        )
        result = send_to_all(by_mail(mailer), claim, MAIL, EVERYBODY)
    assert set(result.unreached) == set(EVERYBODY)
    assert len(pauses) == 3


def test_a_run_that_lost_its_date_mails_nobody_more(
    mailer: Mailer, take: Take, outbox: Outbox, wire: Wire, hand_clock: HandClock
) -> None:
    slow = take()

    def taken_over() -> None:
        hand_clock.advance(seconds=50)
        send_to_all(by_mail(mailer), take(), MAIL, [CARL])

    wire.meanwhile(calls("PutItem"), taken_over)
    with pytest.raises(ClaimLost):
        send_to_all(by_mail(mailer), slow, MAIL, EVERYBODY)
    assert sorted(told(outbox)) == [ANNE, CARL]


def test_a_mail_that_cannot_be_recorded_stops_the_run(mailer: Mailer, take: Take, outbox: Outbox, wire: Wire) -> None:
    claim = take()
    wire.refuse(calls("PutItem"), 400, "AccessDeniedException")
    with pytest.raises(LedgerUnavailable):
        send_to_all(by_mail(mailer), claim, MAIL, EVERYBODY)
    assert told(outbox) == [ANNE]


def test_a_single_mail_says_what_went_wrong(mailer: Mailer, wire: Wire) -> None:
    wire.refuse(calls("SendEmail"), 400, "MessageRejected", "content")
    refusal = mailer.send(MAIL, ANNE)
    assert isinstance(refusal, Refused)
    assert "content" in refusal.why
    assert not refusal.gone
    wire.refuse(calls("SendEmail"), 400, "SendingPausedException")
    assert mailer.send(MAIL, ANNE) == Later("SES sends no mail (SendingPausedException: made to fail).", for_all=True)


def test_the_configuration_set_and_the_reference_go_with_every_mail(
    clients: AwsClients, verified_sender: str, take: Take, outbox: Outbox, wire: Wire
) -> None:
    mailer = Mailer(clients.sesv2, sender=verified_sender, reply_to=None, configuration_set="salesflow")
    claim = take()
    send_to_all(by_mail(mailer), claim, MAIL, [ANNE])
    (request,) = [request for request in wire.seen if request.operation == "SendEmail"]
    assert b'"ConfigurationSetName": "salesflow"' in request.body
    assert claim.reference.encode() in request.body


class Killed(BaseException):
    """The process is gone: no code of the run may act on it."""


class Killer:
    """Kills the run before, or right after, its k-th call to AWS."""

    def __init__(self, clients: AwsClients) -> None:
        self.calls: list[str] = []
        self._at: tuple[int, str] | None = None
        self._count = 0
        for client in (clients.dynamodb, clients.sesv2):
            client.meta.events.register_first("before-call", self._before)
            client.meta.events.register_last("after-call", self._after)

    def arm(self, step: int, when: str) -> None:
        """Kill `when` ("before" or "after") call number `step`, counted from now."""
        self._at, self._count = (step, when), 0

    def disarm(self) -> None:
        """Let live."""
        self._at = None

    def _before(self, model: Any, **_: Any) -> None:
        self._count += 1
        self.calls.append(model.name)
        self._strike("before")

    def _after(self, **_: Any) -> None:
        self._strike("after")

    def _strike(self, when: str) -> None:
        if self._at == (self._count, when):
            raise Killed


def recognisable(repeats: list[EmailMessage]) -> bool:
    """Whether mails show themselves to be the same one."""
    return len({(mail["Message-ID"], mail["Subject"], mail["X-SalesFlow-Reference"]) for mail in repeats}) == 1


def test_killed_at_any_step_and_retried_each_recipient_is_told_once(
    mailer: Mailer, take: Take, outbox: Outbox, clients: AwsClients, ledger: Ledger, hand_clock: HandClock
) -> None:
    killer = Killer(clients)

    def run(identity: str) -> None:
        with take(identity) as claim:
            result = send_to_all(by_mail(mailer), claim, MAIL, EVERYBODY)
            claim.finish(RunStatus.SUCCEEDED, reason="", notified=result.notified)

    run("undisturbed")
    steps = list(killer.calls)
    assert steps == ["UpdateItem", "Query", *["SendEmail", "PutItem"] * 3, "UpdateItem"]
    repeated = []
    for step, call in enumerate(steps, start=1):
        for when in ("before", "after"):
            before = len(outbox())
            identity = f"killed {when} call {step}"
            killer.arm(step, when)
            with pytest.raises(Killed):
                run(identity)
            killer.disarm()
            hand_clock.advance(seconds=60)
            if (step, when) != (len(steps), "after"):  # the outcome was written: there is nothing to retry
                run(identity)
            mails = outbox()[before:]
            recipients = [mail.recipient for mail in mails]
            if (call, when) in (("SendEmail", "after"), ("PutItem", "before")):  # the gap: accepted, not recorded
                (twice,) = {recipient for recipient in recipients if recipients.count(recipient) == 2}
                assert recognisable([mail.message for mail in mails if mail.recipient == twice])
                repeated.append(twice)
                recipients.remove(twice)
            assert sorted(recipients) == list(EVERYBODY), identity
            record = ledger.find(identity, DATE)
            assert record is not None
            assert (record.status, record.notified) == (RunStatus.SUCCEEDED, EVERYBODY), identity
    assert repeated == [ANNE, ANNE, BOB, BOB, CARL, CARL]


def test_a_forced_run_mails_again_and_its_own_retry_does_not(mailer: Mailer, take: Take, outbox: Outbox) -> None:
    first = take()
    send_to_all(by_mail(mailer), first, MAIL, [ANNE])
    first.finish(RunStatus.SUCCEEDED, reason="")
    forced = take(force=True, request_id="by-hand")
    send_to_all(by_mail(mailer), forced, MAIL, [ANNE])
    forced.finish(RunStatus.FAILED, reason="")
    send_to_all(by_mail(mailer), take(force=True, request_id="by-hand"), MAIL, [ANNE])
    assert told(outbox) == [ANNE, ANNE]
    assert len({mail.message["Subject"] for mail in outbox()}) == 2


def test_a_mail_that_was_accepted_in_a_garbled_answer_is_not_sent_again(
    mailer: Mailer, take: Take, outbox: Outbox, wire: Wire
) -> None:
    wire.alter(calls("SendEmail", recipient=BOB), lambda answer: setattr(answer, "body", b"\xff\xfe"))
    result = send_to_all(by_mail(mailer), take(), MAIL, EVERYBODY)
    assert set(result.notified) == set(EVERYBODY)
    assert sorted(told(outbox)) == sorted(EVERYBODY)
