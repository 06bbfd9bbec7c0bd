"""What to order, as a list with quantities."""

from salesflow.analytics.merchant import DaysLeft, OrderLine, OrderList
from salesflow.figures import Figures, Kind
from salesflow.reports.content.compare import orders_count
from salesflow.reports.content.document import Column, Noun, Section, Table, Tone


def orders_section(
    orders: OrderList | None, figures: Figures, *, limit: int, share: float = 1.0
) -> tuple[Section, ...]:
    """The list; none where the stock is not known."""
    if orders is None:
        return ()
    _ = figures.words
    title = orders_count(orders, figures) if orders.lines else _("To order")
    table = orders_table(orders, figures, limit=limit)
    return (Section("orders", title, tables=(table,), paragraphs=_said(orders, figures), share=share),)


def lasts_text(line: OrderLine, figures: Figures) -> str:
    """ "out", "today" or "3 days"."""
    _ = figures.words
    if line.state is DaysLeft.OUT:
        return _("out")
    if line.state is DaysLeft.TODAY or line.days_left is None:
        return _("today")
    days = int(line.days_left)
    return _.plural("{n} day", "{n} days", days, n=figures.show(Kind.COUNT, days))


def orders_table(orders: OrderList, figures: Figures, *, limit: int) -> Table:
    """One row a product, the most urgent first."""
    _ = figures.words
    days = figures.show(Kind.COUNT, orders.cover_days)
    return Table(
        key="orders",
        title=_("To order"),
        columns=(
            Column("name", _("Product"), Kind.NAME),
            Column("stock", _("Left"), Kind.COUNT, minor=True),
            Column("lasts", _("Lasts"), Kind.TEXT),
            Column("quantity", _.plural("For {n} day", "For {n} days", orders.cover_days, n=days), Kind.COUNT),
        ),
        rows=tuple(
            (line.name or line.sku, line.stock, lasts_text(line, figures), line.quantity) for line in orders.lines
        ),
        limit=limit,
        lead="" if orders.lines else _("Nothing that sells is about to run out."),
        marks=tuple(Tone.BAD if line.state is DaysLeft.OUT else Tone.NEUTRAL for line in orders.lines),
        noun=Noun.PRODUCT,
    )


def _said(orders: OrderList, figures: Figures) -> tuple[str, ...]:
    _, said = figures.words, []
    if orders.lost_revenue:
        amount = figures.money_about(orders.lost_revenue)
        said.append(_("Not sold because it was out of stock: about {amount}.", amount=amount))
    if orders.overstock:
        n = figures.show(Kind.COUNT, orders.overstock)
        worth = figures.money_about(orders.overstock_value)
        said.append(
            _.plural(
                "{n} product lasts for more than half a year: about {worth} too much.",
                "{n} products last for more than half a year: about {worth} too much.",
                orders.overstock,
                n=n,
                worth=worth,
            )
        )
    return tuple(said)
