"""Reports and their mails in every language: the words, and numbers and dates by the language's own rules."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from salesflow.figures import Figures, Kind
from salesflow.formats import Format
from salesflow.language import Language, words
from salesflow.reports import render
from salesflow.reports.content.build import build_document
from salesflow.reports.mail import SUBJECT_LENGTH, MailText, compose_report_mail
from salesflow.windows import Window
from tests.unit.reports.samples import all_samples
from tests.unit.reports.test_outlook import FORECAST

LAST = date(2026, 11, 22)
SAMPLES = [name for name in all_samples() if name not in {"combined-10000", "stock-10000"}]


def mail_of(name: str, language: Language, mode: str = "full") -> MailText:
    content = all_samples()[name]
    if content.sales is not None:
        content = replace(content, forecast=FORECAST)
    return compose_report_mail(
        content,
        mode=mode,  # type: ignore[arg-type]  # one of the three
        attached=("combined-daily-2026-11-22.pdf",),
        left_out=(),
        locations=("s3://reports/latest/combined-daily.pdf",),
        reference="SF-ab12cd34",
        run_id="run-0001",
        reply_to="owner@example.com",
        language=language,
    )


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", SAMPLES)
def test_subjects_fit_and_lose_no_money(name: str, language: Language) -> None:
    for mode in ("full", "link"):
        subject = mail_of(name, language, mode).subject
        assert len(subject) < SUBJECT_LENGTH
        assert subject.endswith(" [SF-ab12cd34]")
        assert subject.isprintable()
    said = mail_of(name, language).subject
    content = all_samples()[name]
    if content.sales is not None and not content.sales.is_empty:
        figures = Figures(content.currency, language)
        assert " ".join(figures.money_short(content.sales.kpis.revenue).split()) in said


@pytest.mark.parametrize("language", [language for language in Language if language is not Language.EN])
def test_nothing_of_ours_is_left_in_english(language: Language) -> None:
    """Every label, title, lead, definition and note of the document has its own words; French and Lingala share some with English."""
    name = "combined-daily"
    content = replace(all_samples()[name], forecast=FORECAST)
    ours, english = (build_document(content, language=used) for used in (language, Language.EN))
    same = {"Transactions", "Stock", "SKU", "OK", "regression", "gradient boosting", "Notes", "Questions", "Urgent"}
    for kpi, theirs in zip(ours.kpis + ours.more_kpis, english.kpis + english.more_kpis, strict=True):
        assert kpi.label != theirs.label or kpi.label in same
        assert kpi.definition != theirs.definition
        assert kpi.value == theirs.value
    for section, other in zip(ours.sections, english.sections, strict=True):
        assert section.title != other.title or section.title in same
        assert section.lead != other.lead or not section.lead
        for chart, their_chart in zip(section.charts, other.charts, strict=True):
            assert (chart.title != their_chart.title, chart.alt != their_chart.alt) == (True, True)
            assert chart.values == their_chart.values
        for table, their_table in zip(section.tables, other.tables, strict=True):
            assert table.title != their_table.title
            for column, their_column in zip(table.columns, their_table.columns, strict=True):
                assert column.label != their_column.label or column.label in same
                assert column.key == their_column.key
    for (label, text), (their_label, _) in zip(ours.small_print, english.small_print, strict=True):
        assert label != their_label
        assert text
    assert ours.headline != english.headline


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", ["combined-daily", "sales-returns-above", "stock-daily", "combined-empty-first-day"])
def test_text_and_html_say_the_same(name: str, language: Language) -> None:
    mail = mail_of(name, language)
    html = mail.html.replace("&middot;", "\u00b7").replace("&#39;", "'")
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<body")[2]))
    for line in mail.text.splitlines():
        for part in re.split(r"\s{2,}|; |\s?[:\uff1a](?:\s|$)| \u00b7 |[()]|\uff1a(?=[^\s])", line):
            if len(part) > 3 and part != "-- ":
                assert " ".join(part.split()) in shown, part


@pytest.mark.parametrize("language", Language)
def test_mails_name_their_language(language: Language) -> None:
    mail = mail_of("sales-daily", language)
    assert f'<html lang="{language.tag}"' in mail.html
    assert mail.language is language
    assert mail_of("sales-daily", Language.ZH).html.count('lang="zh-Hans"') == 1


@pytest.mark.parametrize("language", Language)
def test_a_product_named_like_a_place_stays_as_it_is(language: Language) -> None:
    content = all_samples()["combined-daily"]
    assert content.sales is not None
    first, *rest = content.sales.products
    named = replace(content, sales=replace(content.sales, products=(replace(first, name="{amount} {0} %(n)s"), *rest)))
    document = build_document(named, language=language)
    table = next(table for section in document.sections for table in section.tables if table.key == "products")
    assert table.rows[0][0] == "{amount} {0} %(n)s"
    assert "{amount} {0} %(n)s" in render(named, Format.HTML, language=language).decode()


@pytest.mark.parametrize(
    ("language", "share", "change", "short"),
    [
        (Language.EN, "12.3%", "-28.0%", "¥23.5B"),
        (Language.FR, "12,3\u00a0%", "-28,0\u00a0%", "23,5\u00a0Md\u00a0¥"),
        (Language.ZH, "12.3%", "-28.0%", "¥234.6亿"),
        (Language.LN, "12,3%", "-28,0%", "23,5G\u00a0¥"),
        (Language.SW, "12.3%", "-28.0%", "¥\u00a023.5B"),
    ],
)
def test_numbers_by_the_language_s_rules(language: Language, share: str, change: str, short: str) -> None:
    figures = Figures("CNY", language)
    assert figures.show(Kind.SHARE, 0.1234) == share
    assert figures.change(-0.28) == change
    assert figures.money_short(2_345_678_900_000) == short
    assert figures.money_short(-2_345_678_900_000) == f"-{short}"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("major", [15_000_000, 999_900_000, 1_234_567_890, 98_765_432_100, 1_234_567_890_123])
def test_a_short_amount_is_the_amount(language: Language, major: int) -> None:
    """Babel's own short format is wrong by a factor of ten and more in Swahili from a thousand million on."""
    factors = {"M": 6, "Md": 9, "B": 9, "G": 9, "Bn": 12, "T": 12, "万": 4, "亿": 8, "万亿": 12}
    printed = Figures("XAF", language).money_short(major)
    found = re.search(r"(\d+(?:[.,]\d)?)\s?(万亿|Md|Bn|[MBGT万亿])", printed.replace("FCFA", ""))
    assert found is not None, printed
    value = float(found[1].replace(",", ".")) * 10 ** factors[found[2]]
    assert value == pytest.approx(major, rel=0.05), printed


