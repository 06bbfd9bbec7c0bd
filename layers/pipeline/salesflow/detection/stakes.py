"""How serious a finding is: the money at stake, as a share of a usual day, and how surprising it is. Whatever the budget."""

import numpy as np

from salesflow.detection.tails import normal_from_upper_tail
from salesflow.findings.event import Severity

HIGH_SHARE, HIGH_SCORE = 0.15, 3.0
MEDIUM_SHARE, MEDIUM_SCORE = 0.05, 2.5
"""Of a usual day's revenue, and |z|: from both on a finding is HIGH, or MEDIUM. A shop of 400 a day calls 60 serious, one of 40,000 calls 6,000."""

SPIKE_PIECES = 4
"""So many pieces of a product, or fewer, are no spike, whatever they cost."""

SURPRISE_LIMIT = 8.0
"""Beyond this |z| nothing is more surprising: money decides."""


FALSE_A_MONTH = 0.25
"""So many products a month may reach HIGH by chance alone, whatever their number: forty look at chance forty times a day."""

MOST_TESTS = 200


def high_score(products: int) -> float:
    """The |z| from which one of so many products is HIGH."""
    tail = FALSE_A_MONTH / 30 / 2 / min(max(products, 1), MOST_TESTS)
    return max(float(normal_from_upper_tail(np.array([tail]))[0]), HIGH_SCORE)


def severity_of(score: float, share: float, high: float = HIGH_SCORE) -> Severity:
    """`score`: z; `share`: of a usual day's revenue, signed or not; `high`: |z| of HIGH."""
    if abs(share) >= HIGH_SHARE and abs(score) >= high:
        return Severity.HIGH
    if abs(share) >= MEDIUM_SHARE and abs(score) >= MEDIUM_SCORE:
        return Severity.MEDIUM
    return Severity.LOW


def weight_of(score: float, share: float) -> float:
    """Money x surprise: the order in which findings are worth a place in the month's alerts."""
    return abs(share) * min(abs(score), SURPRISE_LIMIT)
