"""What becomes of one mail and one address: too large, too long, marked, stopped."""

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from salesflow.aws import AwsClients
from salesflow.delivery.addresses import AddressBusy, Mark, MarkedAddress, MarkedAddresses
from salesflow.delivery.channel import send_to_all
from salesflow.delivery.mail import Mailer, MailTooLarge
from salesflow.delivery.message import MAX_ENCODED_BYTES, Attachment, Message, encoded_size
from salesflow.links.things import MailList
from salesflow.rows import Rows
from tests.integration.delivery.conftest import by_mail
from tests.integration.delivery.test_send import ANNE, BOB, EVERYBODY, MAIL, Outbox, Take, sends, told
from tests.stand_ins.aws import Wire, calls


def test_a_mail_over_the_cap_is_sent_to_nobody(mailer: Mailer, take: Take, wire: Wire) -> None:
    heavy = Message("s", "t", "h", (Attachment("s.pdf", "application/pdf", os.urandom(5_200_000)),))
    assert encoded_size(heavy) > MAX_ENCODED_BYTES > 5_200_000
    with pytest.raises(MailTooLarge, match="7,000,000"):
        send_to_all(by_mail(mailer), take(), heavy, EVERYBODY)
    with pytest.raises(MailTooLarge):
        mailer.send(heavy, ANNE)
    assert sends(wire) == 0


def test_a_subject_too_long_for_a_mail_keeps_its_reference(mailer: Mailer, take: Take, outbox: Outbox) -> None:
    claim = take()
    send_to_all(by_mail(mailer), claim, replace(MAIL, subject="Sales " * 60), [ANNE])
    (mail,) = outbox()
    subject = str(mail.message["Subject"])
    assert subject.endswith(f" [{claim.reference}]")
    assert len(subject) <= 180


def test_an_address_is_marked_however_it_is_written(mailer: Mailer, take: Take, outbox: Outbox) -> None:
    mark = MarkedAddress(ANNE, Mark.BOUNCED, datetime(2026, 11, 1, tzinfo=UTC), "no such user")
    channels = by_mail(mailer, mark)
    result = send_to_all(channels, take(), MAIL, ["Anne@Example.com", BOB])
    assert result.refused == {"Anne@Example.com": mark.reason}
    assert told(outbox) == [BOB]


def test_a_reader_who_stopped_a_list_is_left_in_peace_with_it_alone(mailer: Mailer, take: Take, outbox: Outbox) -> None:
    mark = MarkedAddress(ANNE, Mark.STOPPED, datetime(2026, 11, 1, tzinfo=UTC), "", (MailList.REPORTS,))
    channels = by_mail(mailer, mark)
    result = send_to_all(channels, take(), replace(MAIL, mail_list=MailList.REPORTS), [ANNE, BOB])
    assert (result.notified, result.refused, result.stopped) == ((BOB,), {}, (ANNE,))
    alerted = send_to_all(channels, take("other"), replace(MAIL, mail_list=MailList.ALERTS), [ANNE])
    assert (alerted.notified, alerted.stopped) == ((ANNE,), ())
    assert told(outbox) == [BOB, ANNE]


@pytest.mark.parametrize("first", ["nothing", "a stop before", "a bounce before"])
def test_a_reader_s_choice_is_made_over_no_other_of_the_same_moment(
    first: str, clients: AwsClients, state_table: str, wire: Wire
) -> None:
    marks = MarkedAddresses(Rows(clients.dynamodb, state_table))
    if first != "nothing":
        marks.stop(ANNE, MailList.REPORTS)
        marks.take_up(ANNE, MailList.REPORTS)
    if first == "a bounce before":
        marks.mark(ANNE, Mark.BOUNCED, said="550", message_id="m")
    wire.meanwhile(calls("UpdateItem"), lambda: marks.stop(ANNE, MailList.ALERTS))
    marks.stop(ANNE, MailList.REPORTS)
    wire.meanwhile(calls("UpdateItem"), lambda: marks.mark(ANNE, Mark.COMPLAINED, said="spam", message_id="m"))
    marks.take_up(ANNE, MailList.ALERTS)
    found = marks.of(ANNE)
    assert found is not None
    assert (found.mark, tuple(found.lists)) == (Mark.COMPLAINED, (MailList.REPORTS,))
    wire.meanwhile(calls("UpdateItem"), lambda: marks.stop(ANNE, MailList.ALERTS))
    marks.clear(ANNE)
    assert marks.of(ANNE) == marks.all()[ANNE]
    assert (marks.all()[ANNE].is_own_choice, set(marks.all()[ANNE].lists)) == (True, set(MailList))


def test_a_reader_whose_row_never_stands_still_is_told_to_try_again(
    clients: AwsClients, state_table: str, wire: Wire
) -> None:
    marks, others = (MarkedAddresses(Rows(clients.dynamodb, state_table)) for _ in range(2))
    turns = iter([others.stop, others.take_up] * 9)

    def another() -> None:
        wire.rules.clear()
        next(turns)(ANNE, MailList.ALERTS)
        wire.meanwhile(calls("UpdateItem"), another)

    wire.meanwhile(calls("UpdateItem"), another)
    with pytest.raises(AddressBusy, match="Try again"):
        marks.stop(ANNE, MailList.REPORTS)
