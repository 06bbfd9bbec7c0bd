"""Whole shops whose truth is known: six kinds, sale by sale, with planted events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

START = date(2024, 1, 1)  # a Monday
LEARNT = 290
"""Days before the first planted event."""

DAYS = 470


@dataclass(frozen=True)
class Planted:
    """What happened, from day `first` to day `last` (numbers since START). `skus`: whom it touched; empty: the whole shop.

    `told`: whether an owner wants to hear of it; `slow`: in 14 open days, else in two.
    """

    what: str
    first: int
    last: int
    skus: frozenset[str] = frozenset()
    told: bool = True
    slow: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of shop. `sales` a day, `products`, `basket` lines a sale, `pieces` (mean a line), `price` range, `closed` weekdays (0 Monday),

    `noise`: log-spread of the whole shop's day; `season`: amplitude of the year; `growth` a day; `steep`: how unequal the products are.
    """

    name: str
    sales: float
    products: int
    basket: float = 1.5
    pieces: float = 1.2
    price: tuple[float, float] = (2.0, 20.0)
    closed: tuple[int, ...] = ()
    noise: float = 0.08
    season: float = 0.0
    growth: float = 0.0
    steep: float = 0.8
    lumpy: float = 0.0


KINDS = (
    Kind("corner shop", 30, 40),
    Kind("bakery, closed on Mondays", 110, 22, basket=2.0, pieces=2.0, price=(1.0, 9.0), closed=(0,)),
    Kind("wholesale, lumpy", 14, 60, basket=4.0, pieces=25.0, price=(3.0, 60.0), closed=(5, 6), noise=0.15, lumpy=0.9),
    Kind("vending machines", 160, 90, basket=1.0, pieces=1.0, price=(1.0, 4.0), noise=0.06, steep=0.5),
    Kind("seasonal", 45, 50, season=0.45, noise=0.1),
    Kind("growing fast", 40, 40, growth=np.log(3.0) / 470, noise=0.1),
)


@dataclass
class Shop:
    """Sale lines (`salesflow.analytics.lines`), the planted events, the stock of a day, and the true level of the shop and of a product."""

    kind: Kind
    lines: pd.DataFrame
    planted: list[Planted]
    stock: Callable[[date], Mapping[str, int]]
    level: Callable[[str | None, int], float]
    prices: dict[str, float] = field(default_factory=dict)


def day_of(number: int) -> date:
    """The date of a day's number."""
    return START + timedelta(days=number)


def drift(kind: Kind, day: int) -> float:
    """Growth and season of a kind of shop."""
    return float(np.exp(kind.growth * day) * (1 + kind.season * np.sin(2 * np.pi * (day - 80) / 365)))


def make(kind: Kind, seed: int) -> Shop:
    """A shop of this kind; the same seed makes the same one."""
    rng = np.random.default_rng((seed, sum(map(ord, kind.name))))
    n = kind.products
    skus = [f"P{k:03d}" for k in range(n)]
    weights = 1 / (np.arange(n) + 2.0) ** kind.steep
    weights /= weights.sum()
    low, high = np.log(kind.price)
    price = np.round(np.exp(rng.uniform(low, high, size=n)), 2)
    planted, plan = _plan(kind, rng, skus)
    weekday = np.array([0.85, 0.85, 0.9, 1.0, 1.2, 1.5, 0.7])
    rows: list[tuple[int, ...]] = []
    sale_id = 0
    for day in range(DAYS):
        of_week = day % 7
        opens = of_week not in kind.closed or day in plan.opened
        if not opens or day in plan.shut:
            continue
        level = (
            plan.shop_level(day) * np.exp(kind.growth * day) * (1 + kind.season * np.sin(2 * np.pi * (day - 80) / 365))
        )
        mean = kind.sales * weekday[of_week] * level * np.exp(rng.normal(0, kind.noise))
        count = int(rng.poisson(mean))
        own = weights * np.array([plan.product_level(sku, day) for sku in skus])
        seconds = np.sort(rng.integers(8 * 3600, 20 * 3600, count))
        if day in plan.cut:
            seconds = seconds[seconds < plan.cut[day] * 3600]
        lines_each = 1 + rng.poisson(kind.basket - 1, len(seconds))
        for second, many in zip(seconds.tolist(), lines_each.tolist(), strict=True):
            sale_id += 1
            chosen = rng.choice(n, size=min(many, n), replace=False, p=own / own.sum())
            for product in chosen.tolist():
                pieces = 1 + int(rng.poisson(kind.pieces - 1))
                if kind.lumpy:
                    pieces = max(1, round(float(np.exp(rng.normal(np.log(kind.pieces), kind.lumpy)))))
                each = round(100 * price[product] * plan.price_level(skus[product], day))
                rows.append((day, second, sale_id, product, pieces, each * pieces))
        for second, product, pieces in plan.extra.get(day, ()):
            sale_id += 1
            rows.append((day, second, sale_id, product, pieces, round(100 * price[product]) * pieces))
    table = _table(rows, skus)
    stock_of = _stock(skus, plan)
    return Shop(kind, table, planted, stock_of, plan.level, dict(zip(skus, price.tolist(), strict=True)))


