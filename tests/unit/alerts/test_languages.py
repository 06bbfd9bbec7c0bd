"""Alerts in every language: all of it translated, subjects that fit, the text part the same as the HTML, names that stay text.

`golden/` holds one mail a language, which somebody has read; a change of words is read again and written there.
"""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from salesflow.alerts.lifecycle import Change, Entry
from salesflow.alerts.mail import MailFacts, compose_alert_mail
from salesflow.alerts.wording import told_sentence
from salesflow.figures import Figures
from salesflow.findings.event import Event, EventType, HourSpan, Note, NoteKind
from salesflow.findings.wording import sentence
from salesflow.language import Language
from salesflow.reports.mail import SUBJECT_LENGTH, MailText
from salesflow.windows import Period
from tests.unit.alerts.events import START, entries_of, event
from tests.unit.alerts.test_mail import FACTS, slow_monday, words

GOLDEN = Path(__file__).parent / "golden"
OTHERS = [language for language in Language if language is not Language.EN]
METRICS = ("revenue", "quantity", "transactions")
OF_THE_SHOP = (
    EventType.MISSING_DAY,
    EventType.PARTIAL_DAY,
    EventType.UNUSUAL_MIX,
    EventType.RETURNS,
    EventType.LEVEL_MOVED,
)
OF_PRODUCTS = (EventType.STOPPED_SELLING, EventType.PRICE_CHANGE)
DATA = re.compile(r"Riz parfumé|绿茶|10:00-11:00")
"""Lines that are the same in every language: bars of products and hours."""

ENGLISH = re.compile(
    r"\b(the|were|was|usual|unusual|instead|below|above|sold|since|than|have|and|which|again|of)\b", re.IGNORECASE
)
"""Words that English can hardly do without, and no other of the languages has."""

NOT_SHOWN = re.compile(r"[\s:：\u2068\u2069]+")


def happened(type_: EventType, *, sku: str | None = None, metric: str = "revenue", deviation: float = -0.6) -> Event:
    """An event with everything that its sentence needs."""
    found = event(deviation, type_=type_, sku=sku, name="Riz parfumé 5 kg" if sku else None, metric=metric)
    details = {
        EventType.WEEKDAY_BREAK: {"like": 5},
        EventType.PARTIAL_DAY: {"cut_at": "11:53", "usual_edge": "20:10"},
        EventType.STOPPED_SELLING: {"silent_days": 9, "a_week": 12.4},
        EventType.PRICE_CHANGE: {"price": 60_000.0, "usual_price": 80_000.0},
        EventType.RETURNS: {"amount": 50_000, "pieces": 12.0, "refunds": 3, "at": "17:30", "largest": 40_000},
        EventType.UNUSUAL_MIX: {"gained": HourSpan(19, 23, 0.4, 0.1), "lost": HourSpan(9, 12, 0.1, 0.4)},
    }
    return replace(found, statement=replace(found.statement, **details.get(type_, {})))  # type: ignore[arg-type]  # by field


def all_events() -> list[Event]:
    """One event of each type that a shop, and a product, can have; and of each metric where there are several."""
    found = [happened(type_) for type_ in OF_THE_SHOP] + [happened(type_, sku="RIZ-005") for type_ in OF_PRODUCTS]
    found += [happened(EventType.DROP, deviation=-1.4, sku=sku) for sku in (None, "RIZ-005")]
    for type_ in EventType:
        if type_ not in OF_THE_SHOP + OF_PRODUCTS:
            found += [happened(type_, metric=metric) for metric in METRICS]
            found += [happened(type_, metric=metric, sku="RIZ-005") for metric in METRICS]
    return found


def told(happening: Event, change: Change) -> Entry:
    """The entry that tells a change of an event."""
    (entry,) = entries_of(happening)
    return replace(entry, change=change, event=None if change is Change.RESOLVED else happening)


def facts(language: Language, **more: object) -> MailFacts:
    return replace(FACTS, language=language, currency="CDF", **more)  # type: ignore[arg-type]  # keywords pass through