@pytest.mark.parametrize(
    ("language", "week", "across"),
    [
        (Language.EN, "16\u201322 Nov 2026", "30 Oct\u2009\u2013\u200922 Nov 2026"),
        (Language.FR, "16\u201322 nov. 2026", "30 oct.\u2009\u2013\u200922 nov. 2026"),
        (Language.ZH, "2026年11月16日至22日", "2026年10月30日至11月22日"),
        (Language.LN, "16\u201322 novembe 2026", "30 okotobe \u2013 22 novembe 2026"),
        (Language.SW, "16\u201322 Nov 2026", "30 Okt \u2013 22 Nov 2026"),
    ],
)
def test_windows_name_both_months(language: Language, week: str, across: str) -> None:
    figures = Figures("CNY", language)
    assert figures.window(Window(date(2026, 11, 16), LAST)) == week
    assert figures.window(Window(date(2026, 10, 30), LAST)) == across
    turn = figures.window(Window(date(2026, 12, 28), date(2027, 1, 3)))
    assert "2026" in turn
    assert "2027" in turn


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("currency", "minor", "digits"), [("JPY", 1234, "1234"), ("XAF", 1234, "1234"), ("KWD", 1234, "1234")]
)
def test_every_currency_shows_its_digits(language: Language, currency: str, minor: int, digits: str) -> None:
    assert re.sub(r"\D", "", Figures(currency, language).money(minor)) == digits


@pytest.mark.parametrize("language", Language)
def test_congolese_francs_keep_their_centimes(language: Language) -> None:
    """None circulate, but sums of exchanged amounts have them, and would not add up on the page without."""
    printed = Figures("CDF", language).money(1_234_550)
    assert re.search(r"12.345[.,]50", printed)


def test_moments_and_sentences_stand_as_the_language_has_them() -> None:
    moment = datetime(2026, 11, 22, 21, 45)
    assert Figures("CNY", Language.ZH).moment(moment) == "2026年11月22日 21:45"
    assert Figures("CNY", Language.EN).moment(moment) == "22 Nov 2026, 21:45"
    assert Figures("CNY", Language.ZH).sentences("好。", "", "是。") == "好。是。"
    assert Figures("CNY", Language.SW).sentences("A.", "", "B.") == "A. B."


@pytest.mark.parametrize("language", Language)
def test_short_weekdays_fit_below_a_column(language: Language) -> None:
    names = [Figures("CNY", language).weekday_short(day) for day in range(7)]
    assert len(set(names)) == 7
    assert max(map(len, names)) <= (4 if language is Language.LN else 8)
    own = {Language.SW: "J3 J4 J5 Al Ij J1 J2", Language.LN: "M1 M2 M3 M4 M5 Mp Ey"}
    if language in own:  # and not the initials of English, or three days alike
        assert " ".join(Figures("CNY", language).weekday_letter(day) for day in range(7)) == own[language]


def test_days_in_lingala_are_written_as_everybody_writes_them() -> None:
    figures, last = Figures("CDF", Language.LN), date(2026, 11, 22)
    assert figures.day_long(date(2026, 11, 19)) == "mokolo ya minei 19 novembe 2026"
    assert figures.day_with_weekday(date(2026, 11, 21)) == "mposo 21 novembe"
    week = [last - timedelta(days=back) for back in range(7)]
    said = [say(day) for say in (figures.day_long, figures.day_named, figures.day_with_weekday) for day in week]
    said += [figures.weekday(day) + figures.weekday_short(day) for day in range(7)]
    assert all(text.isascii() for text in said), "no tone marks, and no letters that no keyboard has"


def test_counts_decide_the_form() -> None:
    _ = words(Language.FR)
    said = [_.plural("{n} piece", "{n} pieces", n, n=str(n)) for n in (0, 1, 2)]
    assert said == ["0 pièce", "1 pièce", "2 pièces"]
