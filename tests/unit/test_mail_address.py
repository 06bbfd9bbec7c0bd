"""One table of addresses: the template takes exactly those that the settings and the mailer take."""

import re

import pytest

from salesflow.errors import InvalidSettings
from salesflow.mail_address import mail_address, masked, unique_mailboxes
from salesflow.readers import reader
from salesflow.settings import Settings
from tests.unit.template.stack import parameters
from tests.unit.test_settings import GOOD

LONG = "a" * 64
GOOD_ADDRESSES = [
    "manager@shop.example.com",
    "o'brien@shop.example.com",
    "manager+sales.daily@shop.example.com",
    "MANAGER@SHOP.EXAMPLE.COM",
    "a@b.cn",
    "1@2.example",
    "_x-1@sub-domain.shop.example",
    "chef@xn--bckerei-mller-rfb6g.example",
    "info@shop.xn--fiqs8s",
    f"{LONG}@shop.example",
]
BAD_ADDRESSES = [
    "chef@bäckerei-müller.example",
    "经理@shop.example.com",
    "chéf@shop.example.com",
    "Boss<boss@shop.example.com>",
    "Boss <boss@shop.example.com>",
    "<boss@shop.example.com>",
    "boss@shop.example.com.",
    "boss.@shop.example.com",
    ".boss@shop.example.com",
    "bo..ss@shop.example.com",
    "boss@shop..example.com",
    "boss@.example.com",
    "boss@-shop.example.com",
    "boss@shop-.example.com",
    "boss@shop_1.example.com",
    "boss@localhost",
    "boss@192.0.2.1",
    "boss@[192.0.2.1]",
    "boss@@shop.example.com",
    "boss@shop@example.com",
    '"boss man"@shop.example.com',
    "boss;cook@shop.example.com",
    "boss@shop.example.com;cook@shop.example.com",
    "boss@shop.example.com\n",
    "boss@shop.example.com\r\nBcc: all@shop.example.com",
    "boss\u200b@shop.example.com",
    "mailto:boss@shop.example.com",
    "@shop.example.com",
    "boss@",
    "boss",
    f"{LONG}a@shop.example",
    f"a@{'b' * 64}.example",
    f"a@{'b.' * 120}example",
]
LISTS = ("OwnerRecipients", "ReportRecipients", "AlertRecipients")
GOOD_READERS = [
    "mail:manager@shop.example.com",
    "slack:shop",
    "teams:a",
    "discord:back-office-2",
    "telegram:0",
    "webhook:erp",
    f"webhook:{'x' * 31}",
    "whatsapp:+243812345678",
    "whatsapp:+8613800138000",
]
BAD_READERS = [
    "slack:",
    "slack:Shop",
    "slack:-shop",
    "slack:my shop",
    "slack:shop\n",
    "SLACK:shop",
    "signal:shop",
    f"webhook:{'x' * 32}",
    "webhook:https://hooks.example.com/x",
    "mail:",
    "mail:boss",
    "mail:slack:shop",
    "mail:mail:boss@shop.example.com",
    "whatsapp:243812345678",
    "whatsapp:+0812345678",
    "whatsapp:+243 812 345 678",
    "whatsapp:+24381",
    f"whatsapp:+{'1' * 16}",
]


def template_takes(parameter: str, value: str) -> bool:
    """As CloudFormation matches: the whole value, in Java's sense of it, where $ may stand before a last line break."""
    pattern = parameters()[parameter]["AllowedPattern"].replace("$)", r"\Z)").removesuffix("$")
    return re.fullmatch(pattern, value, re.ASCII) is not None


def settings_take(address: str) -> bool:
    try:
        mail_address(address)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_a_good_address_is_taken_on_both_sides(address: str) -> None:
    assert settings_take(address)
    for parameter in (*LISTS, "MailSender", "AlarmRecipient"):
        assert template_takes(parameter, address), parameter
    for parameter in LISTS:
        assert template_takes(parameter, f"first@shop.example,{address},last@shop.example"), parameter


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_a_bad_address_is_refused_on_both_sides(address: str) -> None:
    assert not settings_take(address)
    for parameter in (*LISTS, "MailSender", "AlarmRecipient"):
        assert not template_takes(parameter, address), parameter
    for parameter in LISTS:
        assert not template_takes(parameter, f"first@shop.example,{address}"), parameter


