"""Which SKU is meant: a product found by its SKU or its name, or an error that names what comes near."""

import difflib
import unicodedata

import pandas as pd

from salesflow.errors import SalesFlowError

NEAR = 3
LIKE = 0.5
"""Names at least so alike (difflib's ratio) are offered as near matches."""


class UnknownProduct(SalesFlowError):
    """No product has this SKU or name; `near`: up to three (SKU, name) that come close, best first."""

    def __init__(self, asked: str, near: tuple[tuple[str, str], ...]) -> None:
        offered = "; ".join(name if name == sku else f"{name} (SKU {sku})" for sku, name in near)
        super().__init__(
            f"No product {asked} has ever sold.",
            action=f"Did you mean {offered}?"
            if near
            else "Check the SKU or the name; nothing that sold comes near it.",
        )
        self.near = near


def find_product(products: pd.DataFrame, *, sku: str | None = None, name: str | None = None) -> tuple[str, ...]:
    """The SKUs that are meant: the one `sku`, or all with the last known name `name`; upper and lower case and accents do not matter.

    `products`: rows with date, sku and name, as `detect` takes them. An exact SKU goes before one that differs in case.

    Raises `UnknownProduct` naming up to three near matches; ValueError unless exactly one of the two is given.
    """
    if (sku is None) == (name is None):
        raise ValueError("give either sku or name")
    rows = products[["date", "sku", "name"]].assign(sku=products["sku"].astype(str), name=products["name"].astype(str))
    last = (
        rows[rows["sku"].str.strip() != ""].sort_values("date", kind="stable").groupby("sku", sort=True)["name"].last()
    )
    names = {str(s): str(n) for s, n in last.items()}
    if sku is not None and sku in names:
        return (sku,)
    wanted = plain(sku if sku is not None else str(name))
    keys = {s: plain(s if sku is not None else n) for s, n in names.items()}
    found = tuple(s for s, key in keys.items() if key == wanted)
    if found:
        return found
    by_key: dict[str, str] = {}
    for s, key in keys.items():
        by_key.setdefault(key, s)
    near = tuple((by_key[key], names[by_key[key]]) for key in _near(wanted, list(by_key)))
    asked = f"with the SKU {sku!r}" if sku is not None else f"named {name!r}"
    raise UnknownProduct(asked, near)


def plain(text: str) -> str:
    """Text as it is compared: case folded, accents off, runs of spaces one."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())


def _near(wanted: str, keys: list[str]) -> list[str]:
    """Up to three keys that come near: those that hold the wanted words first, then by likeness."""
    holding = sorted((k for k in keys if len(wanted) >= 3 and wanted in k), key=len)[:NEAR]
    alike = difflib.get_close_matches(wanted, keys, n=NEAR, cutoff=LIKE)
    return list(dict.fromkeys([*holding, *alike]))[:NEAR]
