"""Native charts of a workbook, drawn from the cells of its sheets, in the colours of the other formats."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from salesflow.figures import Kind
from salesflow.reports.content.charts import Role
from salesflow.reports.content.document import Chart, ChartKind, Document, Table
from salesflow.reports.content.palette import BLUE, INK, LIGHT, ORANGE, QUIET, RULE
from salesflow.reports.excel.cells import money_format

ROWS: Final = 13
"""How many rows of a sheet a chart covers."""

_DATES_ON_AXIS: Final = 6
SIZE: Final = (412, 250)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cells of a series are: sheet, first and last row, columns of the categories and the values."""

    sheet: str
    first: int
    last: int
    labels: int
    values: int

    @property
    def categories(self) -> list[Any]:
        """The cells of the categories, as XlsxWriter takes them."""
        return [self.sheet, self.first, self.labels, self.last, self.labels]

    @property
    def numbers(self) -> list[Any]:
        """The cells of the values."""
        return [self.sheet, self.first, self.values, self.last, self.values]


def native_charts(book: Any, document: Document, places: dict[str, Place]) -> Iterator[tuple[Any, str]]:
    """The document's charts whose cells are known, in its order, each with its words for who cannot see it.

    places: by key of the chart.
    """
    for chart in document.charts:
        place = places.get(chart.key)
        if place is None:
            continue
        drawn = _bars(book, document, chart, place) if chart.kind is ChartKind.BARS else None
        yield drawn or _columns(book, chart, place), chart.alt


def place_of(sheet: str, table: Table, labels: str, values: str, rows: int, *, column: int = 0) -> Place:
    """The first rows of a table that begins in that column under its header."""
    keys = [part.key for part in table.columns]
    return Place(sheet, 1, rows, column + keys.index(labels), column + keys.index(values))


def _bars(book: Any, document: Document, chart: Chart, place: Place) -> Any:
    drawn = book.add_chart({"type": "bar"})
    number = money_format(document.figures) if chart.value_kind is Kind.MONEY else "#,##0"
    below_nothing = any(value < 0 for value in chart.values)
    series: dict[str, Any] = {**_series(chart, place), "gap": 45}
    if not below_nothing:  # else they would stand on the names
        series["data_labels"] = {"value": True, "num_format": number, "font": {"color": INK, "size": 9}}
    drawn.add_series(series)
    _dress(drawn, chart.title)
    drawn.set_y_axis({"reverse": True, "line": {"color": QUIET}, "num_font": {"color": INK}, "label_position": "low"})
    drawn.set_x_axis(
        {"visible": False, "major_gridlines": {"visible": False}} if not below_nothing else _values(number)
    )
    return drawn


def _columns(book: Any, chart: Chart, place: Place) -> Any:
    drawn = book.add_chart({"type": "column"})
    series: dict[str, Any] = {**_series(chart, place), "gap": 40}
    drawn.add_series(series)
    _dress(drawn, chart.title)
    axis: dict[str, Any] = {"line": {"color": QUIET}, "num_font": {"color": QUIET, "size": 9}, "label_position": "low"}
    if chart.key == "trend":
        days = max(1, len(chart.values) // _DATES_ON_AXIS)
        axis |= {"date_axis": True, "num_format": "d mmm", "major_unit": days, "major_unit_type": "days"}
    elif chart.key == "hours":
        axis |= {"num_format": "hh:mm", "interval_unit": chart.label_every}
    drawn.set_x_axis(axis)
    drawn.set_y_axis(_values("#,##0"))
    return drawn


def _series(chart: Chart, place: Place) -> dict[str, Any]:
    """The cells, and a colour for each bar that has not the usual one: pale for the days before, orange below nothing."""
    usual, pale, negative = None, {"fill": {"color": LIGHT[Role.PALE]}}, {"fill": {"color": ORANGE}}
    points = [
        negative if value < 0 else pale if chart.strong and n not in chart.strong else usual
        for n, value in enumerate(chart.values[: len(chart.values) - len(chart.expected)])
    ]
    series = {"name": chart.title, "categories": place.categories, "values": place.numbers, "fill": {"color": BLUE}}
    return series | ({"points": points} if any(points) else {})


def _values(number: str) -> dict[str, Any]:
    """The axis of the values."""
    return {
        "num_format": number,
        "major_gridlines": {"visible": True, "line": {"color": RULE, "width": 0.5}},
        "line": {"none": True},
        "num_font": {"color": QUIET, "size": 9},
    }


def _dress(drawn: Any, title: str) -> None:
    drawn.set_title({"name": title, "name_font": {"size": 11, "bold": True, "color": INK}, "overlay": False})
    drawn.set_legend({"none": True})
    drawn.set_size({"width": SIZE[0], "height": SIZE[1]})
    drawn.set_chartarea({"border": {"none": True}, "fill": {"color": "#FFFFFF"}})