@dataclass
class _Plan:
    """What the planted events do to each day."""

    shop: list[tuple[int, int, float]] = field(default_factory=list)
    ramps: list[tuple[int, int, float]] = field(default_factory=list)
    product: list[tuple[str, int, int, float]] = field(default_factory=list)
    price: list[tuple[str, int, int, float]] = field(default_factory=list)
    opened: set[int] = field(default_factory=set)
    shut: set[int] = field(default_factory=set)
    cut: dict[int, int] = field(default_factory=dict)
    extra: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)

    def shop_level(self, day: int) -> float:
        level = 1.0
        for first, last, times in self.shop:
            level *= times if first <= day <= last else 1.0
        for first, last, times in self.ramps:
            level *= times ** np.clip((day - first) / (last - first), 0, 1)
        return float(level)

    def product_level(self, sku: str, day: int) -> float:
        level = 1.0
        for one, first, last, times in self.product:
            level *= times if one == sku and first <= day <= last else 1.0
        return level

    def price_level(self, sku: str, day: int) -> float:
        level = 1.0
        for one, first, last, times in self.price:
            level *= times if one == sku and first <= day <= last else 1.0
        return level

    def level(self, sku: str | None, day: int) -> float:
        return self.shop_level(day) * (1.0 if sku is None else self.product_level(sku, day))


def _plan(kind: Kind, rng: np.random.Generator, skus: list[str]) -> tuple[list[Planted], _Plan]:
    """Events twelve days apart or more, in an order of chance, a slow doubling last."""
    plan, planted = _Plan(), []
    top = skus[: max(4, len(skus) // 10)]

    def trading(day: int) -> int:
        while day % 7 in kind.closed or day % 7 == 6:
            day += 1
        return day

    names = [
        "outage",
        "shift up",
        "shift down",
        "stock-out",
        "price error",
        "giant order",
        "refund",
        "delisted",
        "holiday",
    ]
    if kind.closed:
        names.append("open on a closed weekday")
    order = [str(name) for name in rng.permutation(names)]
    day = LEARNT
    for name in order:
        day = trading(day + int(rng.integers(0, 3)))
        sku = top[int(rng.integers(0, 3))]
        event = _of_products(name, day, sku, top[3], skus, kind, plan) or _of_shop(name, day, kind, plan)
        planted.append(event)
        day = max(day, event.last if name != "delisted" else day) + 8
    plan.ramps.append((day, day + 40, 2.0))
    planted.append(Planted("slow doubling", day, DAYS, slow=True))
    return planted, plan


def _of_products(name: str, day: int, sku: str, other: str, skus: list[str], kind: Kind, plan: _Plan) -> Planted | None:
    """An event of one product, put into the plan; None for another kind of event."""
    worth = kind.sales * kind.pieces
    match name:
        case "stock-out":
            plan.product.append((sku, day, day + 11, 0.0))
            return Planted(name, day, day + 11, frozenset({sku}), slow=True)
        case "price error":
            plan.price.append((sku, day, day + 1, 0.1))
            return Planted(name, day, day + 1, frozenset({sku}))
        case "giant order":
            plan.extra.setdefault(day, []).append((14 * 3600 + 720, skus.index(sku), max(60, int(4 * worth))))
            return Planted(name, day, day, frozenset({sku}))
        case "refund":
            plan.extra.setdefault(day, []).append((17 * 3600 + 1800, skus.index(sku), -max(60, int(3 * worth))))
            return Planted(name, day, day, frozenset({sku}))
        case "delisted":
            plan.product.append((other, day, DAYS, 0.0))
            plan.gone[other] = day
            return Planted(name, day, DAYS, frozenset({other}), told=False)
    return None


def _of_shop(name: str, day: int, kind: Kind, plan: _Plan) -> Planted:
    """An event of the whole shop, put into the plan."""
    match name:
        case "outage":
            plan.cut[day] = 11
        case "shift up" | "shift down":
            plan.shop.append((day, day + 7, 1.7 if name == "shift up" else 0.5))
            return Planted(name, day, day + 7)
        case "holiday":
            plan.shut.add(day)
        case _:
            while day % 7 not in kind.closed:
                day += 1
            plan.opened.add(day)
    return Planted(name, day, day)


def _stock(skus: list[str], plan: _Plan) -> Callable[[date], Mapping[str, int]]:
    def on(day: date) -> Mapping[str, int]:
        number = (day - START).days
        found = {}
        for sku in skus:
            gone = plan.gone.get(sku)
            if gone is not None and number >= gone:
                continue
            empty = plan.product_level(sku, number) == 0
            found[sku] = 0 if empty else 100
        return found

    return on


def _table(rows: list[tuple[int, ...]], skus: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["day", "second", "sale_id", "product", "quantity", "subtotal"])
    frame = frame.sort_values(["day", "second", "sale_id"], kind="stable", ignore_index=True)
    moment = np.datetime64(START, "us") + frame["day"].to_numpy() * np.timedelta64(1, "D")
    names = [f"Product {sku[1:]}" for sku in skus]
    return pd.DataFrame(
        {
            "sale_id": frame["sale_id"],
            "line": frame.groupby("sale_id").cumcount().astype("int32"),
            "sold_at": moment + frame["second"].to_numpy() * np.timedelta64(1, "s"),
            "sale_total": frame.groupby("sale_id")["subtotal"].transform("sum"),
            "product_id": frame["product"],
            "sku": pd.Categorical.from_codes(frame["product"], skus),
            "name": pd.Categorical.from_codes(frame["product"], names),
            "quantity": frame["quantity"],
            "unit_price": frame["subtotal"] / frame["quantity"] / 100,
            "subtotal": frame["subtotal"],
        }
    )
