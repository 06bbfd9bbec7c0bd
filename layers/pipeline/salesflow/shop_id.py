"""Which shop: the part of every key that tells one shop of a stack from another.

The stack's own shop, `main`, keeps the contract's keys as they are; every other one has `shops/{id}/` before each key of the bucket
and `{id}|` before each partition key of the state table.
"""

import re
from typing import Final

MAIN_SHOP: Final = "main"
"""The stack's own shop."""

SHOP_TAG: Final = "shop"
"""What says the shop in the tags of a mail and of a session. Mails of `main` have none."""

_ID = re.compile(r"(?=.{1,32}\Z)[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


def is_shop_id(value: str) -> bool:
    """Whether a shop may have it as its id."""
    return _ID.fullmatch(value) is not None


def shop_id(value: str) -> str:
    """The id, if a shop may have it; raises ValueError that says what one looks like."""
    if not is_shop_id(value):
        raise ValueError(
            f"{value[:40]!r} is no shop's id: 1 to 32 small letters and digits, single hyphens between them, such as corner-store"
        )
    return value


def key_prefix(shop: str) -> str:
    """What stands before a shop's keys in the bucket."""
    return "" if shop == MAIN_SHOP else f"shops/{shop_id(shop)}/"


def partition_prefix(shop: str) -> str:
    """What stands before a shop's partition keys in the state table."""
    return "" if shop == MAIN_SHOP else f"{shop_id(shop)}|"