@pytest.mark.parametrize("value", GOOD_READERS)
def test_a_good_reader_is_taken_on_both_sides(value: str) -> None:
    assert reader(value) == value.removeprefix("mail:")
    settings = Settings.from_environment(
        GOOD | {"REPORT_RECIPIENTS": value, "OWNER_RECIPIENTS": f"a@shop.example,{value}"}
    )
    assert settings.unusable_addresses == {}
    assert settings.reply_to == "a@shop.example"
    for parameter in LISTS:
        assert template_takes(parameter, f"first@shop.example,{value},last@shop.example"), parameter
    for parameter in ("ReportRecipients", "AlertRecipients"):
        assert template_takes(parameter, value), parameter
    assert not template_takes("OwnerRecipients", value), "the alarms go to the first owner, by mail"
    for parameter in ("MailSender", "AlarmRecipient"):
        assert not template_takes(parameter, value), parameter


@pytest.mark.parametrize("value", BAD_READERS)
def test_a_bad_reader_is_refused_on_both_sides(value: str) -> None:
    with pytest.raises(ValueError, match=r"no mail address|needs the name|number in full"):
        reader(value)
    for parameter in LISTS:
        assert not template_takes(parameter, f"first@shop.example,{value}"), parameter


def test_a_channel_alone_cannot_own_a_shop() -> None:
    with pytest.raises(InvalidSettings, match="OWNER_RECIPIENTS: names nobody who can be mailed"):
        Settings.from_environment(GOOD | {"OWNER_RECIPIENTS": "slack:shop,whatsapp:+243812345678"})


def test_a_mail_reader_is_one_with_and_without_the_word_mail() -> None:
    settings = Settings.from_environment(GOOD | {"REPORT_RECIPIENTS": "mail:A@shop.example,a@shop.example,slack:shop"})
    assert settings.report_recipients == ("A@shop.example", "slack:shop")


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_a_bad_reader_or_owner_is_left_out_and_named_and_nobody_else(address: str) -> None:
    """A list may hold more than the template lets through: it may be older, or another's."""
    if "," in address or address != address.strip():
        return
    settings = Settings.from_environment(
        GOOD
        | {
            "REPORT_RECIPIENTS": f"{address},reader@shop.example",
            "OWNER_RECIPIENTS": f"{address},owner@shop.example",
        }
    )
    assert list(settings.unusable_addresses) == [address]
    assert "reader@shop.example" in settings.report_recipients
    assert settings.reply_to == "owner@shop.example"


def test_without_an_owner_who_can_be_mailed_nothing_runs() -> None:
    with pytest.raises(InvalidSettings, match=r"OWNER_RECIPIENTS: names nobody who can be mailed.*punycode"):
        Settings.from_environment(GOOD | {"OWNER_RECIPIENTS": "chef@bäckerei.example,boss"})


def test_one_mailbox_in_two_spellings_is_one_reader() -> None:
    assert unique_mailboxes(("Manager@Shop.example", "cook@shop.example", "manager@shop.EXAMPLE")) == (
        "Manager@Shop.example",
        "cook@shop.example",
    )
    settings = Settings.from_environment(GOOD | {"REPORT_RECIPIENTS": "A@shop.example,a@shop.example"})
    assert settings.report_recipients == ("A@shop.example",)


def test_a_masked_text_holds_no_address() -> None:
    text = "Email address is not verified: <accountant@shop.example.com>, o'brien+x@mail.shop.example; ask cook@bäckerei.example."
    assert masked(text) == (
        "Email address is not verified: <a…@shop.example.com>, o…@mail.shop.example; ask c…@bäckerei.example."
    )
    assert masked("2 @ 3.50") == "2 @ 3.50"
    assert masked("whatsapp:+243812345678 was refused") == "whatsapp:+243…78 was refused"
