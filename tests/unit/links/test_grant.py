"""A link is what was signed, for whom, until when; and nothing else is one."""

import base64
import hashlib
import hmac
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.links.grant import LONGEST_TOKEN, LinkKeys, LinkKeysMissing, reader_id, reader_of
from salesflow.links.things import (
    LibraryPage,
    MailList,
    ReportFile,
    ToldFinding,
    file_thing,
    finding_thing,
    mails_thing,
    mark_of,
    thing_of,
)

KEY, OTHER, THIRD = "k" * 40, "o" * 40, "t" * 40
KEYS = LinkKeys(KEY)
READER = "Manager@shop.example.com"
UNTIL = date(2026, 12, 27)
FILE = "reports/sales/daily/2026-11-26/sales-daily-2026-11-26.pdf"
TOKEN = KEYS.signed("main", READER, UNTIL, file_thing(FILE))


def test_the_signature_is_half_an_hmac_over_what_stands_before_it() -> None:
    """By the standard library alone, from the token's own text."""
    head, _, signature = TOKEN.rpartition(".")
    expected = hmac.new(KEY.encode(), b"link\n" + head.encode(), hashlib.sha256).digest()[:16]
    assert base64.urlsafe_b64decode(signature + "==") == expected
    said = base64.urlsafe_b64decode(head.split(".")[1] + "==").decode().split("\n")
    assert said == ["main", reader_id(KEY, "main", READER), "360", f"f/{FILE.removeprefix('reports/')}"]
    assert date(2026, 1, 1) + timedelta(days=360) == UNTIL


def test_a_link_is_good_until_its_last_day_and_for_its_reader_alone() -> None:
    found = KEYS.grant(TOKEN, UNTIL)
    assert found is not None
    grant, key = found
    assert (grant.shop, grant.until, grant.thing) == ("main", UNTIL, file_thing(FILE))
    assert reader_of(grant, key, ["other@shop.example.com", READER.lower()]) == READER.lower()
    assert reader_of(grant, key, ["other@shop.example.com"]) is None, "who is no recipient any more"
    assert KEYS.grant(TOKEN, UNTIL + timedelta(days=1)) is None


def test_it_holds_no_address_and_fits_into_a_line_of_a_mail() -> None:
    said = base64.urlsafe_b64decode(TOKEN.split(".")[1] + "==").decode()
    assert "manager" not in said.lower()
    assert len(TOKEN) < 250 < LONGEST_TOKEN


def test_two_keys_are_believed_while_they_are_changed_and_the_new_one_signs() -> None:
    changed = LinkKeys(OTHER, KEY)
    assert changed.grant(TOKEN, UNTIL) is not None
    assert KEYS.grant(changed.signed("main", READER, UNTIL, "l"), UNTIL) is None
    assert LinkKeys(THIRD, OTHER).grant(TOKEN, UNTIL) is None
    found = changed.grant(TOKEN, UNTIL)
    assert found is not None
    assert reader_of(*found, [READER]) == READER, "a reader is found by the key that signed"


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_no_character_can_be_another(place: int, character: str) -> None:
    altered = TOKEN[:place] + character + TOKEN[place + 1 :]
    assert (KEYS.grant(altered, UNTIL) is not None) == (altered == TOKEN)


@given(st.text(max_size=600))
def test_no_text_is_a_link_and_none_is_an_error(text: str) -> None:
    assert KEYS.grant(text, UNTIL) is None


@pytest.mark.parametrize("piece", range(3))
def test_a_part_of_another_link_fits_into_none(piece: int) -> None:
    other = KEYS.signed("main", "other@shop.example.com", UNTIL, "l").split(".")
    foreign = LinkKeys(OTHER).signed("main", READER, UNTIL, file_thing(FILE)).split(".")
    for parts in (other, foreign):
        mixed = TOKEN.split(".")
        if mixed[piece] != parts[piece]:
            mixed[piece] = parts[piece]
            assert KEYS.grant(".".join(mixed), UNTIL) is None


@pytest.mark.parametrize(
    "secret", ["", "x", "[]", "{}", '{"current": ""}', '{"current": "short"}', f'{{"current": "{KEY}", "previous": 3}}']
)
def test_a_secret_that_holds_no_keys_signs_nothing(secret: str) -> None:
    with pytest.raises(LinkKeysMissing, match="links rotate"):
        LinkKeys.from_secret(secret)


def test_keys_are_shown_nowhere() -> None:
    assert KEY not in repr(KEYS)


def test_every_thing_is_what_it_was_made_of() -> None:
    assert thing_of(file_thing(FILE)) == ReportFile(FILE)
    assert thing_of("l") == LibraryPage()
    entry = "opened|down|sku:" + "商" * 300
    assert thing_of(finding_thing("anomalies/PRODUCT/sku=RIZ-005/2026-11-22.json", entry)) == ToldFinding(
        "anomalies/PRODUCT/sku=RIZ-005/2026-11-22.json", mark_of(entry)
    )
    for mail_list in MailList:
        assert thing_of(mails_thing(mail_list)) == mail_list


@pytest.mark.parametrize(
    "text",
    [
        "",
        "f/",
        "f/../x",
        "f/sales/daily/2026-11-26/../../../x",
        "l/x",
        "m/",
        "m/all",
        "a/",
        "a/x",
        "a/../../y/z",
        "z/1",
    ],
)
def test_nothing_else_is_a_thing(text: str) -> None:
    assert thing_of(text) is None
