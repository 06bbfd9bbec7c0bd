"""The holidays that the operator named, as dates: whole countries by the holidays package, and days of the shop's own."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from salesflow.errors import InvalidSettings
from salesflow.language import Language, words

_ENGLISH: Final = "en_US"
_NAMES: Final = {
    Language.FR: ("fr",),
    Language.ZH: ("zh_CN",),
    Language.LN: ("fr",),  # the package has no Lingala; in both Congos holidays are known by their French names
    Language.SW: ("sw",),
}
"""The package's languages for ours, the best first."""


def holiday_dates(entries: Sequence[str], years: Iterable[int], language: Language = Language.EN) -> dict[date, str]:
    """Date to name, in order of dates, for the years asked for.

    entries: as in `Settings.holidays`: `CN`, `GB-SCT`, `2026-12-24` or `2026-12-24=Christmas Eve`. A day of the shop's own
    takes the place of a country's, under the name that the operator gave it. A country's names are those of `language`, or
    else English, where the package has them. Raises InvalidSettings for a country that it does not know.
    """
    found: dict[date, str] = {}
    wanted = sorted(set(years))
    for entry in entries:
        if not entry[0].isdigit():
            found |= {day: name for day, name in _of_country(entry, wanted, language).items() if day not in found}
    _ = words(language)
    for entry in entries:
        if entry[0].isdigit():
            day, _sign, name = entry.partition("=")
            # Translators: the name of a day that the shop marked as a holiday and gave no name.
            found[date.fromisoformat(day)] = name.strip() or _("a holiday")
    return {day: found[day] for day in sorted(found) if day.year in wanted}


def _of_country(entry: str, years: list[int], language: Language) -> dict[date, str]:
    from holidays import country_holidays  # in the model functions alone, and only where a country is named

    country, _, subdivision = entry.partition("-")
    try:
        has = country_holidays(country, subdiv=subdivision or None).supported_languages
        names = next((name for name in _NAMES.get(language, ()) if name in has), _ENGLISH)
        known = country_holidays(country, subdiv=subdivision or None, years=years, language=names)
    except NotImplementedError as error:
        raise InvalidSettings(
            f"HOLIDAYS: {entry!r} is not known ({error}).",
            action="Correct the setting holidays, or name the days themselves: 2026-12-24=Christmas Eve.",
        ) from None
    return dict(known)
