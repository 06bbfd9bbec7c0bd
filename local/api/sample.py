"""A small realistic shop, made up but deterministic: the same arguments give the same sales, and no clock is read."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from local.api.records import DateStyle, Product, Sale, SaleItem
from local.api.store import SalesStore

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WEEKDAYS = {  # Monday first; a mean of about 1
    "daily": (0.92, 0.88, 0.92, 0.96, 1.15, 1.42, 0.75),
    "weekend": (0.70, 0.68, 0.74, 0.88, 1.36, 1.74, 0.90),
    "school": (1.35, 1.22, 1.16, 1.10, 1.02, 0.85, 0.30),
}
_OUT_OF_STOCK_SINCE = 30
_DEAD_SINCE = 130
_NEW_SINCE = 60
_COVER_DAYS = 14


class Surprise(NamedTuple):
    """Something out of the ordinary on one day: demand times `factor`, of one SKU or (None) of the whole shop."""

    day: date
    factor: float
    sku: str | None = None


@dataclass(frozen=True, slots=True)
class _Article:
    """What the shop sells and how it moves: pieces a day, weekday rhythm, day of the year of its peak, growth a year.

    `fate` is its state at the end: ok, out (of stock), low, dead (in stock, unsold for months) or new.
    """

    sku: str
    name: str
    category: str | None
    price: float
    pieces: float
    rhythm: str = "daily"
    peak: int = 1
    swing: float = 0.0
    growth: float = 0.0
    fate: str = "ok"
    old_name: str | None = None


_ARTICLES = (
    _Article("RIZ-005", "Riz parfumé 5 kg", "Épicerie", 42.50, 5.0, growth=0.08),
    _Article("HUI-001", "Huile végétale 1 L", "Épicerie", 13.90, 4.5),
    _Article("SUC-001", "Sucre roux 1 kg", "Épicerie", 8.20, 4.0, peak=350, swing=0.2),
    _Article("FAR-002", "Farine de blé 2 kg", "Épicerie", 11.40, 2.8, peak=350, swing=0.25),
    _Article("SEL-001", "Sel fin 500 g", "Épicerie", 2.10, 1.6),
    _Article("CAF-250", "Café moulu 250 g", "Épicerie", 24.90, 1.9, peak=15, swing=0.2, growth=0.15),
    _Article("THE-100", "绿茶 100克", "Épicerie", 19.80, 1.7, peak=20, swing=0.15),
    _Article("NOU-001", "方便面 牛肉味", "Épicerie", 4.50, 5.5, growth=0.2, old_name="方便面"),
    _Article("SOY-500", "酱油 500毫升", "Épicerie", 9.90, 1.5),
    _Article("FUF-001", "Fufu ya masangu 1 kg", "Épicerie", 10.50, 3.2),
    _Article("PON-001", "Pondu (nkasa ya manioc)", "Frais", 6.80, 2.6, "weekend"),
    _Article("MAK-001", "Makayabu 500 g", "Frais", 31.00, 1.3, "weekend", fate="low"),
    _Article("MBO-001", "Mboga za majani", "Frais", 3.60, 3.4, peak=130, swing=0.3),
    _Article("MAI-001", "Maharage mekundu 1 kg", "Épicerie", 9.40, 2.1),
    _Article("SUK-001", "Sukari ya miwa (fimbo)", "Frais", 2.50, 1.1, peak=200, swing=0.4, fate="dead"),
    _Article("CHO-001", "Шоколад «Алёнка» 90 г", "Confiserie", 12.60, 1.4, peak=355, swing=0.5),
    _Article("KON-001", "Конфеты «Мишка косолапый»", "Confiserie", 27.30, 0.7, peak=358, swing=0.7, fate="low"),
    _Article("BIS-001", "Biscuits sablés à l'ancienne", "Confiserie", 8.80, 2.6),
    _Article("BON-001", "Bonbons 🍬 assortis", "Confiserie", 5.00, 3.0, "weekend", peak=355, swing=0.4),
    _Article("EAU-150", "Eau minérale 1,5 L", "Boissons", 3.00, 7.5, peak=205, swing=0.45, growth=0.05),
    _Article("COL-033", "Cola 33 cl", "Boissons", 3.50, 6.5, "weekend", peak=205, swing=0.35),
    _Article("JUS-100", "Jus d'ananas 1 L", "Boissons", 11.20, 2.2, "weekend", peak=195, swing=0.4),
    _Article("BIE-065", "Bière blonde 65 cl", "Boissons", 9.50, 4.0, "weekend", peak=200, swing=0.3),
    _Article("LAI-400", "Lait en poudre 400 g", "Boissons", 33.40, 1.6, growth=-0.1),
    _Article("SAV-002", "Savon de Marseille ×2", "Ménage", 7.70, 1.9),
    _Article("LES-001", "Lessive en poudre 1 kg", "Ménage", 18.60, 1.4),
    _Article("EPO-003", "Éponges (lot de 3)", "Ménage", 4.20, 0.9),
    _Article("BOU-010", "Bougies (boîte de 10)", "Ménage", 6.30, 1.0, peak=340, swing=0.4, fate="out"),
    _Article("PIL-AA4", "Piles AA (4)", "Ménage", 16.90, 0.9),
    _Article("AMP-LED", 'Ampoule LED 9 W "E27"', "Ménage", 14.50, 0.6, fate="out"),
    _Article("CAH-096", "Cahier 96 pages", "Papeterie", 3.80, 2.8, "school", peak=250, swing=0.8),
    _Article("STY-001", "Stylo bille bleu", "Papeterie", 1.90, 2.4, "school", peak=250, swing=0.6),
    _Article("CRA-012", "Crayons de couleur; 12 pièces", "Papeterie", 15.20, 0.6, "school", peak=250, swing=0.9),
    _Article("SAC-ECO", "Cartable d'écolier", "Papeterie", 89.00, 0.15, "school", peak=248, swing=0.95, fate="dead"),
    _Article("REC-010", "Recharge téléphone 10", None, 10.00, 6.0, growth=0.12),
    _Article("REC-050", "Recharge téléphone 50", None, 50.00, 1.2, growth=0.12),
    _Article("CAB-USB", "数据线 USB-C 1米", "Électronique", 25.00, 0.8, fate="new"),
    _Article("POS-01", "Carte postale & timbre", "Papeterie", 6.00, 0.5),
    _Article("CHG-5V/2A", "Chargeur USB 5 V / 2 A", "Électronique", 75.00, 0.4),
    _Article("PLA-001", "Sachet réutilisable (offert)", None, 0.00, 1.5),
    _Article("STO-OLD", "Ventilateur de table", "Électronique", 145.00, 0.1, peak=200, swing=0.9, fate="dead"),
    _Article("LUN-001", "月饼礼盒", "Confiserie", 168.00, 0.3, peak=265, swing=1.0),
)


def sample_sales(
    seed: int,
    end_date: date,
    days: int,
    *,
    late_share: float = 0.0,
    surprises: Sequence[Surprise] = (),
    date_style: DateStyle = DateStyle.JAVA,
) -> SalesStore:
    """A shop's sales of the `days` days that end on `end_date` (included), about 35 sales and 70 lines a day.

    In it: weekday and yearly rhythm, opening hours (closed on 1 January), growth, promotions, yearly price rises,
    stock-outs and restocking, discounts and rounding (`totalAmount` is not always the sum of subtotals), returns as
    negative quantities, items at price 0, names in five scripts, one SKU that changes its name halfway. `late_share`
    of the sales are synced 4 to 72 hours after they were made. Raises ValueError unless `days` is positive.
    """
    if days < 1:
        raise ValueError(f"days is {days}; a shop needs at least one day.")
    random = np.random.default_rng(seed)
    shop_days = [end_date - timedelta(days=days - 1 - n) for n in range(days)]
    promoted = _promotions(random, shop_days)
    demand = random.poisson(_expected(shop_days, promoted, surprises)).astype(np.int64)
    sold, deliveries = _sell_from_stock(random, demand)
    sales = _sales(random, shop_days, sold, _prices(shop_days, promoted))
    if late_share > 0:
        sales = _sync_late(random, sales, late_share)
    return SalesStore(sales, _products(shop_days, sales, deliveries), date_style=date_style)


def _promotions(random: np.random.Generator, shop_days: list[date]) -> npt.NDArray[np.bool_]:
    """True where an article is at 20% off, shape [days, articles]: a week in a quarter, for about half of them."""
    promoted = np.zeros((len(shop_days), len(_ARTICLES)), dtype=bool)
    ordinals = np.array([day.toordinal() for day in shop_days])
    for column, article in enumerate(_ARTICLES):
        offset, takes_part = random.integers(0, 91), random.random() < 0.5
        if takes_part and article.price > 0:
            promoted[:, column] = (ordinals + offset) % 91 < 7
    return promoted


def _expected(shop_days: list[date], promoted: npt.NDArray[np.bool_], surprises: Sequence[Surprise]) -> Floats:
    """Pieces that customers ask for, on average, shape [days, articles]."""
    expected = np.empty(promoted.shape)
    last = len(shop_days) - 1
    years_ago = np.arange(last, -1, -1) / 365.25
    day_of_year = np.array([day.timetuple().tm_yday for day in shop_days])
    weekday = np.array([day.weekday() for day in shop_days])
    for column, article in enumerate(_ARTICLES):
        season = 1 + article.swing * np.cos(2 * np.pi * (day_of_year - article.peak) / 365.25)
        rhythm = np.array(_WEEKDAYS[article.rhythm])[weekday]
        expected[:, column] = article.pieces * season * rhythm * np.exp(-article.growth * years_ago)
        if article.fate == "dead":
            expected[max(0, last + 1 - _DEAD_SINCE) :, column] = 0
        if article.fate == "new":
            expected[: max(0, last + 1 - _NEW_SINCE), column] = 0
    expected *= np.where(promoted, 1.8, 1.0)
    for row, day in enumerate(shop_days):
        if (day.month, day.day) == (1, 1):
            expected[row] = 0
        elif day.month == 12 and 10 <= day.day <= 24:
            expected[row] *= 1.35
        elif day.month == 1 and day.day <= 20:
            expected[row] *= 0.8
    columns = {article.sku: column for column, article in enumerate(_ARTICLES)}
    rows = {day: row for row, day in enumerate(shop_days)}
    for surprise in surprises:
        if surprise.day in rows:
            scope = slice(None) if surprise.sku is None else columns[surprise.sku]
            expected[rows[surprise.day], scope] *= surprise.factor
    return expected


def _prices(shop_days: list[date], promoted: npt.NDArray[np.bool_]) -> Ints:
    """Cents a piece, shape [days, articles]: today's price, 3% less for each year back, 20% off in a promotion."""
    listed = np.array([article.price for article in _ARTICLES]) * 100
    years_back = np.array([shop_days[-1].year - day.year for day in shop_days])
    cents = np.rint(listed[None, :] * 0.97 ** years_back[:, None]).astype(np.int64)
    return np.where(promoted, np.rint(cents * 0.8).astype(np.int64), cents)


