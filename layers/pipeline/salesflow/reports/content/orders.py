"""What to order, as a list with quantities."""

from salesflow.analytics.merchant import OrderLine, OrderList, VanishedStock
from salesflow.figures import Figures, Kind
from salesflow.reports.content.compare import orders_count
from salesflow.reports.content.document import Column, Section, Table, Tone, labels_of

_VANISHED_SHOWN = 8


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
    if line.state == "out":
        return _("out")
    if line.state == "today" or line.days_left is None:
        return _("today")
    days = int(line.days_left)
    return figures.plural("{n} day", "{n} days", days)


def for_days(orders: OrderList, figures: Figures) -> str:
    """ "For 14 days"."""
    return figures.plural("For {n}\u00a0day", "For {n}\u00a0days", orders.cover_days)


def orders_table(orders: OrderList, figures: Figures, *, limit: int) -> Table:
    """One row a product, the most urgent first."""
    _ = figures.words
    return Table(
        key="orders",
        title=_("To order"),
        columns=(
            Column("name", _("Product"), Kind.NAME),
            Column("stock", _("Left"), Kind.COUNT, minor=True),
            Column("lasts", _("Lasts"), Kind.TEXT),
            Column("quantity", for_days(orders, figures), Kind.COUNT),
        ),
        rows=tuple(
            (label, line.stock, lasts_text(line, figures), line.quantity)
            for label, line in zip(labels_of(orders.lines), orders.lines, strict=True)
        ),
        limit=limit,
        lead="" if orders.lines else _("Nothing that sells is about to run out."),
        marks=tuple(Tone.BAD if line.state == "out" else Tone.NEUTRAL for line in orders.lines),
        noun="product",
        skus=tuple(line.sku for line in orders.lines),
    )


def vanished_table(vanished: VanishedStock | None, figures: Figures) -> tuple[Table, ...]:
    """What disappeared, the dearest first; none where nothing did or is known to have."""
    if vanished is None or not vanished.products:
        return ()
    _ = figures.words
    return (
        Table(
            key="vanished",
            title=_("Missing"),
            columns=(
                Column("name", _("Product"), Kind.NAME),
                Column("sku", _("SKU"), Kind.NAME, minor=True),
                Column("pieces", _("Missing"), Kind.COUNT, sums=True),
                Column("value", _("Worth"), Kind.MONEY, sums=True),
            ),
            rows=tuple((one.name, one.sku, one.pieces, one.value) for one in vanished.products),
            limit=_VANISHED_SHOWN,
            lead=_(
                "Counted at the close of {day}, not sold since, and not there any more: lost, broken, stolen or corrected.",
                day=figures.day_short(vanished.since),
            ),
            noun="product",
        ),
    )


def vanished_section(vanished: VanishedStock | None, figures: Figures) -> tuple[Section, ...]:
    """The same under its title."""
    tables = vanished_table(vanished, figures)
    if vanished is None or not tables:
        return ()
    count = len(vanished.products)
    title = figures.plural("{n} product has pieces missing", "{n} products have pieces missing", count)
    return (Section("vanished", title, tables=tables, extra=True),)


def _said(orders: OrderList, figures: Figures) -> tuple[str, ...]:
    _, said = figures.words, []
    if orders.lost_revenue:
        amount = figures.money_about(orders.lost_revenue)
        said.append(_("Not sold because it was out of stock: about {amount}.", amount=amount))
    if orders.overstock:
        worth = figures.money_about(orders.overstock_value)
        said.append(
            figures.plural(
                "{n} product lasts for more than half a year: about {worth} too much.",
                "{n} products last for more than half a year: about {worth} too much.",
                orders.overstock,
                worth=worth,
            )
        )
    return tuple(said)
