"""The report as an Excel workbook: real numbers and dates, native charts, filters, print set-up. No text becomes a formula.

Sheets: Overview (headline, key figures, charts), Daily, Products, Hours, Returns, Stock, Notes; those that the report has.
"""

import io
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Any, Final

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from salesflow.reports.document import Chart, Document, Kpi, Table, Tone
from salesflow.reports.figures import Figures, Kind, printable
from salesflow.reports.palette import BLUE, INK, ORANGE, PALE_ORANGE, QUIET, RULE

_LONGEST_CELL: Final = 32_000
_MANY_ROWS: Final = 20_000
_MEASURED_ROWS: Final = 500
_WIDEST: Final = 46
_PAPERS: Final = {"A4": 9, "LETTER": 1}
_TOP: Final = 5
_SHEET_NAMES: Final = {
    "daily": "Daily",
    "products": "Products",
    "forecast": "Forecast",
    "returns": "Returns",
    "stock": "Stock",
}
_CHART_SIZE: Final = (412, 250)
_CHART_ROWS: Final = 13


def render_excel(document: Document, *, paper: str = "A4") -> bytes:
    """The document as the bytes of an .xlsx file; the same bytes for the same document.

    Raises ValueError for a paper that is neither A4 nor Letter.
    """
    if paper.upper() not in _PAPERS:
        raise ValueError(f"Paper {paper!r} is not known; use one of A4, Letter.")
    buffer = io.BytesIO()
    large = any(len(table.rows) > _MANY_ROWS for table in document.sheets)
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "constant_memory": large,
        "in_memory": not large,
        "default_format_properties": {"font_name": "Calibri", "font_size": 11},
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        _Writer(book, document, _PAPERS[paper.upper()]).write()
    return buffer.getvalue()


