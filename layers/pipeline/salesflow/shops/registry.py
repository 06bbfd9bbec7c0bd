"""Which shops a stack serves, and how each stands: one row a shop (`shops`, its id), without a shop's prefix: they are the stack's own.

The stack's own shop is always there, without a row. The functions of a shop never read this: what they work with is the shop's own row of
settings. The desk, the fleet machine and the watchdog do.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from salesflow import clock
from salesflow.errors import SalesFlowError
from salesflow.rows import ConditionFailed, Row, Rows
from salesflow.shop_id import MAIN_SHOP, shop_id
from salesflow.shops.book import NoSuchShop
from salesflow.stored import UnreadableRow, reading

PARTITION: Final = "shops"


class ShopExists(SalesFlowError):
    """The stack has a shop of this id already."""


class ShopState(StrEnum):
    """How a shop stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    """Its schedules stand still; it can be run by hand."""
    REMOVING = "removing"
    """What it left is being deleted; it is not run again."""
    UNREADABLE = "unreadable"
    """Its row cannot be read: it is left alone and named, and hides no other."""


@dataclass(frozen=True, slots=True)
class Member:
    """A shop of the stack; `added_by` is who added it, as AWS knows them. The stack's own shop says neither when nor who.

    paused: the schedules that fired until it was paused, by id; removed: what its removal has deleted so far, by kind; problem: what is
    wrong with a row that cannot be read, and what to do.
    """

    id: str
    state: ShopState = ShopState.ACTIVE
    added_at: datetime | None = None
    added_by: str = ""
    paused: tuple[str, ...] = ()
    removed: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""


class ShopRegistry:
    """The shops of a stack. `rows` are those of the stack's own shop.

    Raises LedgerUnavailable where DynamoDB does not do its part.
    """

    def __init__(self, rows: Rows) -> None:
        if rows.shop != MAIN_SHOP:
            raise ValueError(f"the registry is the stack's, not the rows of the shop {rows.shop}")
        self._rows = rows

    def get(self, shop: str) -> Member:
        """A shop. One call. Raises NoSuchShop, UnreadableRow, and ValueError for what no shop may be called."""
        if shop == MAIN_SHOP:
            return Member(MAIN_SHOP)
        row = self._rows.get(_key(shop))
        if row is None:
            raise _unknown(shop)
        return _member(row)

    def is_alone(self) -> bool:
        """Whether the stack has no other shop than its own. One call."""
        return not self._rows.newest(PARTITION, 1)

    def all(self) -> list[Member]:
        """Every shop: the stack's own first, then by id."""
        return [Member(MAIN_SHOP), *map(_named, self._rows.between(PARTITION, "0", "zz~"))]

    def add(self, shop: str, *, by: str) -> Member:
        """Take a shop in. Raises ShopExists, and ValueError for what no shop may be called."""
        at = clock.now().astimezone(UTC)
        taken = ShopExists(
            f"This stack has a shop {shop} already.", action="Take another id, or change that one (settings set)."
        )
        if shop == MAIN_SHOP:
            raise taken
        row: Row = {
            **_key(shop),
            "status": str(ShopState.ACTIVE),
            "added_at": at.isoformat(timespec="microseconds"),
            "added_by": by,
        }
        try:
            self._rows.put_if(row, "attribute_not_exists(pk)", {})
        except ConditionFailed as failed:
            there = failed.row or {}
            if (there.get("added_at"), there.get("added_by")) != (row["added_at"], by):
                raise taken from None
            # The write took effect though its answer was lost, and the SDK repeated it.
        return Member(shop, ShopState.ACTIVE, at, by)

    def mark(
        self, shop: str, state: ShopState, *, paused: Collection[str] = (), removed: Mapping[str, int] | None = None
    ) -> None:
        """Say how a shop stands from now on; one that is being removed stays so. Raises NoSuchShop."""
        try:
            self._rows.update_if(
                _key(shop),
                "attribute_exists(pk) AND (#status <> :removing OR :wanted = :removing)",
                {"removing": str(ShopState.REMOVING), "wanted": str(state)},
                change={"status": str(state), "paused": sorted(paused), "removed": dict(removed or {})},
            )
        except ConditionFailed as failed:
            if failed.row is None:
                raise _unknown(shop) from None
            raise NoSuchShop(
                f"The shop {shop} is being removed.", action=f"Let that end: salesflow-ops shops remove {shop}."
            ) from None

    def drop(self, shop: str) -> None:
        """Forget a shop, of which nothing is left; one that is not there is forgotten already."""
        self._rows.delete(_key(shop))


def _key(shop: str) -> dict[str, str]:
    return {"pk": PARTITION, "sk": shop_id(shop)}


def _unknown(shop: str) -> NoSuchShop:
    return NoSuchShop(f"This stack has no shop {shop}.", action="salesflow-ops shops list shows those it has.")


def _named(row: Row) -> Member:
    """The shop of a row, also of one that cannot be read."""
    try:
        return _member(row)
    except UnreadableRow as error:
        return Member(str(row["sk"]), ShopState.UNREADABLE, problem=str(error))


def _member(row: Row) -> Member:
    with reading(row):
        return Member(
            id=shop_id(row["sk"]),
            state=ShopState(row["status"]),
            added_at=datetime.fromisoformat(row["added_at"]),
            added_by=str(row.get("added_by", "")),
            paused=tuple(row.get("paused", ())),
            removed={str(kind): int(count) for kind, count in row.get("removed", {}).items()},
        )
