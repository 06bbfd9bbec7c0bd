"""The report as an Excel workbook: real numbers and dates, native charts, filters, print set-up. No text becomes a formula.

Sheets: Summary (headline, key figures, the statement with its formulas, charts), Days, Products, Hours, Returns, Unusual, Forecast, Stock,
Order, Lines, Notes; those that the report has.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import Any, Final

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from salesflow.analytics.results import StockStatus
from salesflow.analytics.statement import Ware
from salesflow.figures import Kind, printable
from salesflow.language import Words
from salesflow.reports.content.document import Chart, Document, Kpi, Table, Tone
from salesflow.reports.content.palette import BLUE, INK, ORANGE, PALE_ORANGE, QUIET, RULE
from salesflow.reports.content.stock import status_words
from salesflow.reports.excel.books import Books
from salesflow.reports.excel.cells import BOLD_WIDER, LONGEST_CELL, Cells, columns_of, heading_width
from salesflow.reports.excel.charts import ROWS, SIZE, Place, native_charts, place_of
from salesflow.windows import WEEKLY_DAYS

_MANY_ROWS, _MEASURED_ROWS = 20_000, 500
_PAPERS: Final = {"A4": 9, "LETTER": 1}
_UPRIGHT_COLUMNS, _HEADLINE_COLUMNS, _HEADLINE_LEADING = 115, 92, 16.5
_FIGURE_COLUMN, _VALUE_COLUMN, _EARLIER_COLUMNS = 27, 21, 17
_FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\']")
_LONGEST_SHEET_NAME: Final = 31
_ALONE: Final = ("hours", "weekdays")
_LINE, _NARROW_TEXT = 15, 40
"""The height of a line of wrapped text in points, and how many characters surely stand on it."""


def render_excel(document: Document, *, paper: str = "A4") -> bytes:
    """The document as the bytes of an .xlsx file; the same bytes for the same document.

    Raises ValueError for a paper that is neither A4 nor Letter.
    """
    if paper.upper() not in _PAPERS:
        raise ValueError(f"Paper {paper!r} is not known; use one of A4, Letter.")
    buffer = io.BytesIO()
    lines = document.content.sale_lines
    large = any(len(table.rows) > _MANY_ROWS for table in document.sheets) or (
        lines is not None and len(lines) > _MANY_ROWS
    )
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


def sheet_names(_: Words) -> dict[str, str]:
    """What each sheet is called."""
    names = {
        "overview": _("Summary"),
        "daily": _("Days"),
        "products": _("Products"),
        "orders": _("Order"),
        "lines": _("Lines"),
        "hours": _("Hours"),
        "returns": _("Returns"),
        "anomalies": _("Unusual"),
        "forecast": _("Forecast"),
        "stock": _("Stock"),
        "vanished": _("Missing"),
        "notes": _("Notes"),
    }
    return {key: _FORBIDDEN.sub(" ", name)[:_LONGEST_SHEET_NAME] for key, name in names.items()}


class _Writer:
    """Writes one workbook."""

    def __init__(self, book: Any, document: Document, paper: int) -> None:
        self._book, self._document, self._paper = book, document, paper
        self._figures = document.figures
        self._names = sheet_names(document.figures.words)
        self._cells = Cells(book, document.figures)
        self._books = Books(self._cells, document.figures, self._names)

    def write(self) -> None:
        """Every sheet that the report has, in order."""
        document = self._document
        self._book.set_properties(
            {
                "title": document.full_title,
                "subject": printable(document.headline),
                "author": document.shop or "SalesFlow Automation",
                "created": datetime.combine(document.business_date, time()),
            }
        )
        overview = self._sheet(self._names["overview"])
        for table in document.sheets:
            if table.key == "hours":
                self._hours_sheet(table, document.sheet("weekdays"))
            elif table.key in self._names and table.key not in _ALONE:
                self._table_sheet(table)
        content = document.content
        if content.orders is not None:
            self._books.orders(self._sheet(self._names["orders"], landscape=True), content.orders)
        lines = content.sale_lines
        if lines is not None:
            statement = content.statement
            wares = {} if statement is None else {p.sku: Ware(p.unit_cost, p.category) for p in statement.products}
            self._books.lines(self._sheet(self._names["lines"], landscape=True), lines, wares)
        self._overview(overview)
        self._notes(self._sheet(self._names["notes"]))
        overview.activate()

    def _sheet(self, name: str, *, landscape: bool = False) -> Worksheet:
        sheet = self._book.add_worksheet(name)
        sheet.set_paper(self._paper)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.75, bottom=0.7)
        title, shown = (text.replace("&", "&&") for text in (self._document.full_title, name))
        sheet.set_header(f"&L&8{shown}&R&8{title}")
        sheet.set_footer(f"&L&8{self._document.made_by}&R&8&P / &N")
        sheet.hide_gridlines(2)
        if landscape:
            sheet.set_landscape()
        return sheet

    def _heading(self, sheet: Worksheet, row: int, column: int, label: str, kind: Kind) -> None:
        align = "left" if kind.is_text else "right"
        indent = self._cells.beside(kind, column)
        style = self._cells.format(bold=True, bottom=1, bottom_color=QUIET, align=align, font_color=QUIET, **indent)
        sheet.write_string(row, column, label, style)

    def _table(self, sheet: Worksheet, table: Table) -> None:
        """Header, rows and totals from the first cell on."""
        kinds = [part.kind for part in table.columns]
        for n, part in enumerate(table.columns):
            self._heading(sheet, 0, n, part.label, part.kind)
        whole = {"text_wrap": True, "valign": "top"} if table.key == "anomalies" else {}
        writers = [self._cells.writer(sheet, n, kind, **whole) for n, kind in enumerate(kinds)]
        row = 0
        for values in table.rows:
            row += 1
            if whole:  # not every program makes a row as high as its text
                sheet.set_row(row, _LINE * (1 + columns_of(printable(str(values[0]))) // _NARROW_TEXT))
            for write, value in zip(writers, values, strict=True):
                write(row, value)
        if not table.rows and table.lead:
            row += 1
            sheet.write_string(row, 0, table.lead, self._cells.format(font_color=QUIET))
        for values in table.totals:
            row += 1
            for n, value in enumerate(values):
                self._cells.put(sheet, row, n, kinds[n], value, bold=True, top=1, top_color=RULE)

    def _table_sheet(self, table: Table) -> None:
        widths = [
            self._cells.wide(
                part.kind,
                [row[n] for row in (*table.totals, *table.rows) if not isinstance(row[n], str) or part.kind.is_text],
                columns_of(part.label) + 4,  # with the filter's button
            )
            for n, part in enumerate(table.columns)
        ]
        sheet = self._sheet(self._names[table.key], landscape=sum(widths) > _UPRIGHT_COLUMNS)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        for n, wide in enumerate(widths):
            sheet.set_column(n, n, wide)
        if table.rows:
            sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
        if table.key == "stock":
            self._colour_stock(sheet, table)
        self._table(sheet, table)

    def _colour_stock(self, sheet: Worksheet, table: Table) -> None:
        _, words = self._figures.words, status_words(self._figures)
        styles: dict[str, dict[str, Any]] = {
            words[StockStatus.OUT_OF_STOCK]: {"bg_color": ORANGE, "font_color": "#FFFFFF", "bold": True},
            words[StockStatus.LOW_STOCK]: {"bg_color": PALE_ORANGE, "font_color": ORANGE},
            words[StockStatus.DEAD_STOCK]: {"bg_color": "#E6E9ED", "font_color": INK},
        }
        self._colour(sheet, table, "status", styles)
        self._colour(sheet, table, "urgent", {_("yes"): {"font_color": ORANGE, "bold": True}})

    def _colour(self, sheet: Worksheet, table: Table, key: str, styles: dict[str, dict[str, Any]]) -> None:
        """Colours the cells of a column that hold one of those texts."""
        column = next(n for n, part in enumerate(table.columns) if part.key == key)
        for text, style in styles.items():
            value = '"' + text.replace('"', '""') + '"'
            rule = {"type": "cell", "criteria": "==", "value": value, "format": self._cells.format(**style)}
            sheet.conditional_format(1, column, max(len(table.rows), 1), column, rule)

    def _hours_sheet(self, hours: Table, weekdays: Table | None) -> None:
        """Hours on the left, weekdays beside them; written row by row."""
        sheet = self._sheet(self._names["hours"])
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        tables = [(hours, 0)] + ([(weekdays, len(hours.columns) + 1)] if weekdays else [])
        for table, column in tables:
            for n, part in enumerate(table.columns):
                wide = self._cells.wide(part.kind, [row[n] for row in table.rows], max(16, heading_width(part.label)))
                sheet.set_column(column + n, column + n, wide)
                self._heading(sheet, 0, column + n, part.label, part.kind)
        for row in range(max(len(table.rows) for table, _ in tables)):
            for table, column in tables:
                if row < len(table.rows):
                    for n, part in enumerate(table.columns):
                        self._cells.put(sheet, row + 1, column + n, part.kind, table.rows[row][n])

    def _overview(self, sheet: Worksheet) -> None:
        document, _ = self._document, self._figures.words
        last = 5
        kpis = document.kpis + document.more_kpis
        widest = max(columns_of(kpi.text) for kpi in kpis) * BOLD_WIDER + 2
        said = (*(kpi.label for kpi in kpis), _("How the money adds up"), _("Days add up to the sales"))
        sheet.set_column(0, 0, max(_FIGURE_COLUMN, *map(heading_width, said)))
        sheet.set_column(1, 1, max(_VALUE_COLUMN, widest))
        widest = max([columns_of(change.before) for kpi in kpis for change in kpi.changes], default=0) + 2
        sheet.set_column(2, last, max(_EARLIER_COLUMNS, widest))
        headline = printable(document.headline)
        title = self._cells.format(bold=True, font_size=16, font_color=INK)
        sheet.merge_range(0, 0, 0, last, printable(document.shop) or document.title, title)
        sheet.merge_range(1, 0, 1, last, document.window_text, self._cells.format(font_color=QUIET))
        sheet.set_row(2, (1 + columns_of(headline) // _HEADLINE_COLUMNS) * _HEADLINE_LEADING + 10)
        style = self._cells.format(bold=True, font_size=12, text_wrap=True, valign="top")
        sheet.merge_range(2, 0, 2, last, headline, style)
        row = 4
        sheet.set_row(row, 32)
        earlier = list(dict.fromkeys(change.column or change.against for kpi in kpis for change in kpi.changes))[:2]
        labels, named = [_("Figure"), _("Value")], {change.column for kpi in kpis for change in kpi.changes}
        for against in earlier:
            labels += [_("Change"), against] if against in named else [against, _("Before")]
        for n, label in enumerate(labels):
            align = "left" if n == 0 else "right"
            header = self._cells.format(
                bold=True, bottom=1, bottom_color=QUIET, align=align, font_color=QUIET, text_wrap=True
            )
            sheet.write_string(row, n, label, header)
        for kpi in kpis:
            row += 1
            self._kpi_row(sheet, row, kpi, earlier)
        row += 2
        content, products = document.content, document.sheet("products")
        if content.statement is not None and content.sales is not None and products is not None:
            lines = 0 if content.sale_lines is None else len(content.sale_lines)
            row = self._books.statement(sheet, row, content.statement, content.sales, products, lines) + 1
        places = self._places()
        row = self._loose_charts(sheet, row, places)
        for n, (chart, alt) in enumerate(native_charts(self._book, document, places)):
            place = {"description": alt, "x_offset": (n % 2) * SIZE[0]}
            sheet.insert_chart(row + n // 2 * ROWS, 0, chart, place)

    def _kpi_row(self, sheet: Worksheet, row: int, kpi: Kpi, earlier: Sequence[str]) -> None:
        rule = {"bottom": 1, "bottom_color": RULE}
        cells = self._cells
        cells.put(sheet, row, 0, Kind.NAME, kpi.label, **rule)
        colour = {"font_color": ORANGE} if kpi.tone is Tone.BAD else {}
        if kpi.value is None:
            sheet.write_string(row, 1, kpi.text, cells.format(align="right", **rule))
        else:
            cells.put(sheet, row, 1, kpi.kind, kpi.value, bold=True, **colour, **rule)
        for n, against in enumerate(earlier):
            change = next((change for change in kpi.changes if (change.column or change.against) == against), None)
            column = 2 + 2 * n
            if change is None:
                sheet.write_blank(row, column, None, cells.format(**rule))
                sheet.write_blank(row, column + 1, None, cells.format(**rule))
                continue
            tone = {Tone.GOOD: {"font_color": BLUE}, Tone.BAD: {"font_color": ORANGE}}.get(change.tone, {})
            if change.fraction is None:
                sheet.write_string(row, column, change.text, cells.format(align="right", **tone, **rule))
            else:
                cells.put(sheet, row, column, Kind.CHANGE, change.fraction, **tone, **rule)
            cells.put(sheet, row, column + 1, kpi.kind, change.before_value, font_color=QUIET, **rule)

    def _places(self) -> dict[str, Place]:
        """The cells of the charts that other sheets hold, by the chart's key."""
        document, names = self._document, self._names
        daily, hours = document.sheet("daily"), document.sheet("hours")
        weekdays = document.sheet("weekdays")
        places = {}
        trend = next((chart for chart in document.charts if chart.key == "trend"), None)
        if daily is not None and trend is not None and len(daily.rows) > 1:
            whole = place_of(names["daily"], daily, "day", "revenue", len(daily.rows))
            shown = len(trend.values) - len(trend.expected)
            places["trend"] = replace(whole, first=whole.last - shown + 1)
        if hours is not None:
            places["hours"] = place_of(names["hours"], hours, "hour", "revenue", len(hours.rows))
            if weekdays is not None and document.window.days <= WEEKLY_DAYS:  # of a longer one the sheet has the sums
                beside = len(hours.columns) + 1
                places["weekdays"] = place_of(names["hours"], weekdays, "weekday", "revenue", 7, column=beside)
        return places

    def _loose_charts(self, sheet: Worksheet, row: int, places: dict[str, Place]) -> int:
        """The figures of charts that no other sheet holds, side by side; gives the row after them."""
        loose = [
            chart for chart in self._document.charts if chart.key not in places and len(chart.values) < _MEASURED_ROWS
        ]
        loose = [chart for chart in loose if chart.key not in ("trend", "hours")]
        if not loose:
            return row
        self._chart_cells(sheet, row, loose)
        for n, chart in enumerate(loose):
            last = row + len(chart.values) - len(chart.expected)
            places[chart.key] = Place(self._names["overview"], row + 1, last, 2 * n, 2 * n + 1)
        return row + max(len(chart.values) for chart in loose) + 2

    def _chart_cells(self, sheet: Worksheet, row: int, charts: Sequence[Chart]) -> None:
        """Titles, labels and values, row by row: in a large workbook a row is closed where one below it begins."""
        rule = {"bottom": 1, "bottom_color": RULE}
        for n, chart in enumerate(charts):
            sheet.write_string(row, 2 * n, chart.title, self._cells.format(bold=True, indent=int(n > 0)))
        known = [len(chart.values) - len(chart.expected) for chart in charts]  # what is to come has a sheet of its own
        for at in range(max(known)):
            for n, chart in enumerate(charts):
                if at < known[n]:
                    name = {"shrink": True, "indent": int(n > 0), **rule}
                    self._cells.put(sheet, row + 1 + at, 2 * n, Kind.NAME, chart.labels[at], **name)
                    self._cells.put(sheet, row + 1 + at, 2 * n + 1, chart.value_kind, round(chart.values[at]), **rule)

    def _notes(self, sheet: Worksheet) -> None:
        document, _ = self._document, self._figures.words
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 92)
        heading = self._cells.format(bold=True, font_size=12, bottom=1, bottom_color=QUIET)
        label, text = self._cells.format(valign="top"), self._cells.format(text_wrap=True, valign="top")
        meant = [(kpi.label, kpi.definition) for kpi in document.kpis + document.more_kpis]
        if document.content.statement is not None:
            said = _("A: the products that bring the first 80% of sales. B: those up to 95%. C: the others.")
            meant.append((_("Class"), said))
        if document.content.orders is not None:
            meant.append(
                (_("Order"), _("At least and at most: 80 of 100 times the demand lies between what they cover."))
            )
        blocks = (
            (_("What the figures mean"), meant),
            (_("About these figures"), list(document.small_print)),
            (_("Notes"), [("", note) for note in document.notes]),
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
                sheet.write_string(row, 1, printable(sentence)[:LONGEST_CELL], text)
            row += 2
