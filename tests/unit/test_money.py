"""Amounts as minor units, held against decimal arithmetic."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.money import MAX_MINOR
from salesflow.source.amounts import is_exact, minor_units


@given(st.integers(-MAX_MINOR + 1, MAX_MINOR - 1), st.integers(0, 4))
def test_every_amount_below_the_limit_is_its_own_minor_units(minor: int, digits: int) -> None:
    amount = np.array([float(Decimal(minor).scaleb(-digits))])
    if abs(minor) < 2**50:  # beyond, two neighbouring amounts can be one double
        assert minor_units(amount, digits).tolist() == [minor]
    assert is_exact(amount, digits).all()


@pytest.mark.parametrize(
    ("amount", "digits", "minor"),
    [
        (4_503_599_627_370_497.0, 0, 4_503_599_627_370_497),  # odd, above 2^52: nothing may be added to it
        (-4_503_599_627_370_497.0, 0, -4_503_599_627_370_497),
        (0.1 + 0.2, 2, 30),
        (1.1 * 1.1 * 100, 0, 121),
        (-0.0, 2, 0),
    ],
)
def test_the_noise_of_doubles_is_no_money(amount: float, digits: int, minor: int) -> None:
    assert is_exact(np.array([amount]), digits).tolist() == [True]
    assert minor_units(np.array([amount]), digits).tolist() == [minor]


@given(st.integers(-(10**9), 10**9), st.integers(1, 999), st.integers(0, 3))
def test_further_decimals_are_seen(minor: int, thousandths: int, digits: int) -> None:
    amount = float(Decimal(minor * 1_000 + thousandths).scaleb(-digits - 3))
    assert is_exact(np.array([amount]), digits).tolist() == [False]
