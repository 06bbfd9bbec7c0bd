"""The digest as a mail: the finding first, figures that are the events', names that stay text, room on a phone."""

import re
import unicodedata
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.alerts.lifecycle import Change, Entry, Rules
from salesflow.alerts.mail import MailFacts, compose_alert_mail
from salesflow.delivery.mail import Mailer
from salesflow.delivery.message import Message
from salesflow.findings.event import Causes, Contribution, Event, EventType, Note, NoteKind, Severity
from salesflow.reports.mail import SUBJECT_LENGTH, MailText
from salesflow.windows import Period
from tests.unit.alerts.events import HOSTILE, START, Story, entries_of, event

FACTS = MailFacts(
    business_date=START,
    period=Period.DAILY,
    currency="CNY",
    timezone="Asia/Shanghai",
    stack="salesflow",
    data_as_of=datetime(2026, 11, 2, 20, 55),
    left_out=0,
    flagged=0,
    set_aside=0,
    reference="SF-ABCDEFGH",
    run_id="01a20700-0ae4-70a5-b0c0-5d54a751f28a",
    reply_to="owner@shop.example.com",
)
CAUSES = Causes(
    -76_000,
    (
        Contribution("Riz parfumé 5 kg (RIZ-005)", -50_000),
        Contribution("绿茶 100克 (THE-100)", 4_000),
        Contribution("other products", -30_000),
    ),
    (Contribution("10:00-11:00", -76_000),),
    (Contribution("customers", -70_000), Contribution("pieces per basket", -6_000), Contribution("price per piece", 0)),
)


def slow_monday() -> tuple[Entry, ...]:
    recent = tuple(((START - timedelta(days=7 * n)).isoformat(), 200_000.0 - 5_000 * n) for n in range(6, 0, -1))
    (entry,) = entries_of(event(-0.38, causes=CAUSES))
    return (replace(entry, recent=(*recent, (START.isoformat(), 124_000.0))),)


