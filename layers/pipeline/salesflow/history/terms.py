"""What a stored table was written under: the settings that its figures depend on, and the version of its form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Final, Self

from salesflow.errors import HistoryOfNewerVersion
from salesflow.money import Currency
from salesflow.settings import Settings

SCHEMA: Final = 2
"""The form of what is written now. 1 is that of version 1.0.0, which says nothing of itself."""

_MEANINGS: Final = {"digits": "digits after the point", "zone": "time zone", "day-ends-at": "end of the day"}


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings that stored figures depend on.

    Amounts are kept as the source gives them, to the digits of the currency: another currency with as many digits is another
    word for the same figures. Other digits, another zone or another end of the day make other figures of the same sales.
    """

    currency: Currency
    zone: str
    day_ends_at: time

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of a stack's settings."""
        return cls(settings.money, settings.timezone, settings.day_ends_at)

    @property
    def words(self) -> dict[str, str]:
        """What stands beside a table (as the metadata of an object, or in an index) and says what it was written under."""
        return {
            "schema": str(SCHEMA),
            "currency": self.currency.code,
            "digits": str(self.currency.digits),
            "zone": self.zone,
            "day-ends-at": f"{self.day_ends_at:%H:%M}",
        }

    def differences(self, stored: Mapping[str, str], where: str) -> tuple[str, ...]:
        """How the words of a stored table differ from these settings, in words; empty where its figures are the same.

        What it does not say is taken for what is set now. Raises HistoryOfNewerVersion, which names `where` it stands.
        """
        schema = stored.get("schema", "1")
        if not schema.isdecimal() or int(schema) > SCHEMA:
            raise HistoryOfNewerVersion(
                f"s3://{where} was written by a newer version of this software (form {schema[:20]}; this one reads up to {SCHEMA}).",
                action='Deploy the newer version again, or fire sync_history with {"rebuild": true} to write it anew.',
            )
        now = self.words
        return tuple(
            f"{meaning} {stored[name]} instead of {now[name]}"
            for name, meaning in _MEANINGS.items()
            if name in stored and stored[name] != now[name]
        )
