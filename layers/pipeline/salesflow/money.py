"""Money as integer minor units (cents), exact from the API's doubles to the printed figure."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision

MAX_MINOR = 2**53
"""Above this a double no longer holds every minor unit: such an amount is not money that we can add up."""


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency by its ISO 4217 code, with the number of digits after the point that CLDR gives it (CNY 2, JPY and XAF 0, KWD 3).

    These are the digits of accounts, not of cash: Congolese francs (CDF) keep their two although no centime circulates, because
    amounts in the source have them and the sums on a page would not add up without.
    """

    code: str

    @property
    def digits(self) -> int:
        """Digits after the decimal point."""
        return get_currency_precision(self.code)

    def to_major(self, minor: int) -> Decimal:
        """The exact decimal amount of so many minor units: 1234 -> Decimal("12.34")."""
        return Decimal(int(minor)).scaleb(-self.digits)

    def to_minor(self, amount: Decimal) -> int:
        """The minor units of a decimal amount, half a unit rounded up."""
        return int(amount.scaleb(self.digits).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def divide_minor(numerator: int, denominator: int) -> int:
    """`numerator / denominator` in minor units, half a unit rounded away from zero; 0 where the denominator is 0."""
    if denominator == 0:
        return 0
    return int((Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), rounding=ROUND_HALF_UP))