def lines_of(mail: MailText) -> set[str]:
    """The lines of a mail's text that are not the merchant's data."""
    found = {line.strip() for line in mail.text.splitlines()}
    return {line for line in found if line not in ("", "--") and not DATA.match(line)}


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("change", Change)
def test_every_event_and_change_is_told_in_the_language_and_nothing_in_english(
    language: Language, change: Change
) -> None:
    for happening in all_events():
        entry = told(happening, change)
        mail = compose_alert_mail([entry], facts(language))
        english = compose_alert_mail([entry], facts(Language.EN))
        what = (happening.type, happening.metric, happening.sku)
        assert not lines_of(mail) & lines_of(english), what
        assert mail.subject != english.subject, what
        assert not [line for line in lines_of(mail) | {mail.subject} if ENGLISH.search(line)], what
        assert f'<html lang="{language.tag}"' in mail.html
        assert mail.language is language


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("change", Change)
@pytest.mark.parametrize("period", [Period.DAILY, Period.WEEKLY, Period.MONTHLY])
def test_subjects_say_the_finding_and_fit(language: Language, change: Change, period: Period) -> None:
    figures = Figures("CDF", language)
    vague = (figures.words("Unusual sales"), figures.words("{day}: unusual sales", day="").strip(" :："))
    spikes = [
        happened(EventType.HIGH_SPIKE, deviation=by, metric=metric, sku=sku)
        for by in (0.89, 2.4, 12.0)
        for metric in METRICS
        for sku in (None, "RIZ-005")
    ]
    for happening in [*all_events(), *spikes]:
        mail = compose_alert_mail([told(happening, change)], facts(language, period=period))
        assert len(mail.subject) < SUBJECT_LENGTH
        assert mail.subject.endswith(" [SF-ABCDEFGH]")
        if period is Period.DAILY:
            assert not any(word in mail.subject for word in vague), mail.subject


@pytest.mark.parametrize("language", Language)
def test_the_text_says_what_the_html_says(language: Language) -> None:
    mail = full_mail(language)
    shown = NOT_SHOWN.sub("", words(mail)[0])
    for line in mail.text.splitlines():
        if line.strip() not in ("", "--"):
            assert NOT_SHOWN.sub("", line) in shown, line


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", ["{x}", "{product}", "%s %(n)d", "<b>{{ _ }}</b>", "iPhone 5 {finding}"])
def test_a_name_is_never_a_template(language: Language, name: str) -> None:
    for type_ in (EventType.STOPPED_SELLING, EventType.DROP, EventType.PRICE_CHANGE, EventType.LEVEL_SHIFT):
        happening = happened(type_, sku="A1")
        happening = replace(happening, name=name, statement=replace(happening.statement, name=name))
        for change in Change:
            mail = compose_alert_mail([told(happening, change)], facts(language))
            assert f"{name} (A1)" in mail.text.splitlines()[0]
            assert f"{name} (A1)" in words(mail)[0]


@pytest.mark.parametrize("language", Language)
def test_a_right_to_left_name_turns_nothing_beside_it(language: Language) -> None:
    happening = happened(EventType.DROP, sku="A1")
    happening = replace(happening, name="شاي أخضر", statement=replace(happening.statement, name="شاي أخضر 500"))
    mail = compose_alert_mail([told(happening, Change.OPENED)], facts(language))
    assert "\u2068شاي أخضر 500 (A1)\u2069" in mail.text
    assert mail.subject.startswith("\u2068شاي أخضر\u2069")
    assert len(mail.subject) < SUBJECT_LENGTH
    assert "<bdi>شاي أخضر 500 (A1)</bdi>" in mail.html
    assert "\u2068" not in mail.html
    plain = compose_alert_mail([told(happened(EventType.DROP, sku="A1"), Change.OPENED)], facts(language))
    assert not {"\u2068", "\u2069"} & set(plain.text)


def test_weekdays_and_numbers_stand_as_the_language_writes_them() -> None:
    low, holiday = happened(EventType.DROP), happened(EventType.HIGH_SPIKE, deviation=2.4)
    low = replace(low, statement=replace(low.statement, value=124_000.0, expected=199_400.0))
    holiday = replace(holiday, statement=replace(holiday.statement, holiday="Noël"))
    said = {
        language: (sentence(low.statement, figures), sentence(holiday.statement, figures))
        for language in Language
        for figures in [Figures("CDF", language)]
    }
    assert said == {
        Language.EN: (
            "Monday's sales were 38% below a usual Monday: CDF\u00a01,240 instead of about CDF\u00a02,000.",
            "Monday's sales were 3.4 times a usual Monday: CDF\u00a06,800 instead of about CDF\u00a02,000. It was Noël.",
        ),
        Language.FR: (
            "Les ventes de lundi ont été inférieures de 38\u00a0% à celles d’un lundi habituel\u00a0: "
            "1\u202f240\u00a0CDF au lieu d’environ 2\u202f000\u00a0CDF.",
            "Les ventes de lundi ont été 3,4 fois celles d’un lundi habituel\u00a0: "
            "6\u202f800\u00a0CDF au lieu d’environ 2\u202f000\u00a0CDF. Date particulière\u00a0: Noël.",
        ),
        Language.ZH: (
            "星期一的销售额比平常的星期一低38%：CDF\u00a01,240，平常约CDF\u00a02,000。",
            "星期一的销售额是平常星期一的3.4倍：CDF\u00a06,800，平常约CDF\u00a02,000。当天是Noël。",
        ),
        Language.LN: (
            "Boteki ya mokolo ya yambo ezalaki 38% na nse ya mokolo ya yambo ya momesano: "
            "1.240\u00a0FC na esika ya pene ya 2.000\u00a0FC.",
            "Boteki ya mokolo ya yambo ezalaki mbala 3,4 ya mokolo ya yambo ya momesano: "
            "6.800\u00a0FC na esika ya pene ya 2.000\u00a0FC. Mokolo wana ezalaki Noël.",
        ),
        Language.SW: (
            "Mauzo ya Jumatatu yalikuwa chini kwa 38% kuliko Jumatatu ya kawaida: CDF\u00a01,240 badala ya takriban CDF\u00a02,000.",
            "Mauzo ya Jumatatu yalikuwa mara 3.4 ya Jumatatu ya kawaida: CDF\u00a06,800 badala ya takriban CDF\u00a02,000. Ilikuwa Noël.",
        ),
    }


