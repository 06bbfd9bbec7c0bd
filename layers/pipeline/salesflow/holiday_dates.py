"""The holidays that the operator named, as dates: whole countries by the holidays package, and days of the shop's own."""

from collections.abc import Iterable, Sequence
from datetime import date

from salesflow.errors import InvalidSettings


def holiday_dates(entries: Sequence[str], years: Iterable[int]) -> dict[date, str]:
    """Date to name, in order of dates, for the years asked for.

    entries: as in `Settings.holidays`: `CN`, `GB-SCT`, `2026-12-24` or `2026-12-24=Christmas Eve`. A day of the shop's own
    takes the place of a country's. Names are English where the package has them. Raises InvalidSettings for a country
    that it does not know.
    """
    found: dict[date, str] = {}
    wanted = sorted(set(years))
    for entry in entries:
        if not entry[0].isdigit():
            found |= {day: name for day, name in _of_country(entry, wanted).items() if day not in found}
    for entry in entries:
        if entry[0].isdigit():
            day, _, name = entry.partition("=")
            found[date.fromisoformat(day)] = name.strip() or "holiday"
    return {day: found[day] for day in sorted(found) if day.year in wanted}


def _of_country(entry: str, years: list[int]) -> dict[date, str]:
    from holidays import country_holidays  # in the model functions alone, and only where a country is named

    country, _, subdivision = entry.partition("-")
    try:
        known = country_holidays(country, subdiv=subdivision or None, years=years, language="en_US")
    except NotImplementedError as error:
        raise InvalidSettings(
            f"HOLIDAYS: {entry!r} is not known ({error}).",
            action="Correct the Parameter Holidays, or name the days themselves: 2026-12-24=Christmas Eve.",
        ) from None
    return dict(known)
