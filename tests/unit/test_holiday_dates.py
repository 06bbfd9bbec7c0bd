"""Holidays are named in the reader's language; a name of the shop's own stays what it is."""

from datetime import date

import pytest

from salesflow.errors import InvalidSettings
from salesflow.holiday_dates import holiday_dates
from salesflow.language import Language


@pytest.mark.parametrize(
    ("country", "language", "day", "name"),
    [
        ("CN", Language.EN, date(2026, 9, 25), "Mid-Autumn Festival"),
        ("CN", Language.ZH, date(2026, 9, 25), "中秋节"),
        ("CD", Language.EN, date(2026, 12, 25), "Christmas Day"),
        ("CD", Language.FR, date(2026, 12, 25), "Noël"),
        ("CD", Language.LN, date(2026, 12, 25), "Noël"),  # not known in Lingala
        ("TZ", Language.SW, date(2026, 12, 9), "Uhuru na Jamhuri"),
        ("CN", Language.SW, date(2026, 9, 25), "Mid-Autumn Festival"),  # not known in Swahili: English
    ],
)
def test_a_country_names_its_holidays_in_the_readers_language(
    country: str, language: Language, day: date, name: str
) -> None:
    assert holiday_dates([country], [2026], language)[day] == name


@pytest.mark.parametrize("language", Language)
def test_a_day_of_the_shop_keeps_its_name_and_has_one_in_every_language(language: Language) -> None:
    days = holiday_dates(["CD", "2026-12-25=Chez {nous}", "2026-12-24"], [2026], language)
    assert days[date(2026, 12, 25)] == "Chez {nous}"
    assert days[date(2026, 12, 24)]
    assert (days[date(2026, 12, 24)] == "a holiday") is (language is Language.EN)


@pytest.mark.parametrize("entry", ["QQ", "GB-QQ"])
def test_an_unknown_country_is_refused(entry: str) -> None:
    with pytest.raises(InvalidSettings, match=entry):
        holiday_dates([entry], [2026])
