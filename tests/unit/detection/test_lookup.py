"""A product asked for by SKU or name is found, or the error says what comes near."""

from typing import Any

import pandas as pd
import pytest

from salesflow.detection import UnknownProduct, find_product
from salesflow.errors import InvalidJobEvent

PRODUCTS = pd.DataFrame(
    [
        ("2025-01-01", "A1", "Old name"),
        ("2025-02-01", "A1", "Crème Brûlée  dish"),
        ("2025-01-01", "a1", "Napkins"),
        ("2025-01-01", "B7", "Red mug"),
        ("2025-01-01", "B8", "RED MUG"),
        ("2025-01-01", "C3", "Red jug"),
        ("2025-01-01", "", "Postage"),
        ("2025-01-01", "D4", "Straße sign"),
    ],
    columns=["date", "sku", "name"],
)


def test_an_exact_sku_is_itself_and_case_is_forgiven_otherwise() -> None:
    assert find_product(PRODUCTS, sku="a1") == ("a1", "Napkins")
    assert find_product(PRODUCTS, sku="b7") == ("B7", "Red mug")


def test_names_are_compared_without_case_accents_and_spaces() -> None:
    assert find_product(PRODUCTS, name="creme brulee dish")[0] == "A1"
    assert find_product(PRODUCTS, name="STRASSE sign")[0] == "D4"


def test_a_name_of_former_days_still_finds_its_product() -> None:
    assert find_product(PRODUCTS, name="old name") == ("A1", "Crème Brûlée  dish")


def test_what_two_products_share_is_refused_and_their_skus_are_named() -> None:
    with pytest.raises(
        UnknownProduct, match=r"More than one product is named 'red mug': 'B7' \(Red mug\); 'B8'"
    ) as caught:
        find_product(PRODUCTS, name="red mug")
    assert [sku for sku, _ in caught.value.near] == ["B7", "B8"]


def test_what_is_on_stock_and_never_sold_is_a_product() -> None:
    stock = {"N1": "New teapot", "": "Nameless", "B7": "Red mug, large"}
    assert find_product(PRODUCTS, sku="n1", stock=stock) == ("N1", "New teapot")
    assert find_product(PRODUCTS, name="new teapot", stock=stock) == ("N1", "New teapot")
    assert find_product(PRODUCTS, name="red mug, large", stock=stock)[0] == "B7"
    with pytest.raises(UnknownProduct, match=r"Did you mean 'N1' \(New teapot\)"):
        find_product(PRODUCTS, name="new tea", stock=stock)


def test_what_is_unknown_is_refused_with_near_matches() -> None:
    with pytest.raises(UnknownProduct, match=r"is named 'red mog'. Did you mean 'B7' \(Red mug\)") as caught:
        find_product(PRODUCTS, name="red mog")
    assert isinstance(caught.value, InvalidJobEvent)
    assert [sku for sku, _ in caught.value.near] == ["B7", "C3"]
    with pytest.raises(UnknownProduct) as caught:
        find_product(PRODUCTS, name="brûlée")
    assert caught.value.near[0] == ("A1", "Crème Brûlée  dish")
    with pytest.raises(UnknownProduct, match=r"has the SKU 'B9'\. Did you mean 'B"):
        find_product(PRODUCTS, sku="B9")


def test_nothing_near_says_so_and_rows_without_a_sku_are_no_products() -> None:
    for name in ("zzzzqqq", "Postage"):
        with pytest.raises(UnknownProduct, match="None of the 6 known products comes near it") as caught:
            find_product(PRODUCTS, name=name)
        assert caught.value.near == ()


@pytest.mark.parametrize("both", [{}, {"sku": "A1", "name": "Red mug"}])
def test_exactly_one_of_sku_and_name_is_asked(both: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either sku or name"):
        find_product(PRODUCTS, **both)
