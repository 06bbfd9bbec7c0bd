"""A made-up shop's day and product tables, and the real one's, in the shape that `detect` takes."""

import numpy as np
import pandas as pd

from tests.stand_ins.shops import REAL_SALES


def made_up(
    *,
    days: int = 210,
    n_products: int = 16,
    mean: tuple[float, float] = (4.0, 60.0),
    start: str = "2025-01-06",
    seed: int = 5,
) -> pd.DataFrame:
    """Product rows of a shop that is closed on Sundays: date, sku, name, quantity, revenue, transactions; `mean` pieces a day."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range(start, periods=days)
    weekday = np.array([0.8, 0.8, 0.9, 1.0, 1.2, 1.6, 0.0])[dates.day_of_week]
    expected = np.exp(rng.uniform(np.log(mean[0]), np.log(mean[1]), (n_products, 1))) * weekday
    quantity = rng.negative_binomial(30, 30 / (30 + np.maximum(expected, 1e-9)))
    quantity[:, weekday == 0] = 0
    price = rng.integers(150, 3000, n_products)
    rows = pd.DataFrame(
        {
            "date": np.tile(dates, n_products),
            "sku": np.repeat([f"P{i:02d}" for i in range(n_products)], days),
            "name": np.repeat([f"Product {i}" for i in range(n_products)], days),
            "quantity": quantity.ravel(),
            "revenue": (quantity * price[:, None]).ravel(),
        }
    )
    rows["transactions"] = np.ceil(rows["quantity"] / 2).astype(int)
    return rows[rows["quantity"] > 0].reset_index(drop=True)


def day_table(products: pd.DataFrame, *, cut_at: dict[str, int] | None = None) -> pd.DataFrame:
    """The shop's day table of `products`: sales spread evenly over 9:00 to 18:00, or until the hour `cut_at` says for a day."""
    shop = products.groupby("date", as_index=False)[["revenue", "quantity", "transactions"]].sum()
    shop["first_sale"] = shop["date"] + pd.Timedelta(hours=9, minutes=5)
    close = [(cut_at or {}).get(f"{d:%Y-%m-%d}", 18) for d in shop["date"]]
    shop["last_sale"] = shop["date"] + pd.to_timedelta(close, unit="h") - pd.Timedelta(minutes=7)
    for hour in range(24):
        shop[f"h{hour:02d}"] = [
            r // (c - 9) + (r % (c - 9) if hour == 9 else 0) if 9 <= hour < c else 0
            for r, c in zip(shop["revenue"], close, strict=True)
        ]
    return shop


def real() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Day and product table of Online Retail: sales net of cancellations, with what came back in `returned_*`; pence."""
    lines = pd.read_parquet(REAL_SALES)
    lines = lines[(lines["UnitPrice"] > 0) & (lines["Quantity"] != 0)]
    lines = lines.assign(
        date=lines["InvoiceDate"].dt.normalize(),
        revenue=np.rint(lines["Quantity"] * lines["UnitPrice"] * 100).astype("int64"),
        hour=lines["InvoiceDate"].dt.hour,
        back=lines["Quantity"] < 0,
    )
    lines["returned_quantity"] = -lines["Quantity"].where(lines["back"], 0)
    lines["returned_revenue"] = -lines["revenue"].where(lines["back"], 0)
    sold = lines[~lines["back"]]
    sums = {
        "quantity": ("Quantity", "sum"), "revenue": ("revenue", "sum"),
        "returned_quantity": ("returned_quantity", "sum"), "returned_revenue": ("returned_revenue", "sum"),
    }  # fmt: skip
    shop = lines.groupby("date").agg(**sums)
    by_day = sold.groupby("date")
    shop["transactions"] = by_day["InvoiceNo"].nunique()
    shop["first_sale"], shop["last_sale"] = by_day["InvoiceDate"].min(), by_day["InvoiceDate"].max()
    hours = sold.pivot_table(index="date", columns="hour", values="revenue", aggfunc="sum").reindex(columns=range(24))
    shop = shop.join(hours.fillna(0).astype("int64").rename(columns=lambda h: f"h{h:02d}"))
    products = lines.groupby(["date", "StockCode"]).agg(
        name=("Description", "last"), **sums, transactions=("InvoiceNo", "nunique")
    )
    return shop.reset_index(), products.reset_index().rename(columns={"StockCode": "sku"})
