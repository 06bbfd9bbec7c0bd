"""The shops of a stack: each once, none forgotten while something of it is left."""

from datetime import UTC, datetime
from typing import Any

import pytest

from salesflow.aws import AwsClients
from salesflow.rows import Rows
from salesflow.shops.book import NoSuchShop
from salesflow.shops.registry import Member, ShopExists, ShopRegistry, ShopState
from salesflow.stored import UnreadableRow
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.clocks import HandClock

MAIN = Member("main")
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def registry(clients: AwsClients, state_table: str, hand_clock: HandClock) -> ShopRegistry:
    hand_clock.moment = NOW
    return ShopRegistry(Rows(clients.dynamodb, state_table))


def test_the_stack_s_own_shop_is_always_there(registry: ShopRegistry) -> None:
    assert registry.get("main") == MAIN
    assert registry.all() == [MAIN]


def test_shops_are_listed_by_id_whatever_it_begins_with(registry: ShopRegistry) -> None:
    for shop in ("zz", "7eleven", "corner-store", "z" * 32):
        registry.add(shop, by="operator")
    assert [member.id for member in registry.all()] == ["main", "7eleven", "corner-store", "zz", "z" * 32]
    assert registry.get("zz") == Member("zz", ShopState.ACTIVE, NOW, "operator")


def test_a_shop_is_taken_in_once(registry: ShopRegistry, wire: Wire) -> None:
    wire.cut_after(calls("PutItem"))
    registry.add("corner", by="operator")  # the SDK repeats the write, whose first answer was lost
    for taken in ("corner", "main"):
        with pytest.raises(ShopExists, match=taken):
            registry.add(taken, by="another")


@pytest.mark.parametrize("bad", ["", "Corner", "a|b", "../main", "a" * 33, "-a"])
def test_what_no_shop_may_be_called_reaches_no_row(registry: ShopRegistry, bad: str) -> None:
    for use in (registry.get, registry.drop, lambda shop: registry.add(shop, by="operator")):
        with pytest.raises(ValueError, match="is no shop's id"):
            use(bad)


def test_a_shop_that_is_being_removed_stays_so_until_it_is_gone(registry: ShopRegistry) -> None:
    registry.add("corner", by="operator")
    registry.mark("corner", ShopState.PAUSED)
    assert registry.get("corner").state is ShopState.PAUSED
    registry.mark("corner", ShopState.REMOVING)
    registry.mark("corner", ShopState.REMOVING)
    with pytest.raises(NoSuchShop, match="being removed"):
        registry.mark("corner", ShopState.ACTIVE)
    registry.drop("corner")
    registry.drop("corner")
    for use in (registry.get, lambda shop: registry.mark(shop, ShopState.ACTIVE)):
        with pytest.raises(NoSuchShop, match="no shop corner"):
            use("corner")


def test_a_row_that_tells_of_no_shop_is_named_and_hides_no_other(
    registry: ShopRegistry, clients: AwsClients, state_table: str
) -> None:
    row: dict[str, Any] = {"pk": {"S": "shops"}, "sk": {"S": "corner"}, "status": {"S": "asleep"}}
    clients.dynamodb.put_item(TableName=state_table, Item=row)
    registry.add("deli", by="operator")
    main, corner, deli = registry.all()
    assert (main, deli.id, deli.problem) == (MAIN, "deli", "")
    assert (corner.id, corner.state) == ("corner", ShopState.UNREADABLE)
    assert "The row shops, corner" in corner.problem
    with pytest.raises(UnreadableRow, match="The row shops, corner"):
        registry.get("corner")


def test_the_registry_is_the_stack_s_own(clients: AwsClients, state_table: str) -> None:
    with pytest.raises(ValueError, match="the rows of the shop corner"):
        ShopRegistry(Rows(clients.dynamodb, state_table, "corner"))
