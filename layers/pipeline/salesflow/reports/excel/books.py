"""What an accountant books from: the statement with its formulas, the order list that follows its days, every sale line.

Formulas name cells (A1) and come with their value: structured references fail in LibreOffice, and previews compute nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.merchant import MoneyStatement, OrderList
from salesflow.analytics.results import SalesAnalysis
from salesflow.analytics.statement import Ware
from salesflow.figures import Figures, Kind, printable
from salesflow.reports.content.document import Table
from salesflow.reports.content.money import statement_rows
from salesflow.reports.content.palette import ORANGE, PALE_ORANGE, QUIET, RULE
from salesflow.reports.content.sales_charts import days_known
from salesflow.reports.excel.cells import LONGEST_CELL, Cells, heading_width

LINE_COLUMNS: Final = (14, 8, 10, 14, 36, 18, 9, 12, 12, 12, 12)
_NUMBERED: Final = (2, 6, 7, 8, 9, 10)
"""The columns of sale lines that hold numbers, whose headings stand to the right as they do."""
_FILTER_BUTTON: Final = 2
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive by design, as the shop's clock
_MANY_CATEGORIES: Final = 40


@dataclass(frozen=True, slots=True)
class Books:
    """Writes the parts of one workbook. names: of the sheets, by key."""

    cells: Cells
    figures: Figures
    names: Mapping[str, str]

    def statement(
        self, sheet: Worksheet, row: int, statement: MoneyStatement, sales: SalesAnalysis, products: Table, lines: int
    ) -> int:
        """How the money adds up, the categories and what must hold; gives the row after them. lines: of the sheet of sale lines, 0 for none."""
        _, cells = self.figures.words, self.cells
        rate, quiet = statement.vat_percent / 100, {"font_color": QUIET}
        rows = list(statement_rows(statement, self.figures))
        place = {key: n for n, (key, *_rest) in enumerate(rows)}
        vat = place["revenue"] + 1  # its rate can be changed, so that its line is there without one
        rows[vat : vat + ("vat" in place)] = [("vat", _("of which VAT"), statement.vat or 0)]
        place = {key: row + 1 + n for n, (key, *_rest) in enumerate(rows)}
        cells.put(sheet, row, 0, Kind.NAME, _("How the money adds up"), bold=True, bottom=1, bottom_color=QUIET)
        cells.put(
            sheet,
            row,
            1,
            Kind.TEXT,
            _("in {currency}", currency=self.figures.currency.code),
            bottom=1,
            bottom_color=QUIET,
            align="right",
        )
        rate_cell = xl_rowcol_to_cell(place["vat"], 2, row_abs=True, col_abs=True)
        digits = self.figures.currency.digits

        def cell(key: str) -> str:
            return xl_rowcol_to_cell(place[key], 1)

        amounts, pieces = (f"'{self.names['lines']}'!{column}2:{column}{lines + 1}" for column in ("I", "G"))
        keys = [column.key for column in products.columns]
        of_products = self._column(products, keys.index("cost")) if "cost" in keys else ""
        formulas = {
            "revenue": f"={cell('sold')}+{cell('returned')}+{cell('adjustments')}",
            "vat": f"=ROUND({cell('revenue')}*{rate_cell}/(1+{rate_cell}),{digits})",
        }
        if lines:
            formulas["sold"] = f'=ROUND(SUMIF({pieces},">=0",{amounts}),{digits})'
            formulas["returned"] = f'=ROUND(SUMIF({pieces},"<0",{amounts}),{digits})'
        if "cost" in place and of_products:
            formulas["cost"] = f"=-ROUND(SUM({of_products}),{digits})"
            if statement.cost_known_share == 1 and statement.gross_profit == statement.revenue - (statement.cost or 0):
                formulas["gross_profit"] = f"={cell('revenue')}+{cell('cost')}"
        for key, label, amount in rows:
            style = {"bold": True, "top": 1} if key in ("revenue", "gross_profit") else {}
            cells.put(sheet, place[key], 0, Kind.NAME, label, **style)
            self._money(sheet, place[key], 1, amount, formulas.get(key), **style)
            if key == "vat":
                sheet.write_number(
                    place[key], 2, rate, cells.format(num_format="0.0##%", bg_color=PALE_ORANGE, bottom=1)
                )
                sheet.write_string(
                    place[key], 3, _("VAT rate; 0 where the prices hold none"), cells.format(indent=1, **quiet)
                )
        last = row + len(place)
        if statement.margin is not None and "gross_profit" in formulas:
            last += 1
            cells.put(sheet, last, 0, Kind.NAME, _("Margin"), **quiet)
            formula = f'=IF({cell("revenue")}>0,{cell("gross_profit")}/{cell("revenue")},"")'
            sheet.write_formula(last, 1, formula, cells.of_kind(Kind.SHARE, **quiet), statement.margin)
        last = self._categories(sheet, last + 2, statement, products)
        return self._checks(sheet, last + 1, sales, cell("revenue"))

    def _categories(self, sheet: Worksheet, row: int, statement: MoneyStatement, products: Table) -> int:
        _, cells = self.figures.words, self.cells
        keys = [column.key for column in products.columns]
        if "category" not in keys or not products.rows or not 0 < len(statement.categories) <= _MANY_CATEGORIES:
            return row
        categories, revenues = (self._column(products, keys.index(key)) for key in ("category", "revenue"))
        cells.put(sheet, row, 0, Kind.NAME, _("Sales by category"), bold=True, bottom=1, bottom_color=QUIET)
        cells.put(sheet, row, 1, Kind.TEXT, "", bottom=1, bottom_color=QUIET)
        for entry in statement.categories:
            row += 1
            cells.put(sheet, row, 0, Kind.NAME, entry.category or _("without a category"))
            wanted = xl_rowcol_to_cell(row, 0, col_abs=True) if entry.category else '""'
            formula = f"=SUMPRODUCT(({categories}={wanted})*{revenues})"
            same = [
                other
                for other in statement.categories
                if printable(other.category or "") == printable(entry.category or "")
            ]
            self._money(sheet, row, 1, entry.revenue, formula if len(same) == 1 else None)
        cells.put(sheet, row + 1, 0, Kind.NAME, _("All products"), bold=True, top=1)
        above = f"=SUM(B{row + 2 - len(statement.categories)}:B{row + 1})"
        self._money(sheet, row + 1, 1, sum(e.revenue for e in statement.categories), above, bold=True, top=1)
        return row + 2

    def _checks(self, sheet: Worksheet, row: int, sales: SalesAnalysis, revenue: str) -> int:
        """Days add up to the sales: said by a formula."""
        _, cells, digits = self.figures.words, self.cells, self.figures.currency.digits
        days = days_known(sales)
        last = len(days) + 1
        first = last - sales.window.days + 1
        amounts = f"'{self.names['daily']}'!C{first}:C{last}"
        cells.put(sheet, row, 0, Kind.NAME, _("Days add up to the sales"))
        holds = sum(day.revenue for day in days[-sales.window.days :]) == sales.kpis.revenue
        yes, no = (text.replace('"', '""') for text in (_("yes"), _("no")))
        formula = f'=IF(ROUND(SUM({amounts})-{revenue},{digits})=0,"{yes}","{no}")'
        sheet.write_formula(row, 1, formula, cells.format(align="right"), yes if holds else no)
        return row + 1

    def orders(self, sheet: Worksheet, orders: OrderList) -> None:
        """The order list: quantities follow the days in the two cells on top."""
        _, cells = self.figures.words, self.cells
        given = cells.format(bg_color=PALE_ORANGE, border=1, border_color=RULE)
        for row, (label, days) in enumerate(
            ((_("Days to cover"), orders.cover_days), (_("Days until delivery"), orders.lead_days))
        ):
            cells.put(sheet, row, 0, Kind.NAME, label, bold=True)
            sheet.write_number(row, 1, days, given)
            if row == 0:
                sheet.write_string(
                    0, 2, _("Change them, and the orders follow."), cells.format(indent=1, font_color=QUIET)
                )
        labels = (
            (_("Product"), Kind.NAME, 36), (_("SKU"), Kind.NAME, 14), (_("In stock"), Kind.COUNT, 10), (_("Sold a day"), Kind.DECIMAL, 12),
            (_("Days left"), Kind.DECIMAL, 11), (_("Order"), Kind.COUNT, 10), (_.context("order", "At least"), Kind.COUNT, 11),
            (_.context("order", "At most"), Kind.COUNT, 11), (_("Cost each"), Kind.MONEY, 12), (_("Cost"), Kind.MONEY, 14),
        )  # fmt: skip
        spent = [(line.cost or 0) * line.quantity for line in orders.lines]
        amounts: dict[int, list[int | None]] = {8: [line.cost for line in orders.lines], 9: [sum(spent)]}
        for column, (label, kind, wide) in enumerate(labels):
            least = max(wide, heading_width(label))
            sheet.set_column(column, column, cells.wide(kind, amounts.get(column, ()), least))
            style = {"align": "left" if kind.is_text else "right", **cells.beside(kind, column)}
            sheet.write_string(
                3, column, label, cells.format(bold=True, bottom=1, bottom_color=QUIET, font_color=QUIET, **style)
            )
        row, scale = 3, 10**self.figures.currency.digits
        write_of = [cells.writer(sheet, column, kind) for column, (_label, kind, _wide) in enumerate(labels[:9])]
        out, left = cells.of_kind(Kind.COUNT, font_color=ORANGE, bold=True), cells.of_kind(Kind.COUNT)
        ordered, money = cells.of_kind(Kind.COUNT, bold=True), cells.of_kind(Kind.MONEY)
        for row, line in enumerate(orders.lines, start=4):
            values = (line.name, line.sku, None, line.a_day, line.days_left, None, line.low, line.high, line.cost)
            for write, value in zip(write_of, values, strict=True):
                write(row, value)
            sheet.write_number(row, 2, line.stock, out if line.stock <= 0 else left)
            formula = f"=MAX(0,ROUNDUP(ROUND(D{row + 1}*($B$1+$B$2)-C{row + 1},6),0))"
            sheet.write_formula(row, 5, formula, ordered, line.quantity)
            if line.cost is not None:
                value = line.cost * line.quantity / scale
                sheet.write_formula(row, 9, f"=F{row + 1}*I{row + 1}", money, value)
        if orders.lines:
            total = {"bold": True, "top": 1}
            cells.put(sheet, row + 1, 0, Kind.NAME, _("All orders"), **total)
            pieces = sum(line.quantity for line in orders.lines)
            sheet.write_formula(row + 1, 5, f"=SUM(F5:F{row + 1})", cells.of_kind(Kind.COUNT, **total), pieces)
            self._money(sheet, row + 1, 9, sum(spent), f"=SUM(J5:J{row + 1})", **total)
        sheet.freeze_panes(4, 1)

    def lines(self, sheet: Worksheet, lines: SaleLines, wares: Mapping[str, Ware]) -> None:
        """One row a sale line, as a table."""
        _, cells = self.figures.words, self.cells
        labels = (
            _("Date"), _("Time"), _("Sale"), _("SKU"), _("Product"), _("Category"), _("Pieces"), _("Price"), _("Amount"), _("Cost"), _("Profit")
        )  # fmt: skip
        headings = [
            cells.format(
                bold=True,
                font_color=QUIET,
                bottom=1,
                bottom_color=QUIET,
                **({"align": "right"} if n in _NUMBERED else {"align": "left", "indent": 1}),
            )
            for n in range(len(labels))
        ]
        columns = [{"header": label, "header_format": heading} for label, heading in zip(labels, headings, strict=True)]
        of_sku = [wares.get(str(sku), Ware(None, None)) for sku in lines.skus]
        spent = np.array([ware.cost or 0 for ware in of_sku])[lines.sku] * lines.quantity
        money_columns = (lines.subtotal, lines.subtotal, spent, lines.subtotal - spent)
        for column, wide in enumerate(LINE_COLUMNS):
            values = money_columns[column - 7].tolist() if column >= 7 else ()
            least = max(wide, heading_width(labels[column]) + _FILTER_BUTTON)
            sheet.set_column(column, column, cells.wide(Kind.MONEY, values, least))
        if sheet.constant_memory:  # rows are written at once, and XlsxWriter makes no table of them
            for column, (label, heading) in enumerate(zip(labels, headings, strict=True)):
                sheet.write_string(0, column, label, heading)
            sheet.autofilter(0, 0, max(len(lines), 1), len(labels) - 1)
        else:
            sheet.add_table(
                0, 0, max(len(lines), 1), len(labels) - 1, {"columns": columns, "style": "Table Style Light 1"}
            )
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        day, clock = cells.of_kind(Kind.DAY, indent=1), cells.of_kind(Kind.HOUR, indent=1)
        text, count, money = cells.of_kind(Kind.NAME, indent=1), cells.of_kind(Kind.COUNT), cells.of_kind(Kind.MONEY)
        scale = 10**self.figures.currency.digits
        skus = [printable(str(sku))[:LONGEST_CELL] for sku in lines.skus]
        names = [printable(str(name))[:LONGEST_CELL] for name in lines.names]
        categories = [printable(ware.category or "") for ware in of_sku]
        columns_of = (lines.sold_at, lines.days, lines.sale, lines.sku, lines.name, lines.quantity, lines.subtotal)
        for row, (sold_at, number, sale, sku, name, pieces, amount) in enumerate(_rows(*columns_of), start=1):
            moment = _EPOCH + timedelta(microseconds=sold_at)
            sheet.write_datetime(row, 0, _EPOCH + timedelta(days=number), day)
            sheet.write_number(row, 1, (moment.hour * 60 + moment.minute) / 1440, clock)
            sheet.write_number(row, 2, sale, count)
            sheet.write_string(row, 3, skus[sku], text)
            sheet.write_string(row, 4, names[name], text)
            if categories[sku]:
                sheet.write_string(row, 5, categories[sku], text)
            sheet.write_number(row, 6, pieces, count)
            if pieces:
                sheet.write_number(row, 7, amount / pieces / scale, money)
            sheet.write_number(row, 8, amount / scale, money)
            cost = of_sku[sku].cost
            if cost is not None:
                sheet.write_number(row, 9, cost * pieces / scale, money)
                sheet.write_number(row, 10, (amount - cost * pieces) / scale, money)

    def _money(self, sheet: Worksheet, row: int, column: int, minor: int, formula: str | None, **style: Any) -> None:
        """An amount, by its formula where there is one."""
        if formula is None:
            self.cells.put(sheet, row, column, Kind.MONEY, minor, **style)
            return
        value = float(self.figures.currency.to_major(minor))
        sheet.write_formula(row, column, formula, self.cells.of_kind(Kind.MONEY, **style), value)

    def _column(self, products: Table, column: int) -> str:
        """The cells of a column of the products' sheet."""
        first, last = (
            xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True) for row in (1, max(len(products.rows), 1))
        )
        return f"'{self.names['products']}'!{first}:{last}"


def _rows(*columns: npt.NDArray[np.int64]) -> Iterator[tuple[int, ...]]:
    """The rows of some columns; those of a few thousand at a time are Python's numbers, which take five times as much memory."""
    for start in range(0, len(columns[0]), 2**14):
        yield from zip(*(column[start : start + 2**14].tolist() for column in columns), strict=True)