class _Writer:
    """Writes one workbook."""

    def __init__(self, book: Any, document: Document, paper: int) -> None:
        self._book, self._document, self._paper = book, document, paper
        self._figures = document.figures
        self._formats: dict[tuple[Any, ...], Any] = {}

    def write(self) -> None:
        """Every sheet that the report has, in order."""
        document = self._document
        self._book.set_properties(
            {
                "title": document.full_title,
                "subject": printable(document.headline),
                "author": "SalesFlow Automation",
                "created": datetime.combine(document.business_date, time()),
            }
        )
        overview = self._sheet("Overview", landscape=False)
        for table in document.sheets:
            if table.key in _SHEET_NAMES:
                self._table_sheet(_SHEET_NAMES[table.key], table)
            elif table.key == "hours":
                self._hours_sheet(table, document.sheet("weekdays"))
        self._overview(overview)
        self._notes(self._sheet("Notes", landscape=False))
        overview.activate()

    def _format(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(properties)
        return self._formats[key]

    def _cell_format(self, kind: Kind, **extra: Any) -> Any:
        formats = {
            Kind.MONEY: _money_format(self._figures),
            Kind.COUNT: "#,##0",
            Kind.SHARE: "0.0%",
            Kind.CHANGE: "+0.0%;-0.0%;0.0%",
            Kind.DECIMAL: "#,##0.0",
            Kind.DAY: "yyyy-mm-dd",
        }
        properties: dict[str, Any] = {"num_format": formats[kind]} if kind in formats else {}
        if kind is Kind.DAY:
            properties["align"] = "left"
        if kind in (Kind.TEXT, Kind.WEEKDAY, Kind.DAY):
            properties["indent"] = 1
        return self._format(**properties, **extra)

    def _sheet(self, name: str, *, landscape: bool = True) -> Worksheet:
        sheet = self._book.add_worksheet(name)
        sheet.set_paper(self._paper)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        title = self._document.full_title.replace("&", "&&")
        sheet.set_footer(f"&L&8{title}&R&8&P / &N")
        sheet.hide_gridlines(2)
        if landscape:
            sheet.set_landscape()
        return sheet

    def _put(self, sheet: Worksheet, row: int, column: int, kind: Kind, value: Any, **extra: Any) -> None:
        """One value as what it is: a number, a date or a text, never a formula."""
        style = self._cell_format(kind, **extra)
        if value is None or value == "":
            sheet.write_blank(row, column, None, style)
            return
        match kind:
            case Kind.MONEY if not isinstance(value, str):
                sheet.write_number(row, column, float(self._figures.currency.to_major(value)), style)
            case Kind.COUNT | Kind.SHARE | Kind.CHANGE | Kind.DECIMAL if not isinstance(value, str):
                sheet.write_number(row, column, value, style)
            case Kind.DAY if not isinstance(value, str):
                sheet.write_datetime(row, column, datetime.combine(value, time()), style)
            case Kind.WEEKDAY | Kind.HOUR:
                text = value if isinstance(value, str) else self._figures.show(kind, value)
                sheet.write_string(row, column, text, style)
            case _:
                sheet.write_string(row, column, printable(str(value))[:_LONGEST_CELL], style)

    def _writer(self, sheet: Worksheet, column: int, kind: Kind) -> Callable[[int, Any], object]:
        """`_put` for one column of very many rows: what does not change from row to row is looked up once."""
        style = self._cell_format(kind)
        scale = 10**self._figures.currency.digits if kind is Kind.MONEY else 1

        def write_number(row: int, value: Any) -> object:
            return sheet.write_number(row, column, value / scale, style) if value is not None else None

        def write_text(row: int, value: Any) -> object:
            return sheet.write_string(row, column, printable(value)[:_LONGEST_CELL], style) if value else None

        if kind in (Kind.MONEY, Kind.COUNT, Kind.SHARE, Kind.CHANGE, Kind.DECIMAL):
            return write_number
        if kind in (Kind.NAME, Kind.TEXT):
            return write_text
        return lambda row, value: self._put(sheet, row, column, kind, value)

    def _table(self, sheet: Worksheet, table: Table, row: int, column: int = 0) -> int:
        """Header, rows and totals from that cell on; gives the row after the last."""
        for n, part in enumerate(table.columns):
            align = "left" if part.kind.is_text else "right"
            indent = {"indent": 1} if part.kind in (Kind.TEXT, Kind.WEEKDAY, Kind.DAY) else {}
            style = self._format(bold=True, bottom=1, bottom_color=QUIET, align=align, font_color=QUIET, **indent)
            sheet.write_string(row, column + n, part.label, style)
        kinds = [part.kind for part in table.columns]
        writers = [self._writer(sheet, column + n, kind) for n, kind in enumerate(kinds)]
        for values in table.rows:
            row += 1
            for write, value in zip(writers, values, strict=True):
                write(row, value)
        for values in table.totals:
            row += 1
            for n, value in enumerate(values):
                self._put(sheet, row, column + n, kinds[n], value, bold=True, top=1, top_color=RULE)
        return row + 1

    def _table_sheet(self, name: str, table: Table) -> None:
        sheet = self._sheet(name)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        for n, part in enumerate(table.columns):
            sheet.set_column(n, n, self._wide(part.label, [row[n] for row in table.rows[:_MEASURED_ROWS]], part.kind))
        if table.rows:
            sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
        if name == "Stock":
            self._colour_stock(sheet, table)
        self._table(sheet, table, 0)

    def _wide(self, label: str, values: Sequence[Any], kind: Kind) -> float:
        """A width that shows the label with its filter button and nearly every value."""
        texts = (self._figures.show(kind, value) for value in values if value not in (None, ""))
        return min(max([_columns_of(label) + 4, *(_columns_of(text) + 2 for text in texts)]), _WIDEST)

    def _colour_stock(self, sheet: Worksheet, table: Table) -> None:
        rows = max(len(table.rows), 1)
        column = next(n for n, part in enumerate(table.columns) if part.key == "status")
        for text, style in (
            ("Out of stock", {"bg_color": ORANGE, "font_color": "#FFFFFF", "bold": True}),
            ("Low stock", {"bg_color": PALE_ORANGE, "font_color": ORANGE}),
            ("Dead stock", {"bg_color": "#E6E9ED", "font_color": INK}),
        ):
            rule = {"type": "cell", "criteria": "==", "value": f'"{text}"', "format": self._format(**style)}
            sheet.conditional_format(1, column, rows, column, rule)
        coverage = next(n for n, part in enumerate(table.columns) if part.key == "urgent")
        rule = {
            "type": "cell",
            "criteria": "==",
            "value": '"yes"',
            "format": self._format(font_color=ORANGE, bold=True),
        }
        sheet.conditional_format(1, coverage, rows, coverage, rule)

    def _hours_sheet(self, hours: Table, weekdays: Table | None) -> None:
        """Hours on the left, weekdays beside them; written row by row."""
        sheet = self._sheet("Hours", landscape=False)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 6, 14)
        tables = [(hours, 0)] + ([(weekdays, 4)] if weekdays else [])
        for table, column in tables:
            for n, part in enumerate(table.columns):
                align = "left" if part.kind.is_text else "right"
                style = self._format(bold=True, bottom=1, bottom_color=QUIET, align=align, font_color=QUIET)
                sheet.write_string(0, column + n, part.label, style)
        for row in range(max(len(table.rows) for table, _ in tables)):
            for table, column in tables:
                if row < len(table.rows):
                    for n, part in enumerate(table.columns):
                        self._put(sheet, row + 1, column + n, part.kind, table.rows[row][n])

    def _overview(self, sheet: Worksheet) -> None:
        document = self._document
        sheet.set_column(0, 0, 27)
        sheet.set_column(1, 1, 21)
        sheet.set_column(2, 5, 17)
        sheet.merge_range(0, 0, 0, 5, document.title, self._format(bold=True, font_size=16, font_color=INK))
        sheet.merge_range(1, 0, 1, 5, document.window_text, self._format(font_color=QUIET))
        sheet.set_row(2, 48)
        style = self._format(bold=True, font_size=12, text_wrap=True, valign="top")
        sheet.merge_range(2, 0, 2, 5, printable(document.headline), style)
        row = 4
        sheet.set_row(row, 32)
        labels = ["Figure", "Value"]
        earlier = list(dict.fromkeys(c.against for kpi in document.kpis + document.more_kpis for c in kpi.changes))
        labels += [text for against in earlier for text in (f"Change {against}", against.removeprefix("vs "))][:4]
        for n, label in enumerate(labels):
            align = "left" if n == 0 else "right"
            header = self._format(
                bold=True, bottom=1, bottom_color=QUIET, align=align, font_color=QUIET, text_wrap=True
            )
            sheet.write_string(row, n, label, header)
        for kpi in document.kpis + document.more_kpis:
            row += 1
            self._kpi_row(sheet, row, kpi, earlier[:2])
        row += 2
        row = self._status_rows(sheet, row)
        self._charts(sheet, row)

    def _kpi_row(self, sheet: Worksheet, row: int, kpi: Kpi, earlier: Sequence[str]) -> None:
        rule = {"bottom": 1, "bottom_color": RULE}
        self._put(sheet, row, 0, Kind.NAME, kpi.label, **rule)
        colour = {"font_color": ORANGE} if kpi.tone is Tone.BAD else {}
        if kpi.value is None:
            sheet.write_string(row, 1, kpi.text, self._format(align="right", **rule))
        else:
            self._put(sheet, row, 1, kpi.kind, kpi.value, bold=True, **colour, **rule)
        for n, against in enumerate(earlier):
            change = next((change for change in kpi.changes if change.against == against), None)
            column = 2 + 2 * n
            if change is None:
                sheet.write_blank(row, column, None, self._format(**rule))
                sheet.write_blank(row, column + 1, None, self._format(**rule))
                continue
            tone = {Tone.GOOD: {"font_color": BLUE}, Tone.BAD: {"font_color": ORANGE}}.get(change.tone, {})
            if change.fraction is None:
                sheet.write_string(row, column, change.text, self._format(align="right", **tone, **rule))
            else:
                self._put(sheet, row, column, Kind.CHANGE, change.fraction, **tone, **rule)
            self._put(sheet, row, column + 1, kpi.kind, change.before_value, font_color=QUIET, **rule)

    def _status_rows(self, sheet: Worksheet, row: int) -> int:
        """The figures of the status chart, which no other sheet holds."""
        chart = next((chart for chart in self._document.charts if chart.key == "status"), None)
        if chart is None:
            return row
        sheet.write_string(row, 0, chart.title, self._format(bold=True))
        for n, (label, value) in enumerate(zip(chart.labels, chart.values, strict=True), start=1):
            self._put(sheet, row + n, 0, Kind.NAME, label)
            self._put(sheet, row + n, 1, Kind.COUNT, int(value))
        last = row + len(chart.values)
        return last + 2

    def _status_chart(self, chart: Chart, last: int) -> Any:
        """The status chart over the cells that end in row `last`."""
        drawn = self._book.add_chart({"type": "bar"})
        series = {
            "name": chart.title,
            "categories": ["Overview", last - len(chart.values) + 1, 0, last, 0],
            "values": ["Overview", last - len(chart.values) + 1, 1, last, 1],
            "fill": {"color": BLUE},
            "gap": 45,
            "data_labels": {"value": True},
        }
        drawn.add_series(series)
        self._dress(drawn, chart.title)
        drawn.set_y_axis({"reverse": True, "line": {"color": QUIET}, "num_font": {"color": INK}})
        drawn.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
        return drawn

    def _charts(self, sheet: Worksheet, row: int) -> None:
        """Native charts of the sheets' own cells."""
        document = self._document
        daily, products, hours = document.sheet("daily"), document.sheet("products"), document.sheet("hours")
        weekdays = document.sheet("weekdays")
        money = _money_format(self._figures)
        drawn: list[tuple[Any, str]] = []
        alts = {chart.key: chart.alt for chart in document.charts}
        if daily is not None and len(daily.rows) > 1:
            drawn.append(
                (self._column_chart("Revenue by day", "Daily", 0, 2, len(daily.rows), money, dates=True), "trend")
            )
        if hours is not None:
            drawn.append((self._column_chart("Revenue by hour", "Hours", 0, 1, 24, money), "hours"))
        if weekdays is not None and document.period != "daily":
            drawn.append((self._column_chart("Revenue by weekday", "Hours", 4, 5, 7, money), "weekdays"))
        if products is not None and products.rows:
            top = min(_TOP, len(products.rows))
            chart = self._book.add_chart({"type": "bar"})
            series = {
                "name": "Revenue",
                "categories": ["Products", 1, 0, top, 0],
                "values": ["Products", 1, 3, top, 3],
                "fill": {"color": BLUE},
                "gap": 45,
                "data_labels": {"value": True, "num_format": money},
            }
            chart.add_series(series)
            self._dress(chart, "Top products by revenue")
            chart.set_y_axis({"reverse": True, "line": {"color": QUIET}, "num_font": {"color": INK}})
            chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
            drawn.append((chart, "top_products"))
        status = next((chart for chart in document.charts if chart.key == "status"), None)
        if status is not None:
            drawn.append((self._status_chart(status, row - 2), "status"))
        for n, (chart, key) in enumerate(drawn):
            place = {"description": alts.get(key, ""), "x_offset": (n % 2) * _CHART_SIZE[0]}
            sheet.insert_chart(row + n // 2 * _CHART_ROWS, 0, chart, place)

    def _column_chart(  # where the cells lie
        self, title: str, sheet: str, labels: int, values: int, rows: int, money: str, *, dates: bool = False
    ) -> Any:
        chart = self._book.add_chart({"type": "column"})
        series = {
            "name": title,
            "categories": [sheet, 1, labels, rows, labels],
            "values": [sheet, 1, values, rows, values],
            "fill": {"color": BLUE},
            "invert_if_negative": True,
            "invert_if_negative_color": ORANGE,
            "gap": 40,
        }
        chart.add_series(series)
        self._dress(chart, title)
        axis: dict[str, Any] = {
            "line": {"color": QUIET},
            "num_font": {"color": QUIET, "size": 9},
            "label_position": "low",
        }
        if dates:
            axis |= {
                "date_axis": True,
                "num_format": "d mmm",
                "major_unit": max(1, rows // 6),
                "major_unit_type": "days",
            }
        chart.set_x_axis(axis)
        chart.set_y_axis(
            {
                "num_format": money.replace(".000", "").replace(".00", ""),
                "major_gridlines": {"visible": True, "line": {"color": RULE, "width": 0.5}},
                "line": {"none": True},
                "num_font": {"color": QUIET, "size": 9},
            }
        )
        return chart

    def _dress(self, chart: Any, title: str) -> None:
        chart.set_title({"name": title, "name_font": {"size": 11, "bold": True, "color": INK}, "overlay": False})
        chart.set_legend({"none": True})
        chart.set_size({"width": _CHART_SIZE[0], "height": _CHART_SIZE[1]})
        chart.set_chartarea({"border": {"none": True}, "fill": {"color": "#FFFFFF"}})

    def _notes(self, sheet: Worksheet) -> None:
        document = self._document
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 92)
        heading = self._format(bold=True, font_size=12, bottom=1, bottom_color=QUIET)
        label, text = self._format(valign="top"), self._format(text_wrap=True, valign="top")
        blocks = (
            ("What the figures mean", [(kpi.label, kpi.definition) for kpi in document.kpis + document.more_kpis]),
            ("Where they come from", list(document.small_print)),
            ("Notes", [("", note) for note in document.notes]),
        )
        row = 0
        for title, lines in blocks:
            if not lines:
                continue
            sheet.write_string(row, 0, title, heading)
            sheet.write_blank(row, 1, None, heading)
            for name, sentence in lines:
                row += 1
                sheet.write_string(row, 0, name, label)
                sheet.write_string(row, 1, printable(sentence)[:_LONGEST_CELL], text)
            row += 2


def _money_format(figures: Figures) -> str:
    """The number format of amounts: the currency's sign as text, and its digits."""
    digits = figures.currency.digits
    number = "#,##0" + (f".{'0' * digits}" if digits else "")
    sign = figures.currency_symbol.replace("]", "")
    return f"[${sign}]{number};-[${sign}]{number}"


def _columns_of(text: str) -> int:
    """How many characters wide a text is: East Asian signs take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
