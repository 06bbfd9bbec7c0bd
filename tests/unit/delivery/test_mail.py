"""What a mail looks like to a mail program, whatever was put into it."""

import os
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.delivery.mail import Mailer
from salesflow.delivery.message import MAX_SUBJECT_CHARACTERS, Attachment, Message, body_of, encoded_size
from tests.stand_ins.memory import peak_of_memory

REFERENCE = {"X-SalesFlow-Reference": "SF-ABCDEFGH", "X-SalesFlow-Run-Id": "0193"}
OWN_HEADERS = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Message-ID",
    "Auto-Submitted",
    "List-Unsubscribe",
    *REFERENCE,
    "Content-Type",
    "MIME-Version",
]


def mailer(reply_to: str | None = "owner@shop.example.com") -> Mailer:
    # Building needs no SES.
    return Mailer(None, sender="reports@shop.example.com", reply_to=reply_to, configuration_set=None)


def mail(subject: str = "Sales", text: str = "T", html: str = "<p>H</p>", *attachments: Attachment) -> Message:
    return Message(subject, text, html, attachments, REFERENCE)


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


def test_a_mail_has_both_texts_and_its_files() -> None:
    pdf, csv = b"%PDF" + os.urandom(500), "商品,价格\r\n茶,1\r\n".encode()
    message = parsed(
        mailer().build(
            mail(
                "日报 Łódź",
                "收入 1 €\n.\nFrom here",
                "<p>收入 1 €</p>",
                Attachment("销售-2026-11-22.pdf", "application/pdf", pdf),
                Attachment("sales.csv", "text/csv; charset=utf-8", csv),
            ),
            "anne@example.com",
        )
    )
    assert message["Subject"] == "日报 Łódź"
    assert message.get_content_type() == "multipart/mixed"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == ["收入 1 €", ".", "From here"]
    assert html.get_content().strip() == "<p>收入 1 €</p>"
    first, second = message.iter_attachments()
    assert (first.get_filename(), first.get_content_type()) == ("销售-2026-11-22.pdf", "application/pdf")
    assert (second.get_filename(), second.get_content_type()) == ("sales.csv", "text/csv")
    assert first.get_payload(decode=True) == pdf
    assert second.get_payload(decode=True) == csv


def test_machines_see_that_a_machine_sent_it() -> None:
    message = parsed(mailer().build(mail(), "anne@example.com"))
    assert message["From"] == "reports@shop.example.com"
    assert message["To"] == "anne@example.com"
    assert message["Reply-To"] == "owner@shop.example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == "<mailto:owner@shop.example.com?subject=unsubscribe>"
    assert message["X-SalesFlow-Reference"] == "SF-ABCDEFGH"
    assert message.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("name", ["Épicerie du Marché", "龙井茶 店", 'Corner "Store", Inc. <b>'])