class _Words(HTMLParser):
    """The text of a page, and the names of its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: set[str] = set()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)


def words(mail: MailText) -> tuple[str, set[str]]:
    reader = _Words()
    reader.feed(mail.html)
    return " ".join(" ".join(reader.text).split()), reader.tags


def test_the_first_line_is_the_finding() -> None:
    mail = compose_alert_mail(slow_monday(), FACTS)
    assert mail.text.splitlines()[0] == "Monday's sales were 38% below a usual Monday: ¥1,240 instead of about ¥2,000."
    assert mail.subject == "Mon, 2 Nov: sales 38% below usual [SF-ABCDEFGH]"
    text, _ = words(mail)
    for said in (
        "38% below a usual Monday",
        "-¥760.00",
        "Sales of the last Mondays",
        "¥1,240",
        "Riz parfumé 5 kg (RIZ-005)",
        "+¥40.00",
        "Customers",
        "10:00-11:00",
        "spared it for two weeks",
        FACTS.run_id,
        "2 Nov 2026, 20:55 (Asia/Shanghai)",
    ):
        assert said in text, said
        assert said in mail.text, said
    assert "ops" not in mail.text  # a merchant's mail holds no command


def test_a_reader_of_two_shops_sees_whose_the_alert_is() -> None:
    mail = compose_alert_mail(slow_monday(), replace(FACTS, shop="Épicerie du <Marché>"))
    about = "Épicerie du <Marché> · Sales check · Monday, 2 November 2026"
    assert about in mail.text
    assert escape(about) in mail.html
    assert mail.gist.title == about


def test_the_parts_of_the_difference_add_up_to_it() -> None:
    mail = compose_alert_mail(slow_monday(), FACTS)
    after = mail.text.split("Which products make up the difference:\n")[1].split("\n\n")[0]
    amounts = [float(found.replace("¥", "")) for found in re.findall(r"[+-]¥[\d.]+", after)]
    assert sum(amounts) == pytest.approx(-760)


def test_no_image_is_needed_and_the_dark_is_provided_for() -> None:
    html = compose_alert_mail(slow_monday(), FACTS).html
    assert not {"img", "script", "svg", "link"} & words(compose_alert_mail(slow_monday(), FACTS))[1]
    assert "prefers-color-scheme: dark" in html
    assert 'width="62%"' in html.replace(" 62%", "62%") or 'width="64%"' in html


@pytest.mark.parametrize(
    ("happened", "subject"),
    [
        (event(-1, type_=EventType.MISSING_DAY, metric="day"), "Mon, 2 Nov: no sale at all [SF-ABCDEFGH]"),
        (event(-0.6, type_=EventType.LEVEL_SHIFT), "Sales lower since 2 Nov [SF-ABCDEFGH]"),
        (event(2.4), "Mon, 2 Nov: sales 3.4 times the usual [SF-ABCDEFGH]"),
        (event(-1, sku="A1", name="酱油", type_=EventType.STOPPED_SELLING), "酱油: not sold since 2 Nov [SF-ABCDEFGH]"),
        (
            event(0.5, sku="A1", name="Чай", type_=EventType.PRICE_CHANGE),
            "Чай: unusual price, Mon, 2 Nov [SF-ABCDEFGH]",
        ),
        (event(-1, sku="A1", name="Thé", type_=EventType.ZERO_DROP), "Thé: nothing sold, Mon, 2 Nov [SF-ABCDEFGH]"),
        (
            event(4.0, sku="A1", name="A very long product name that no subject could ever hold"),
            "A very long product name that n…: 5 times the usual, Mon, 2 Nov [SF-ABCDEFGH]",
        ),
    ],
)
def test_the_subject_says_the_finding(happened: Event, subject: str) -> None:
    mail = compose_alert_mail(entries_of(happened), FACTS)
    assert mail.subject == subject
    assert len(mail.subject) < SUBJECT_LENGTH


def test_money_stands_before_what_else_there_is_to_know() -> None:
    spike = event(3.0, sku="A1", name="Tea", notes=(Note(NoteKind.ONE_SALE, 0.0, 1000, 500_000, "14:12"),))
    lines = compose_alert_mail(entries_of(spike, event(2.0, sku="A1", metric="quantity")), FACTS).text.splitlines()
    money, sale = (
        next(n for n, line in enumerate(lines) if said in line) for said in ("Against the usual: +¥6,000.00", "14:12")
    )
    assert money < sale
    assert "One sale of 1,000 pieces at 14:12 made it." in lines


def test_what_one_sale_made_has_no_baskets_and_prices_and_what_is_out_of_stock_is_not_looked_for_on_the_shelf() -> None:
    sale = (Note(NoteKind.ONE_SALE, 0.0, 1000, 500_000, "14:12"),)
    one_sale, many = (
        compose_alert_mail(entries_of(event(3.0, causes=CAUSES, notes=n)), FACTS).text for n in (sale, ())
    )
    assert "Customers, baskets and prices" in many
    assert "Customers, baskets and prices" not in one_sale
    nothing = event(-1, sku="A1", name="Tea", type_=EventType.ZERO_DROP, notes=(Note(NoteKind.OUT_OF_STOCK),))
    text = compose_alert_mail(entries_of(nothing), FACTS).text
    assert "Is more of it on order?" in text
    assert "on the shelf" not in text


@pytest.mark.parametrize(
    ("usual", "said"),
    [
        (0.6, "Tea (A1): Monday's pieces sold were far above a usual Monday: 8 instead of about 1."),
        (0.1, "Tea (A1): 8 pieces sold on Monday, and hardly ever any before."),
    ],
)
def test_what_sells_now_and_then_is_not_said_to_have_hardly_ever_sold(usual: float, said: str) -> None:
    spike = event(8 / usual - 1, sku="A1", name="Tea", metric="quantity", expected=usual)
    assert compose_alert_mail(entries_of(spike), FACTS).text.splitlines()[0] == said


@pytest.mark.parametrize(
    ("stock", "said"),
    [
        (
            0,
            "Tea (A1) is out of stock and has not sold since Monday, 26 October: about 14 pieces were not sold, ¥467.00.",
        ),
        (7, "Tea (A1) is in stock (7) and has not sold since Monday, 26 October; about 25 pieces a week are usual."),
    ],
)
def test_a_product_that_stopped_asks_the_stock(stock: int, said: str) -> None:
    gone = event(-1, sku="A1", name="Tea", type_=EventType.STOPPED_SELLING)
    what = replace(gone.statement, stock=stock, last_sold=date(2026, 10, 26), a_week=25.0, pieces=14.2, amount=46_700)
    mail = compose_alert_mail(entries_of(replace(gone, statement=what)), FACTS)
    assert mail.text.splitlines()[0] == said


def test_worse_and_over_are_said_as_such() -> None:
    story = Story()
    story.step(event(-0.4))
    (worse,) = story.step(event(-0.9)).entries
    mail = compose_alert_mail([worse], replace(FACTS, business_date=worse.on))
    assert mail.subject == "Worse: Tue, 3 Nov: sales 90% below usual [SF-ABCDEFGH]"
    assert mail.text.startswith("It got worse. ")
    story.step(event(-0.9, since=START))
    story.step()
    (over,) = story.step().entries
    assert over.change is Change.RESOLVED
    mail = compose_alert_mail([over], replace(FACTS, business_date=over.on))
    assert mail.subject == "Sales are back to usual [SF-ABCDEFGH]"
    assert "It began on Monday, 2 November." in mail.text
    mail = compose_alert_mail([over], replace(FACTS, business_date=over.on + timedelta(days=3)))
    assert "It began on Monday, 2 November and was over by Friday, 6 November." in mail.text


def test_more_and_more_sales_are_not_called_worse() -> None:
    story = Story()
    level = event(0.5, type_=EventType.LEVEL_MOVED)
    story.step(level)
    (more,) = story.step(event(1.5, type_=EventType.LEVEL_MOVED)).entries
    mail = compose_alert_mail([more], replace(FACTS, business_date=more.on))
    assert mail.subject == "More: Sales have risen to about ¥5,000 a day [SF-ABCDEFGH]"
    assert mail.text.startswith(
        "It rose further. Sales stand at a higher level: about ¥5,000 a day in the last two weeks"
    )
    assert "Over the two weeks: +¥3,000.00" in mail.text
    assert "worse" not in (mail.text + mail.subject).lower()
    both = compose_alert_mail([*slow_monday(), more], FACTS)
    assert "More: Sales stand at a higher level" in both.text


def test_money_that_the_sentence_says_is_not_said_again() -> None:
    refund = event(-1.0, type_=EventType.RETURNS)
    refund = replace(refund, statement=replace(refund.statement, amount=190_700, pieces=108.0, refunds=1, at="17:30"))
    mail = compose_alert_mail(entries_of(refund), FACTS)
    assert mail.text.startswith("¥1,907 was given back on Monday for 108 pieces, where about ¥2,000 a day is usual.")
    assert "Against the usual" not in mail.text


def test_a_day_without_a_sale_says_what_it_usually_takes_and_one_on_a_closed_weekday_that_it_is_one() -> None:
    missing = compose_alert_mail(entries_of(event(-1, type_=EventType.MISSING_DAY, metric="day")), FACTS)
    assert missing.text.startswith("No sale at all on Monday, 2 November, where about ¥2,000 is usual.")
    opened = event(1.0, expected=0.0, value=134_900.0, impact=134_900)
    opened = replace(opened, deviation=None, statement=replace(opened.statement, value=134_900.0))
    mail = compose_alert_mail(entries_of(opened), FACTS)
    assert mail.subject == "Mon, 2 Nov: open on a usually closed day [SF-ABCDEFGH]"
    assert mail.text.startswith("Monday's sales came to ¥1,349, on a day that usually has none.")


def test_more_than_one_thing_is_one_mail_the_shop_first() -> None:
    entries = entries_of(event(3.0, sku="A1", name="Thé"), event(-0.6))
    mail = compose_alert_mail(entries, replace(FACTS, left_out=4, flagged=2, set_aside=1))
    assert mail.subject == "Mon, 2 Nov: sales 60% below usual (+1) [SF-ABCDEFGH]"
    assert "New: Thé" in mail.text
    assert "4 more changes of products" in mail.text
    assert "2 smaller findings" in mail.text
    assert "1 record of the source could not be used" in mail.text


def test_what_is_told_late_says_its_date() -> None:
    mail = compose_alert_mail(slow_monday(), replace(FACTS, business_date=date(2026, 11, 4)))
    assert "(Found for Monday, 2 November, not told before.)" in mail.text


def test_a_hostile_name_stays_text_everywhere() -> None:
    bad = event(4.0, sku=HOSTILE, name=HOSTILE)
    mail = compose_alert_mail(entries_of(bad), FACTS)
    text, tags = words(mail)
    assert "img" not in tags
    assert "script" not in tags
    assert "<img src=x onerror=alert(1)>" in text
    assert not {"\r", "\n", "\u202e"} & set(mail.subject)
    headers = Mailer(None, sender="a@shop.example.com", reply_to=None, configuration_set=None).build(
        Message(mail.subject, mail.text, mail.html), "reader@shop.example.com"
    )
    head = headers.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc:" not in head
    assert len(mail.subject) < SUBJECT_LENGTH


_NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)


@given(_NAMES, st.sampled_from(list(EventType)), st.floats(-1, 50), st.sampled_from(list(Period)[:3]))
def test_any_name_makes_a_subject_that_fits(name: str, type_: EventType, deviation: float, period: Period) -> None:
    bad = event(deviation, sku=name, name=name, type_=type_, severity=Severity.HIGH)
    entries = entries_of(bad, rules=Rules(mail_from=Severity.LOW))
    mail = compose_alert_mail(entries, replace(FACTS, period=period))
    assert 0 < len(mail.subject) < SUBJECT_LENGTH
    assert mail.subject.endswith("[SF-ABCDEFGH]")
    assert not [c for c in mail.subject if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