def _sell_from_stock(random: np.random.Generator, demand: Ints) -> tuple[Ints, Ints]:
    """What could be sold from the shelf and what was delivered before opening, both shape [days, articles].

    An article is ordered when it falls to half of its two weeks' cover, and comes 2 to 9 days later; a delivery that is
    late or forgotten is a stock-out. The first day starts with a delivery. What is left of an article that
    ends out of stock is written off (a negative delivery) near the end, and nothing comes any more.
    """
    sold = np.zeros_like(demand)
    deliveries = np.zeros_like(demand)
    days = len(demand)
    for column, article in enumerate(_ARTICLES):
        cover = max(6, round(article.pieces * _COVER_DAYS))
        stock = due = 0
        deliveries[0, column] = cover
        waits = random.integers(2, 10, size=days)
        forgotten = random.random(days) < 0.03
        for row in range(days):
            if article.fate == "out" and row == days - _OUT_OF_STOCK_SINCE // 2:
                deliveries[row, column] = -stock
            stock += int(deliveries[row, column])
            sold[row, column] = min(stock, demand[row, column])
            stock -= int(sold[row, column])
            arrival = row + 1 + int(waits[row]) + (12 if forgotten[row] else 0)
            ends_out = article.fate == "out" and arrival >= days - _OUT_OF_STOCK_SINCE
            if stock <= cover // 2 and row >= due and arrival < days and not ends_out:
                deliveries[arrival, column] += cover
                due = arrival
    return sold, deliveries


