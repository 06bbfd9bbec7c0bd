"""Which SKU is meant: the one product with a SKU or a name, or an error that names what comes near."""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping

import pandas as pd

from salesflow.errors import InvalidJobEvent

NEAR = 3
LIKE = 0.5
"""SKUs and names at least so alike (difflib's ratio) are offered as near matches."""
LISTED = 10
LONGEST = 60


class UnknownProduct(InvalidJobEvent):
    """Not one product has this SKU or name; `near`: the (SKU, name) that come close, best first, or all that share the name."""

    def __init__(self, message: str, *, action: str, near: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message, action=action)
        self.near = near


def find_product(
    products: pd.DataFrame,
    *,
    sku: str | None = None,
    name: str | None = None,
    stock: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """SKU and name of the one product with this `sku`, or this `name`.

    `products`: rows with date, sku and name, as `detect` takes them; `stock`: SKU to name of what the stock list holds beside them, also
    of what never sold. The exact SKU goes first, then one that differs in case or accents only. A name is looked for among the newest
    names, then among those that a product had before; case, accents and spaces do not matter.

    Raises `UnknownProduct` naming near matches, or the SKUs that share the name; ValueError unless exactly one of the two is given.
    """
    if (sku is None) == (name is None):
        raise ValueError("give either sku or name")
    rows = products.sort_values("date", kind="stable")[["sku", "name"]].astype(str)
    rows = rows[rows["sku"].str.strip() != ""]
    names = dict(zip(rows["sku"], rows["name"], strict=True)) | {s: n for s, n in (stock or {}).items() if s.strip()}
    if sku is not None:
        found = [sku] if sku in names else [s for s in names if plain(s) == plain(sku)]
    else:
        wanted = plain(str(name))
        found = [s for s, known in names.items() if plain(known) == wanted]
        if not found:
            before = rows.drop_duplicates()
            found = sorted(set(before.loc[before["name"].map(plain) == wanted, "sku"]))
    if len(found) == 1:
        return found[0], names[found[0]]
    asked = f"has the SKU {sku[:LONGEST]!r}" if sku is not None else f"is named {str(name)[:LONGEST]!r}"
    if found:
        alike = tuple((s, names[s]) for s in sorted(found))
        raise UnknownProduct(
            f"More than one product {asked}: {_listed(alike[:LISTED])}.",
            action="Name the product by its sku.",
            near=alike,
        )
    near = tuple((s, names[s]) for s in _near(sku if sku is not None else str(name), names))
    hint = f"Did you mean {_listed(near)}?" if near else f"None of the {len(names)} known products comes near it."
    field = "sku" if sku is not None else "name"
    raise UnknownProduct(
        f"No product {asked}. {hint}", action=f"Correct {field} in the event and fire it again.", near=near
    )


def plain(text: str) -> str:
    """Text as it is compared: case folded, accents off, runs of spaces one."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())


def _listed(products: Iterable[tuple[str, str]]) -> str:
    return "; ".join(repr(s) if n == s else f"{s!r} ({n[:LONGEST]})" for s, n in products)


def _near(wanted: str, names: Mapping[str, str]) -> list[str]:
    """Up to three SKUs whose SKU or name comes near: those that hold the wanted words first, then by likeness."""
    wanted = plain(wanted)
    by_key: dict[str, str] = {}
    for sku, name in names.items():
        for key in (plain(sku), plain(name)):
            by_key.setdefault(key, sku)
    holding = sorted((k for k in by_key if len(wanted) >= 3 and wanted in k), key=len)[:NEAR]
    alike = difflib.get_close_matches(wanted, list(by_key), n=2 * NEAR, cutoff=LIKE)
    return list(dict.fromkeys(by_key[key] for key in [*holding, *alike]))[:NEAR]