def test_below_zero_no_percentage_says_anything() -> None:
    drop = happened(EventType.DROP, deviation=-13.0)
    mail = compose_alert_mail([told(drop, Change.OPENED)], replace(FACTS, currency="EUR"))
    said = "On Monday more was given back than sold: -€24,000 instead of about €2,000."
    assert mail.text.splitlines()[0] == said
    assert mail.subject.startswith("Mon, 2 Nov: more given back than sold")
    assert "%" not in mail.text + mail.subject
    week = replace(drop.statement, days=7)
    assert sentence(week, Figures("EUR")) == (
        "In the 7 days to Monday, 2 November more was given back than sold: -€24,000 instead of about €2,000."
    )


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("days", [7, 28])
def test_weeks_are_told_with_their_last_day(language: Language, days: int) -> None:
    figures = Figures("CDF", language)
    for metric in METRICS:
        for value, expected in ((50.0, 100.0), (150.0, 100.0), (350.0, 100.0), (9.0, 0.0)):
            low = happened(EventType.DROP, metric=metric).statement
            text = sentence(replace(low, days=days, value=value, expected=expected), figures)
            assert str(days) in text
            assert "2" in text  # the second of November
            assert not re.search("usual|Monday", text) or language is Language.EN


def test_a_product_without_a_history_and_notes_have_words_in_every_language() -> None:
    seldom = replace(happened(EventType.HIGH_SPIKE, sku="A1", metric="quantity").statement, seldom=True)
    for language in OTHERS:
        figures = Figures("CDF", language)
        for value in (1.0, 80_995.0):
            one = replace(seldom, value=value, expected=0.0)
            assert sentence(one, figures) != sentence(one, Figures("CDF"))
        texts = set()
        for kind in NoteKind:
            for deviation in (-0.3, 0.4, 1.5):
                noted = replace(happened(EventType.DROP, sku="A1"), notes=(Note(kind, deviation),))
                mail = compose_alert_mail([told(noted, Change.OPENED)], facts(language))
                english = compose_alert_mail([told(noted, Change.OPENED)], facts(Language.EN))
                assert not lines_of(mail) & lines_of(english)
                texts.add(mail.text)
        assert len(texts) == 11  # five kinds have no size, two have three


def full_mail(language: Language) -> MailText:
    """A mail with everything that a mail can have."""
    stopped = replace(
        happened(EventType.STOPPED_SELLING, sku="THE-100"),
        notes=(Note(NoteKind.OUT_OF_STOCK), Note(NoteKind.PRICE, 0.2)),
    )
    ended = told(happened(EventType.DROP, sku="SAV-7"), Change.RESOLVED)
    late = replace(told(happened(EventType.UNUSUAL_MIX), Change.OPENED), on=START - timedelta(days=1))
    worse = told(happened(EventType.HIGH_SPIKE, sku="A1", metric="quantity", deviation=1.4), Change.WORSE)
    entries = [*slow_monday(), late, told(stopped, Change.OPENED), worse, ended]
    return compose_alert_mail(entries, facts(language, left_out=3, flagged=1, set_aside=2))


@pytest.mark.parametrize("language", Language)
def test_a_mail_is_as_it_was_read(language: Language) -> None:
    mail = full_mail(language)
    assert f"{mail.subject}\n\n{mail.text}" == (GOLDEN / f"{language}.txt").read_text(encoding="utf-8")


def test_an_end_is_told_of_what_is_over() -> None:
    figures = Figures("CDF", Language.FR)
    said = [told_sentence(told(one, Change.RESOLVED), figures) for one in all_events()]
    assert len(set(said)) == 3 + 2 + 2  # each kind of day and of product, and the rest