def _sales(random: np.random.Generator, shop_days: list[date], sold: Ints, prices: Ints) -> list[Sale]:
    """Baskets of lines with their times, and the returns that follow some of them; ids ascend with the time."""
    row, column, quantity = _lines(random, sold)
    lines_a_day = np.bincount(row, minlength=len(shop_days))
    baskets_a_day = np.maximum(1, np.rint(lines_a_day / 1.7)).astype(np.int64)
    basket = (random.random(len(row)) * baskets_a_day[row]).astype(np.int64)
    gift = random.random(len(row)) < 0.004
    returned = random.random(len(row)) < 0.006
    return_after = random.integers(1, 7, size=len(row))
    halfway = len(shop_days) // 2
    sunday_hours, weekday_hours = _opening_hours(9, 14), _opening_hours(8, 20)

    baskets: defaultdict[tuple[int, int], list[SaleItem]] = defaultdict(list)
    for n in np.lexsort((column, basket, row)).tolist():
        day, article_number = int(row[n]), int(column[n])
        cents = 0 if gift[n] else int(prices[day, article_number])
        item = _item(article_number, int(quantity[n]), cents, renamed=day >= halfway)
        baskets[day, int(basket[n])].append(item)
        back = day + int(return_after[n])
        if returned[n] and cents and back < len(shop_days) and sold[back].any():
            # its own sale on another day, after all baskets of that day
            baskets[back, 1_000_000 + n].append(_item(article_number, -1, cents, renamed=back >= halfway))

    timed = []
    for (day, number), items in sorted(baskets.items()):
        hours = sunday_hours if shop_days[day].weekday() == 6 else weekday_hours
        moment = _moment(random, shop_days[day], hours)
        timed.append((moment, number, _total(random, items), items))
    timed.sort(key=lambda sale: (sale[0], sale[1]))
    return [Sale(1001 + n, moment, cents / 100, tuple(items)) for n, (moment, _, cents, items) in enumerate(timed)]


