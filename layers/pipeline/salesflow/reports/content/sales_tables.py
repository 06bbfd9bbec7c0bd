"""The tables of sales: products, returns, days, hours and weekdays."""

from collections.abc import Sequence

from salesflow.analytics.merchant import MoneyStatement
from salesflow.analytics.results import DaySales, ProductSales, SalesAnalysis, is_base
from salesflow.figures import Figures, Kind
from salesflow.reports.content.document import Column, Row, Table, labels_of
from salesflow.reports.content.sales_charts import days_known
from salesflow.windows import Window


def best_sellers_table(sales: SalesAnalysis, figures: Figures, *, limit: int) -> Table:
    """Products by sales, for a page."""
    _, sellers = figures.words, sales.best_sellers
    last, of = Column("share", _("Share"), Kind.SHARE, sums=True, minor=True), [p.share for p in sellers]
    if any(product.usual_revenue is not None for product in sellers):
        last, of = Column("usual_revenue", _("Usual"), Kind.MONEY, minor=True), [p.usual_revenue for p in sellers]
    return Table(
        key="products",
        title=_("Best sellers"),
        columns=(
            Column("name", _("Product"), Kind.NAME),
            Column("quantity", _("Pieces"), Kind.COUNT, sums=True, minor=True),
            Column("revenue", _("Sales"), Kind.MONEY, sums=True, bar=True),
            last,
        ),
        rows=tuple(
            (label, p.quantity, p.revenue, each) for label, p, each in zip(labels_of(sellers), sellers, of, strict=True)
        ),
        limit=limit,
        lead="" if sellers else _("No product was sold."),
        noun="product",
        skus=tuple(product.sku for product in sellers),
    )


def products_table(sales: SalesAnalysis, figures: Figures, statement: MoneyStatement | None = None) -> Table:
    """Products by sales; its totals lead to the sales of the key figures, so that the money adds up."""
    _ = figures.words
    columns: tuple[Column, ...] = (
        Column("name", _("Product"), Kind.NAME),
        Column("sku", _("SKU"), Kind.NAME, minor=True),
        Column("quantity", _("Pieces"), Kind.COUNT, sums=True, minor=True),
        Column("revenue", _("Sales"), Kind.MONEY, sums=True),
        Column("share", _("Share"), Kind.SHARE, sums=True, minor=True),
    )
    before_known = sales.previous is not None
    if before_known:
        columns += (
            Column("previous_revenue", _("Before"), Kind.MONEY, sums=True, minor=True),
            Column("change", _("Change"), Kind.CHANGE),
        )

    profits = () if statement is None else statement.products
    if profits:
        columns += (
            Column("category", _("Category"), Kind.NAME),
            Column("cost", _("Cost"), Kind.MONEY),
            Column("profit", _("Profit"), Kind.MONEY),
            Column("margin", _("Margin"), Kind.SHARE),
            Column("rank", _("Class"), Kind.TEXT),
        )
    more: list[tuple[object, ...]] = [(p.category, p.cost, p.profit, p.margin, p.rank) for p in profits] or [()] * len(
        sales.products
    )

    def cells(product: ProductSales) -> tuple[object, ...]:
        comparable = product.previous_revenue > 0 and product.revenue >= 0
        fraction = product.revenue / product.previous_revenue - 1 if comparable else None
        row = (product.name, product.sku, product.quantity, product.revenue, product.share)
        return (*row, product.previous_revenue, fraction) if before_known else row

    lines = sum(product.revenue for product in sales.products)
    pieces = sum(product.quantity for product in sales.products)
    padding = ("",) * (len(columns) - 4)
    totals: list[Row] = []
    if sales.kpis.adjustments:
        totals.append((_("All products"), "", pieces, lines, *padding))
        totals.append((_("Discounts and rounding"), "", "", sales.kpis.adjustments, *padding))
    totals.append((_("Sales"), "", pieces, sales.kpis.revenue, *padding))
    return Table(
        key="products",
        title=_("Products by sales"),
        columns=columns,
        rows=tuple((*cells(product), *others) for product, others in zip(sales.products, more, strict=True)),
        limit=len(sales.products),
        totals=tuple(totals),
        lead="" if sales.products else _("No product was sold."),
        noun="product",
    )


def returns_table(sales: SalesAnalysis, figures: Figures, *, limit: int) -> Table:
    """Products that came back, the highest amount first."""
    _ = figures.words
    returned = sorted(
        (product for product in sales.products if product.returned_quantity),
        key=lambda product: (-product.returned_amount, product.sku),
    )
    kpis = sales.kpis
    return Table(
        "returns",
        _("Returned products"),
        (
            Column("name", _("Product"), Kind.NAME),
            Column("sku", _("SKU"), Kind.NAME, minor=True),
            Column("returned_quantity", _("Pieces returned"), Kind.COUNT, sums=True),
            Column("returned_amount", _("Amount returned"), Kind.MONEY, sums=True),
        ),
        tuple((p.name, p.sku, p.returned_quantity, p.returned_amount) for p in returned),
        limit=limit,
        totals=((_("All returns"), "", kpis.returned_quantity, kpis.returned_amount),) if returned else (),
        noun="product",
    )


def daily_table(days: Sequence[DaySales], window: Window, figures: Figures, *, own_column: bool) -> Table:
    """One row a day; `own_column` adds whether the day belongs to the report's window."""
    _ = figures.words
    columns = [
        Column("day", _("Day"), Kind.DAY),
        Column("weekday", _("Weekday"), Kind.WEEKDAY, minor=True),
        Column("revenue", _("Sales"), Kind.MONEY, sums=True),
        Column("transactions", _("Number of sales"), Kind.COUNT, sums=True),
        Column("average_ticket", _("Per sale"), Kind.MONEY, minor=True),
        Column("quantity", _("Pieces"), Kind.COUNT, sums=True, minor=True),
    ]
    if own_column:
        columns.append(Column("own", _("In this report"), Kind.TEXT))
    rows = []
    for day in days:
        ticket = round(day.revenue / day.transactions) if day.transactions else 0
        row = (day.day, day.day.weekday(), day.revenue, day.transactions, ticket, day.quantity)
        own = _("yes") if window.first <= day.day <= window.last else _("no")
        rows.append((*row, own) if own_column else row)
    return Table("daily", _("Day by day"), tuple(columns), tuple(rows), limit=31)


def sales_sheets(sales: SalesAnalysis, figures: Figures, statement: MoneyStatement | None = None) -> tuple[Table, ...]:
    """The whole tables: days, products, hours, weekdays (where there are several), returns."""
    _, revenue = figures.words, sales.kpis.revenue

    def share(value: int) -> float | None:
        return value / revenue if is_base(revenue, sales.kpis.returned_amount) else None

    hours = tuple((hour, value, share(value)) for hour, value in enumerate(sales.by_hour))
    weekdays = tuple((day, value, share(value)) for day, value in enumerate(sales.by_weekday))
    value_columns = (Column("revenue", _("Sales"), Kind.MONEY, sums=True), Column("share", _("Share"), Kind.SHARE))
    hour, weekday = Column("hour", _("Hour"), Kind.HOUR), Column("weekday", _("Weekday"), Kind.WEEKDAY)
    by_weekday = Table("weekdays", _("Sales by weekday"), (weekday, *value_columns), weekdays, limit=7)
    return (
        daily_table(days_known(sales), sales.window, figures, own_column=True),
        products_table(sales, figures, statement),
        Table("hours", _("Sales by hour"), (hour, *value_columns), hours, limit=24),
        *([by_weekday] if sales.window.days > 1 else []),
        returns_table(sales, figures, limit=len(sales.products)),
    )
