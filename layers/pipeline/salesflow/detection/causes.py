"""Why the day's revenue differs: by product, by hour, by customers x basket x price. Every split adds up exactly."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from salesflow.findings.event import OTHERS, RETURNED, Causes, Contribution

TOLD = 5


def exact_shares(total: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """`total` split in proportion to the non-negative `weights` into integers that add up to it (largest remainders)."""
    if len(weights) == 0:
        return np.zeros(0, dtype=np.int64)
    weights = np.maximum(np.nan_to_num(weights), 0)
    if weights.sum() <= 0:
        weights = np.ones(len(weights))
    raw = total * (weights / weights.sum())
    shares = np.floor(raw).astype(np.int64)
    order = np.argsort(-(raw - shares), kind="stable")
    shares[order[: int(total - shares.sum())]] += 1
    return shares


def by_product(
    difference: int, name_of: Callable[[int], str], actual: NDArray[np.float64], expected: NDArray[np.float64]
) -> tuple[Contribution, ...]:
    """The products that moved most, largest first, and the rest as "other products"; sums to `difference` (minor units)."""
    parts = np.rint(np.nan_to_num(actual) - np.nan_to_num(expected)).astype(np.int64)
    order = np.argsort(-np.abs(parts), kind="stable")[:TOLD]
    told = [Contribution(name_of(i), int(parts[i])) for i in order.tolist() if parts[i] != 0]
    rest = difference - sum(c.amount for c in told)
    return (*told, Contribution(OTHERS, rest)) if rest or not told else tuple(told)


def by_hour(
    difference: int, actual: NDArray[np.int64], usual: NDArray[np.float64], expected: int
) -> tuple[Contribution, ...]:
    """Each hour's actual revenue [24] against the expected total spread over the hours as `usual` [24]; hours without a part left out.

    What was given back counts as sold, but the hourly columns hold it no more: "sold and returned".
    """
    parts = actual - exact_shares(expected, usual)
    hours = [Contribution(f"{h:02d}:00-{h + 1:02d}:00", int(p)) for h, p in enumerate(parts) if p != 0]
    rest = difference - int(parts.sum())
    return (*hours, Contribution(RETURNED, rest)) if rest else tuple(hours)


def by_price_volume(
    revenue: int,
    quantity: float,
    transactions: float,
    expected_revenue: float,
    expected_quantity: float,
    expected_transactions: float,
) -> tuple[Contribution, ...]:
    """Revenue = customers x pieces per basket x revenue per piece, changed in that order; sums to revenue - round(expected revenue).

    Where a factor is zero its effect cannot be separated: it goes to the step before.
    """
    difference = revenue - round(expected_revenue)
    customers = basket = 0
    if expected_transactions > 0:
        customers = round((transactions - expected_transactions) * expected_revenue / expected_transactions)
    if expected_transactions > 0 and expected_quantity > 0 and transactions > 0:
        per_basket = quantity / transactions - expected_quantity / expected_transactions
        basket = round(transactions * per_basket * expected_revenue / expected_quantity)
    if quantity <= 0 or expected_quantity <= 0:
        basket = difference - customers if transactions > 0 else 0
        customers = difference - basket
    return (
        Contribution("customers", customers),
        Contribution("pieces per basket", basket),
        Contribution("price per piece", difference - customers - basket),
    )


def shop_causes(
    revenue: int,
    expected_revenue: float,
    *,
    quantity: float,
    expected_quantity: float,
    transactions: float,
    expected_transactions: float,
    name_of: Callable[[int], str],
    product_revenue: NDArray[np.float64],
    product_expected: NDArray[np.float64],
    hours: NDArray[np.int64],
    usual_hours: NDArray[np.float64],
) -> Causes:
    """All three splits of the shop's revenue difference; the one by customers, baskets and prices where a usual day has any."""
    expected = round(expected_revenue)
    difference = revenue - expected
    return Causes(
        difference,
        by_product(difference, name_of, product_revenue, product_expected),
        by_hour(difference, hours, usual_hours, expected) if hours.any() else (),
        by_price_volume(revenue, quantity, transactions, expected_revenue, expected_quantity, expected_transactions)
        if expected
        else (),
    )