def _lines(random: np.random.Generator, sold: Ints) -> tuple[Ints, Ints, Ints]:
    """The day, article and quantity of every sale line: the pieces of a day split into lines of mostly one piece."""
    rows, columns = np.nonzero(sold)
    pieces = sold[rows, columns]
    owner = np.repeat(np.arange(len(rows)), pieces)
    starts = random.random(len(owner)) < 0.75
    starts[np.r_[0, np.cumsum(pieces)[:-1]] if len(pieces) else []] = True
    first = np.nonzero(starts)[0]
    quantity = np.diff(np.r_[first, len(owner)])
    return rows[owner[first]], columns[owner[first]], quantity


def _item(article_number: int, quantity: int, cents: int, *, renamed: bool) -> SaleItem:
    article = _ARTICLES[article_number]
    name = article.name if renamed or article.old_name is None else article.old_name
    return SaleItem(article_number + 1, name, article.sku, quantity, cents / 100, quantity * cents / 100)


def _total(random: np.random.Generator, items: list[SaleItem]) -> int:
    """Cents that the customer paid: now and then 5 or 10% off a larger basket, or rounded down to ten cents."""
    cents = sum(round(item.subtotal * 100) for item in items)
    chance = random.random()
    if cents > 4000 and chance < 0.10:
        return cents * (90 if chance < 0.03 else 95) // 100
    return cents - cents % 10 if cents > 0 and chance > 0.93 else cents


def _opening_hours(opens: int, closes: int) -> Floats:
    """The chance of a sale in each minute of the day, shape [1440]: busy at noon and after work."""
    minutes = np.arange(24 * 60)
    busy = 0.35 + np.exp(-(((minutes - 735) / 70) ** 2)) + 1.3 * np.exp(-(((minutes - 1080) / 80) ** 2))
    busy[(minutes < opens * 60) | (minutes >= closes * 60)] = 0
    return busy / busy.sum()


def _moment(random: np.random.Generator, day: date, hours: Floats) -> datetime:
    """A moment in the opening hours; some were typed in to the minute or the second, tills differ in precision."""
    minute = int(np.searchsorted(np.cumsum(hours), random.random(), side="right"))
    second, micros, precision = (int(n) for n in random.integers((0, 0, 0), (60, 1_000_000, 20)))
    if precision == 0:
        second = micros = 0
    elif precision <= 3:
        micros = 0
    elif precision <= 7:
        micros -= micros % 1000
    return datetime.combine(day, time.min) + timedelta(minutes=min(minute, 1439), seconds=second, microseconds=micros)


def _sync_late(random: np.random.Generator, sales: list[Sale], share: float) -> list[Sale]:
    late = random.random(len(sales)) < share
    hours = random.uniform(4, 72, size=len(sales))
    return [
        Sale(sale.id, sale.sold_at, sale.total_amount, sale.items, sale.sold_at + timedelta(hours=float(hours[n])))
        if late[n]
        else sale
        for n, sale in enumerate(sales)
    ]


def _products(shop_days: list[date], sales: list[Sale], deliveries: Ints) -> list[Product]:
    """The products with their stock after every sale and delivery (at 07:00); what comes back is not sold again."""
    moves: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for row, column in zip(*np.nonzero(deliveries), strict=True):
        moment = datetime.combine(shop_days[int(row)], time(7))
        moves[int(column) + 1].append((moment, int(deliveries[row, column])))
    for sale in sales:
        for item in sale.items:
            if item.quantity > 0:
                moves[item.product_id].append((sale.sold_at, -item.quantity))
    products = []
    for number, article in enumerate(_ARTICLES, start=1):
        stock, levels = 0, []
        for moment, pieces in sorted(moves[number]):
            stock += pieces
            levels.append((moment, stock))
        threshold = max(2, round(article.pieces * 3))
        if article.fate == "low":
            threshold = max(threshold, stock + 3)
        products.append(
            Product(
                id=number,
                sku=article.sku,
                name=article.name,
                price=article.price,
                stock_quantity=stock,
                low_stock_threshold=threshold,
                cost=round(article.price * (0.55 + number % 7 * 0.04), 2),
                category=article.category,
                levels=tuple(levels),
                created_at=datetime.combine(shop_days[0], time(7)),
            )
        )
    return products
