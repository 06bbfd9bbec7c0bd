"""The colours, for readers who do not see all of them and for printers that have none."""

import numpy as np
import numpy.typing as npt
import pytest

from salesflow.reports.content.charts import Role
from salesflow.reports.content.palette import BLUE, INK, LIGHT, ORANGE, PALE_ORANGE, PAPER, QUIET

type Colour = npt.NDArray[np.float64]

SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
}
"""Machado, Oliveira and Fernandes (2009), A physiologically-based model for simulation of color vision deficiency: severity 1."""


def linear(colour: str) -> Colour:
    """Red, green and blue of a #RRGGBB, without its gamma (sRGB)."""
    values = np.array([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def brightness(colour: str) -> float:
    """Relative luminance (WCAG 2)."""
    return float(linear(colour) @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2), from 1 to 21."""
    dark, bright = sorted((brightness(one), brightness(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [(INK, PAPER), (QUIET, PAPER), (BLUE, PAPER), (ORANGE, PAPER), (ORANGE, PALE_ORANGE), ("#FFFFFF", ORANGE)],
)
def test_every_text_is_readable_on_its_ground(text: str, ground: str) -> None:
    assert contrast(text, ground) >= 4.5


def test_the_days_of_the_report_stand_out_in_black_and_white() -> None:
    assert contrast(LIGHT[Role.STRONG], LIGHT[Role.PALE]) >= 3
    assert contrast(LIGHT[Role.USUAL], LIGHT[Role.PALE]) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
def test_good_and_bad_are_two_colours_for_everybody(sight: str) -> None:
    """In the share of red that is left of blue: their brightness is nearly the same, on purpose, so that neither looks fainter."""
    good, bad = (SIGHT[sight] @ linear(colour) for colour in (BLUE, ORANGE))
    assert float(np.abs(good - bad).max()) > 0.2
