"""How the money adds up, as a table that reads from top to bottom."""

from salesflow.analytics.merchant import MoneyStatement
from salesflow.figures import Figures, Kind
from salesflow.reports.content.document import Column, Section, Table, Tone


def money_section(statement: MoneyStatement | None, figures: Figures, *, share: float = 1.0) -> tuple[Section, ...]:
    """From what was sold to the gross profit; none where there is no statement."""
    if statement is None:
        return ()
    _ = figures.words
    rows = statement_rows(statement, figures)
    table = Table(
        "money",
        _("How the money adds up"),
        (Column("line", _("Line"), Kind.TEXT), Column("amount", _("Amount"), Kind.MONEY)),
        tuple((label, amount) for _key, label, amount in rows),
        limit=len(rows),
        marks=tuple(Tone.GOOD if key in ("revenue", "gross_profit") else Tone.NEUTRAL for key, *_rest in rows),
    )
    return (
        Section(
            "money", _("How the money adds up"), tables=(table,), paragraphs=_said(statement, figures), share=share
        ),
    )


def statement_rows(statement: MoneyStatement, figures: Figures) -> tuple[tuple[str, str, int], ...]:
    """Key, label and amount of each line; what is taken off is negative."""
    _ = figures.words
    pieces = figures.plural("{n} piece", "{n} pieces", statement.returned_quantity)
    returned = _("Returned ({pieces})", pieces=pieces) if statement.returned_quantity else _("Returned")
    rows = [
        ("sold", _("Sold"), statement.sold),
        ("returned", returned, -statement.returned),
        ("adjustments", _("Discounts and rounding"), statement.adjustments),
        ("revenue", _("Sales"), statement.revenue),
    ]
    if statement.vat is not None:
        rows.append(("vat", _("of which VAT {rate}", rate=figures.rate(statement.vat_percent)), statement.vat))
    if statement.cost is not None and statement.gross_profit is not None:
        rows.append(("cost", _("Cost of what was sold"), -statement.cost))
        rows.append(("gross_profit", _("Gross profit"), statement.gross_profit))
    return tuple(rows)


def _said(statement: MoneyStatement, figures: Figures) -> tuple[str, ...]:
    """What the reader must know of the profit, and what sold at less than it cost."""
    _, said = figures.words, []
    share = statement.cost_known_share
    if statement.gross_profit is not None and share is not None and share < 1:
        said.append(_("Costs are known for {share} of sales; the profit is that of these.", share=figures.part(share)))
    if statement.below_cost:
        names = {profit.sku: profit.name or profit.sku for profit in statement.products}
        first = figures.show(Kind.NAME, names[statement.below_cost[0]])
        count = len(statement.below_cost) - 1
        if count:
            said.append(
                figures.plural(
                    "Sold below cost: {product} and {n} more.",
                    "Sold below cost: {product} and {n} more.",
                    count,
                    product=first,
                )
            )
        else:
            said.append(_("Sold below cost: {product}.", product=first))
    return tuple(said)
