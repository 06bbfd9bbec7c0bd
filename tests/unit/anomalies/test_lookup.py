"""A product asked for by SKU or name is found, or the error says what comes near."""

import pandas as pd
import pytest

from salesflow.anomalies import UnknownProduct, find_product
from salesflow.errors import SalesFlowError

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
    assert find_product(PRODUCTS, sku="a1") == ("a1",)
    assert find_product(PRODUCTS, sku="b7") == ("B7",)


def test_names_are_compared_without_case_accents_and_spaces_and_all_of_that_name_are_meant() -> None:
    assert find_product(PRODUCTS, name="creme brulee dish") == ("A1",)
    assert find_product(PRODUCTS, name="STRASSE sign") == ("D4",)
    assert find_product(PRODUCTS, name="red mug") == ("B7", "B8")


def test_an_unknown_name_is_refused_with_near_matches() -> None:
    with pytest.raises(UnknownProduct, match=r"named 'red mog'.*Did you mean Red mug \(SKU B7\)") as caught:
        find_product(PRODUCTS, name="red mog")
    assert isinstance(caught.value, SalesFlowError)
    assert [sku for sku, _ in caught.value.near] == ["B7", "C3"]
    with pytest.raises(UnknownProduct) as caught:
        find_product(PRODUCTS, name="brûlée")
    assert caught.value.near[0] == ("A1", "Crème Brûlée  dish")


def test_nothing_near_says_so_and_old_names_and_rows_without_a_sku_are_no_products() -> None:
    for name in ("zzzzqqq", "Postage"):
        with pytest.raises(UnknownProduct, match="nothing that sold comes near") as caught:
            find_product(PRODUCTS, name=name)
        assert caught.value.near == ()
    with pytest.raises(UnknownProduct):
        find_product(PRODUCTS, name="Old name")
    with pytest.raises(UnknownProduct, match="with the SKU 'B9'"):
        find_product(PRODUCTS, sku="B9")


@pytest.mark.parametrize("both", [{}, {"sku": "A1", "name": "Red mug"}])
def test_exactly_one_of_sku_and_name_is_asked(both: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either sku or name"):
        find_product(PRODUCTS, **both)