def test_the_sender_has_the_shop_s_name(name: str) -> None:
    named = Mailer(None, sender="reports@shop.example.com", reply_to=None, configuration_set=None, name=name)
    (sender,) = parsed(named.build(mail(), "anne@example.com"))["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "reports@shop.example.com")


def test_a_long_owner_address_stays_readable_to_mail_programs() -> None:
    owner = f"{'o' * 60}@{'very-long-name.' * 5}example.com"
    raw = mailer(owner).build(mail(), "anne@example.com")
    assert f"List-Unsubscribe: <mailto:{owner}?subject=unsubscribe>\r\n".encode() in raw
    assert f"Reply-To: {owner}\r\n".encode() in raw


def test_the_same_mail_is_the_same_bytes_and_a_repeat_is_recognisable() -> None:
    attachment = Attachment("s.pdf", "application/pdf", b"%PDF")
    first = mailer().build(mail("Sales", "T", "H", attachment), "anne@example.com")
    assert first == mailer().build(mail("Sales", "T", "H", attachment), "anne@example.com")
    retried = parsed(mailer().build(mail("Sales", "T, rendered again", "H", attachment), "anne@example.com"))
    other = parsed(mailer().build(mail("Sales", "T", "H", attachment), "bob@example.com"))
    assert retried["Message-ID"] == parsed(first)["Message-ID"]
    assert other["Message-ID"] != parsed(first)["Message-ID"]


@pytest.mark.parametrize("breaker", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00"])
def test_no_text_becomes_a_header(breaker: str) -> None:
    evil = f"Sales{breaker}Bcc: eve@example.com{breaker}{breaker}<b>body"
    attachment = Attachment(f"a{breaker}b.pdf", "application/pdf", b"%PDF")
    headers = {"X-Note": evil, **REFERENCE}
    message = parsed(mailer().build(Message(evil, "T", "H", (attachment,), headers), "anne@example.com"))
    assert set(message.keys()) == {*OWN_HEADERS, "X-Note"}
    assert message["Subject"] == "Sales Bcc: eve@example.com <b>body" == message["X-Note"]
    assert [part.get_filename() for part in message.iter_attachments()] == ["a b.pdf"]


def test_no_line_of_a_text_becomes_a_part() -> None:
    boundary = parsed(mailer().build(mail(), "anne@example.com")).get_boundary()
    evil = f"Tea\n--{boundary}\nContent-Type: text/html\n\n<b>evil</b>\n--{boundary}--\n"
    message = parsed(mailer().build(mail(text=evil), "anne@example.com"))
    assert message.get_boundary() == boundary
    text = message.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines() == evil.splitlines()
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("name", ["Bcc", "to", "X-A\r\nBcc", "X A", "", "X-Ä", "Subject", "Content-Type"])
def test_a_mail_cannot_add_headers_that_are_not_its_own(name: str) -> None:
    with pytest.raises(ValueError, match="header"):
        mailer().build(Message("s", "t", "h", (), {name: "eve@example.com"}), "anne@example.com")


@pytest.mark.parametrize(
    "recipient",
    ["anne@example.com, eve@example.com", "a@b.co\r\nBcc: eve@example.com", "Anne <a@b.co>", "anne", "ä@b.co"],
)
def test_a_recipient_is_one_plain_address(recipient: str) -> None:
    with pytest.raises(ValueError, match="mail address"):
        mailer().build(mail(), recipient)


def test_bidirectional_overrides_are_taken_out_and_scripts_stay() -> None:
    message = parsed(mailer().build(mail("report\u202egpj.exe \u2066مبيعات\u2069 👩\u200d🔬"), "anne@example.com"))
    assert message["Subject"] == "reportgpj.exe مبيعات 👩\u200d🔬"


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("\u2068شاي\u2069: not sold", "\u2068شاي\u2069: not sold"),
        ("\u2068\u202eشاي\u2069: \u202enot sold", "\u2068شاي\u2069: not sold"),
        ("\u2068شاي: not sold", "شاي: not sold"),
        ("\u2069\u2068a\u2068b\u2069", "a\u2068b\u2069"),
        ("\u2068" + "ش" * 300 + "\u2069", "ش" * (MAX_SUBJECT_CHARACTERS - 1) + "…"),
    ],
)
def test_a_name_that_is_kept_apart_stays_so_and_nothing_is_left_open(subject: str, shown: str) -> None:
    assert parsed(mailer().build(mail(subject), "anne@example.com"))["Subject"] == shown


def test_an_endless_subject_is_cut_and_says_so() -> None:
    message = parsed(mailer().build(mail("日" * 5_000), "anne@example.com"))
    assert message["Subject"] == "日" * (MAX_SUBJECT_CHARACTERS - 1) + "…"


ANY_CHARACTERS = st.characters(exclude_categories=[])  # lone surrogates too, as a broken source may hand them over


@given(
    subject=st.text(ANY_CHARACTERS, max_size=300),
    text=st.text(ANY_CHARACTERS, max_size=300),
    filename=st.text(ANY_CHARACTERS, min_size=1, max_size=150),
)
def test_any_text_makes_a_sound_mail(subject: str, text: str, filename: str) -> None:
    raw = mailer().build(
        mail(subject, text, text, Attachment(filename, "application/pdf", b"%PDF")), "anne@example.com"
    )
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    message = parsed(raw)
    assert sorted(message.keys()) == sorted(OWN_HEADERS)
    assert message["To"] == "anne@example.com"
    assert [part.get_payload(decode=True) for part in message.iter_attachments()] == [b"%PDF"]


@pytest.mark.parametrize("size", [0, 1, 1_000, 1_000_000])
def test_the_size_is_what_is_sent_but_for_the_names(size: int) -> None:
    heavy = mail("Sales", "T" * 3_000, "H", Attachment("s.pdf", "application/pdf", os.urandom(size)))
    sent = mailer().build(heavy, "anne@example.com")
    assert 0 < len(sent) - encoded_size(heavy) < 1_000
    assert encoded_size(heavy) > size * 4 / 3


@pytest.mark.parametrize("size", [*range(5), 56, 57, 58, 114, 115, 10_007])
def test_attachments_are_counted_to_the_byte_without_being_encoded(size: int) -> None:
    files = [Attachment(f"vente-é-{n}.csv", "text/csv; charset=utf-8", os.urandom(size + n)) for n in range(2)]
    light = mail("Sales", "T" * 3_000, "H", *files)
    assert encoded_size(light) == len(body_of(light, "size"))
    heavy = mail("Sales", "T", "H", Attachment("s.json", "application/json", os.urandom(5_000_000)))
    with peak_of_memory() as peak:
        assert encoded_size(heavy) > 6_000_000
    assert peak() < 1_000_000
