"""Charts as plain shapes, drawn alike into PDF and SVG: what stands where is decided here once.

Coordinates are points with the origin in the upper left corner. Every shape has a role instead of a colour; the
renderers give roles their colours (a page in the dark has others than one in print).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from salesflow.figures import Figures
from salesflow.reports.content.document import Chart, ChartKind


class Role(StrEnum):
    """What a shape is there for."""

    STRONG = "strong"
    ALIKE = "alike"
    PALE = "pale"
    EXPECTED = "expected"
    USUAL = "usual"
    NEGATIVE = "negative"
    GRID = "grid"
    AXIS = "axis"
    LABEL = "label"
    TEXT = "text"


_TICKS: Final = 3
_LABEL, _TEXT, _ROW = 7.0, 8.0, 17.0
"""Points: sizes of the labels on axes and of the texts beside lying bars, and the height of such a bar's row."""


type Measure = Callable[[str, float], float]
"""Width of a text in points at a size in points."""
type Cut = Callable[[str, float, float], str]
"""The text, shortened to what fits: text, size, room."""


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; `title` says its figure to who points at it."""

    x: float
    y: float
    width: float
    height: float
    role: Role
    title: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    role: Role


@dataclass(frozen=True, slots=True)
class Label:
    """A text on its baseline. anchor: start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str
    size: float
    role: Role


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart laid out."""

    width: float
    height: float
    shapes: tuple[Box | Path | Label, ...]


def height_of(chart: Chart, columns_height: float) -> float:
    """The height that a chart takes: lying bars need a row each, columns what they are given."""
    return len(chart.values) * _ROW + 2 if chart.kind is ChartKind.BARS else columns_height


def lay_out(chart: Chart, figures: Figures, width: float, height: float, measure: Measure, cut: Cut) -> Picture:
    """The chart's shapes in a box of that size."""
    if chart.kind is ChartKind.BARS:
        return _bars(chart, figures, width, measure, cut)
    return _columns(chart, figures, width, height, measure, _LABEL)


def role_of(chart: Chart, n: int) -> Role:
    """What the n-th column of a chart is there for."""
    if n in chart.expected:
        return Role.EXPECTED
    if chart.values[n] < 0:
        return Role.NEGATIVE
    if not chart.strong or n in chart.strong:
        return Role.STRONG
    return Role.ALIKE if n in chart.alike else Role.PALE


def heights(chart: Chart) -> list[float]:
    """Everything that the scale of a chart's columns must hold."""
    return [*chart.values, *(mark for mark in chart.marks if mark is not None)]


def nice_ticks(low: float, high: float, count: int = _TICKS) -> tuple[float, ...]:
    """Round marks from at most `low` to at least `high`, with 0 among them: steps of 1, 2, 2.5 or 5 times a power of ten."""
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        return (0.0,)
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(n * step for n in range(first, last + 1))


def _columns(chart: Chart, figures: Figures, width: float, height: float, measure: Measure, size: float) -> Picture:
    values = chart.values
    ticks = nice_ticks(min(heights(chart), default=0.0), max(heights(chart), default=0.0))
    marks = [figures.axis(chart.value_kind, tick) for tick in ticks]
    left = max((measure(mark, size) for mark in marks), default=0.0) + 5
    top, bottom = size * 0.7, height - size * 1.7
    low, high = ticks[0], ticks[-1]

    def y_of(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - top) if high > low else bottom

    shapes: list[Box | Path | Label] = []
    for tick, mark in zip(ticks, marks, strict=True):
        y = y_of(tick)
        shapes.append(Path(((left, y), (width, y)), Role.AXIS if tick == 0 else Role.GRID))
        shapes.append(Label(left - 4, y + size * 0.36, mark, "end", size, Role.LABEL))
    slot = (width - left) / max(len(values), 1)
    thick = min(max(slot * 0.72, slot - 3), 26.0)
    zero = y_of(0.0)
    for n, value in enumerate(values):
        middle = left + slot * (n + 0.5)
        if value:
            role = role_of(chart, n)
            y = y_of(value)
            title = f"{chart.labels[n]}: {figures.show(chart.value_kind, round(value))}"
            tall = max(abs(y - zero), 0.6)
            shapes.append(Box(middle - thick / 2, min(y, zero), thick, tall, role, title))
    for n, usual in enumerate(chart.marks):
        if usual is not None:
            middle, y = left + slot * (n + 0.5), y_of(usual)
            shapes.append(Path(((middle - thick / 2 - 0.8, y), (middle + thick / 2 + 0.8, y)), Role.USUAL))
    shapes.extend(_axis_labels(chart, left, width, slot, height, measure, size))
    return Picture(width, height, tuple(shapes))


def _axis_labels(
    chart: Chart, left: float, width: float, slot: float, height: float, measure: Measure, size: float
) -> list[Box | Path | Label]:
    """Every n-th category under its column, counted from the last where only some are strong, so that the newest has its name; those that
    would stand on the one after them are left out."""
    count = len(chart.labels) - len(chart.expected)
    offset = (count - 1) % chart.label_every if chart.strong else 0
    labels: list[Box | Path | Label] = []
    free = width
    for n in reversed(range(offset, count, chart.label_every)):
        text = chart.labels[n]
        half, middle = measure(text, size) / 2, left + slot * (n + 0.5)
        x = min(max(middle, left + half), width - half) if width - left > 2 * half else middle
        if labels and x + half > free:
            continue
        free = x - half - 2
        labels.insert(0, Label(x, height - 2, text, "middle", size, Role.LABEL))
    return labels


def _bars(chart: Chart, figures: Figures, width: float, measure: Measure, cut: Cut) -> Picture:
    """Name, bar from a common zero line, value behind the longest bar's end."""
    texts = [figures.show(chart.value_kind, round(value)) for value in chart.values]
    values_room = max((measure(text, _TEXT) for text in texts), default=0.0) + 6
    names_room = min(max((measure(name, _TEXT) for name in chart.labels), default=0.0) + 2, width * 0.42)
    low, high = min([0.0, *chart.values]), max([0.0, *chart.values])
    left = names_room + 6
    scale = (width - left - values_room) / (high - low) if high > low else 0.0
    zero = left - low * scale
    shapes: list[Box | Path | Label] = []
    for n, (name, value, text) in enumerate(zip(chart.labels, chart.values, texts, strict=True)):
        y = n * _ROW + 2
        baseline = y + _ROW * 0.62
        shapes.append(Label(0, baseline, cut(name, _TEXT, names_room), "start", _TEXT, Role.TEXT))
        long = abs(value) * scale
        if value:
            role = Role.NEGATIVE if value < 0 else Role.STRONG
            x = zero if value > 0 else zero - long
            shapes.append(Box(x, y + 2, max(long, 0.8), _ROW - 6, role, f"{name}: {text}"))
        end = zero + long if value > 0 else zero
        shapes.append(Label(end + 4, baseline, text, "start", _TEXT, Role.TEXT))
    if shapes:
        shapes.append(Path(((zero, 1), (zero, len(chart.values) * _ROW + 1)), Role.AXIS))
    return Picture(width, len(chart.values) * _ROW + 2, tuple(shapes))
