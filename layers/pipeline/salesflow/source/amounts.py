"""The API's amounts, doubles in major units, as whole minor units (`salesflow.money`)."""

import numpy as np
import numpy.typing as npt


def minor_units(amounts: npt.NDArray[np.float64], digits: int) -> npt.NDArray[np.int64]:
    """The minor units of amounts in major units, shape [n].

    An API amount is a double that stands for a decimal with at most `digits` digits; the nearest whole number of minor
    units is that decimal exactly while it is below `money.MAX_MINOR`. The caller has refused larger and non-finite amounts, and
    those of another precision (`is_exact`).
    """
    return np.rint(amounts * float(10**digits)).astype(np.int64)


def is_exact(amounts: npt.NDArray[np.float64], digits: int) -> npt.NDArray[np.bool_]:
    """Whether each amount in major units is a decimal with at most `digits` digits, but for the noise of doubles; shape [n].

    The noise is that of sums of doubles (0.1 + 0.2): a millionth of a minor unit, or 32 units in the last place.
    """
    scaled = amounts * float(10**digits)
    exact: npt.NDArray[np.bool_] = np.abs(scaled - np.rint(scaled)) <= np.maximum(1e-6, np.abs(scaled) * 2.0**-48)
    return exact
