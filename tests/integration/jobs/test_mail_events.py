"""What SES says of a mail afterwards: which address it marks, and who is told."""

import json
from typing import Any

import pytest

from local.cloud.whatsapp import published
from salesflow.errors import InvalidJobEvent
from tests.integration.jobs.conftest import OWNER, ROOT, System
from tests.integration.jobs.watched import Watched, utc


def bounce(address: str, kind: str = "Permanent") -> dict[str, Any]:
    return {
        "source": "aws.ses",
        "detail-type": "Email Bounced",
        "detail": {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bounceSubType": "General",
                "bouncedRecipients": [{"emailAddress": address, "diagnosticCode": "smtp; 550 5.1.1 user unknown"}],
            },
            "mail": {"messageId": "m-1", "destination": [address]},
        },
    }


def test_a_bounced_address_is_marked_left_out_and_the_owner_told_once(watched: Watched) -> None:
    bad, good = "Reader@shop.example.com", "accountant@shop.example.com"
    watched.system.environment["REPORT_RECIPIENTS"] = f"{bad.lower()},{good}"
    assert watched.system.fire("mail_events", bounce(bad))["marked"] == [bad]
    (row,) = [row for row in watched.system.rows() if row["pk"] == {"S": "address"}]
    assert "expires_at" not in row, "it stands until an operator deletes it"
    for hour in range(3):
        watched.look(utc(22, hour, 50))
    assert watched.told() == ["reader@shop.example.com gets no more mail"]
    assert "550 5.1.1 user unknown" in watched.text()


def test_addresses_that_cannot_be_mailed_stop_nobody_and_the_owner_is_told_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign, framed = "chef@bäckerei-müller.example", "Boss<boss@shop.example.com>"
    monkeypatch.setenv("OWNER_RECIPIENTS", f"{framed},{OWNER}")
    monkeypatch.setenv("REPORT_RECIPIENTS", f"{foreign},reader@shop.example.com")
    answer = watched.system.fire("report", {"business_date": "2026-11-20", "formats": ["json"]})
    assert answer["status"] == "PARTIAL"
    assert "c…@bäckerei-müller.example was refused" in answer["reason"]
    assert "punycode" in answer["reason"]
    assert answer["notified"] == ["reader@shop.example.com"]
    assert watched.look(utc(22, 0, 50))["status"] == "PARTIAL", "one owner of two cannot be told"
    for hour in range(1, 4):
        assert watched.look(utc(22, hour, 50))["status"] == "SUCCEEDED"
    assert [mail["To"] for mail in watched.system.mails()] == ["reader@shop.example.com", OWNER]
    assert watched.told()[1:] == ["2 things need you"]
    assert f"{foreign} cannot be mailed" in watched.text()
    assert f"{framed} cannot be mailed" in watched.text()


def complaint(kind: str, *, to: str) -> dict[str, Any]:
    """One of a@b.example, about a mail to this address."""
    said = {"complainedRecipients": [{"emailAddress": "a@b.example"}], "complaintFeedbackType": kind}
    mail = {"messageId": "m", "destination": [to]}
    return {"source": "aws.ses", "detail": {"eventType": "Complaint", "complaint": said, "mail": mail}}


REJECTED = {"eventType": "Reject", "mail": {"messageId": "m", "destination": ["a@b.example"]}}
MARKS_NOBODY = {
    "a full mailbox": bounce("reader@shop.example.com", "Transient"),
    "a complaint that names one who was not written to": complaint("abuse", to="somebody@else.example"),
    "a reader who says that it is no spam": complaint("not-spam", to="a@b.example"),
    "a rejected mail": {"source": "aws.ses", "detail": REJECTED},
}


@pytest.mark.parametrize("event", MARKS_NOBODY.values(), ids=MARKS_NOBODY)
def test_what_marks_nobody(system: System, event: dict[str, Any]) -> None:
    assert system.fire("mail_events", event)["marked"] == []


@pytest.mark.parametrize("spelling", ["reader@shop.example.com", "Reader@Shop.example.com"])
def test_a_marked_reader_is_left_out_of_a_report_that_says_so(
    system: System, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_RECIPIENTS", f"{spelling},accountant@shop.example.com")
    system.fire("mail_events", bounce("reader@shop.example.com"))
    answer = system.fire("report", {"business_date": "2026-11-20", "formats": ["json"]})
    assert answer["status"] == "PARTIAL"
    assert f"{spelling[0]}…@{spelling.partition('@')[2]} was refused" in answer["reason"]
    assert "bounced for good" in answer["reason"]
    assert [mail["To"] for mail in system.mails()] == ["accountant@shop.example.com"]


NUMBER = "+243812345678"


def of_topic(*messages: str) -> dict[str, Any]:
    """What SNS hands a function."""
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}} for message in messages]}


def reported(code: int | None, tag: str = "SF-ABCDEFGH") -> str:
    message = {"to": NUMBER, "biz_opaque_callback_data": tag}
    return published(message, "wamid-1", {} if code is None else {NUMBER: code})


@pytest.mark.parametrize("code", [131021, 131026, 131050])
def test_a_number_that_whatsapp_cannot_reach_is_marked_and_shown_nowhere_whole(
    system: System, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = system.fire("mail_events", of_topic(reported(code)))
    assert answer["marked"] == [f"whatsapp:{NUMBER}"]
    (row,) = [row for row in system.rows() if row["pk"] == {"S": "address"}]
    assert (row["sk"]["S"], row["mark"]["S"]) == (f"whatsapp:{NUMBER}", "revoked")
    assert str(code) in row["said"]["S"]
    logged = capsys.readouterr().out
    assert "812345" not in logged
    assert '"MailProblems"' in logged


def test_the_sample_event_marks_its_number(system: System) -> None:
    event = json.loads((ROOT / "events" / "mail_events" / "whatsapp.json").read_text())
    assert system.fire("mail_events", event)["marked"] == [f"whatsapp:{NUMBER}"]


WRITTEN_BACK = {"field": "messages", "value": {"messages": [{"from": "243812345678", "text": {"body": "our secret"}}]}}
APPROVED = {"field": "message_template_status_update", "value": {"event": "APPROVED", "statuses": "none"}}


def entry(*changes: Any) -> str:
    return json.dumps({"whatsAppWebhookEntry": json.dumps({"id": "1", "changes": changes})})


@pytest.mark.parametrize(
    ("message", "counts"),
    [
        (reported(None), False),
        (reported(131049), True),
        (reported(131042), True),
        (entry(WRITTEN_BACK), False),
        (entry(APPROVED), False),
    ],
    ids=["delivered", "may pass", "a bill that is not paid", "a reader's own words", "a template"],
)
def test_what_whatsapp_reports_beside_marks_nobody_and_what_readers_write_is_not_logged(
    system: System, message: str, counts: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert system.fire("mail_events", of_topic(message))["marked"] == []
    logged = capsys.readouterr().out
    assert "our secret" not in logged
    assert ('"MailProblems"' in logged) is counts


@pytest.mark.parametrize(
    "records",
    [None, [{}], [{"Sns": {"Message": "hello"}}], [{"Sns": {"Message": '{"whatsAppWebhookEntry": "{}"}'}}]],
)
def test_what_is_no_report_of_whatsapp_is_refused(system: System, records: Any) -> None:
    with pytest.raises(InvalidJobEvent, match="no report of WhatsApp"):
        system.fire("mail_events", {"Records": records})
