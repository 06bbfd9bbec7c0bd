"""Where the channels of each shop are kept: sealed, in rows of its own."""

import json
from typing import Any

import pytest

from salesflow.aws import AwsClients
from salesflow.delivery.ways import SealedWays, UnusableWay, Ways, WaysUnreadable
from salesflow.rows import LedgerUnavailable, Rows
from salesflow.shops.sealed import NotSealed
from tests.stand_ins.aws import Wire, calls

URL = "https://hooks.example.com/services/T0/B0/a-secret"


@pytest.fixture
def corner(clients: AwsClients, state_table: str, key: str) -> SealedWays:
    """The channels of the shop corner."""
    return SealedWays(Rows(clients.dynamodb, state_table, "corner"), clients.kms, key)


def items(clients: AwsClients, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = clients.dynamodb.scan(TableName=table)["Items"]
    return found


@pytest.mark.parametrize("whose", ["main", "corner"])
def test_a_channel_is_kept_changed_and_forgotten_beside_the_others(
    whose: str, kept: SealedWays, corner: SealedWays
) -> None:
    kept = corner if whose == "corner" else kept
    kept.keep("slack:shop", {"url": "https://old.example.com/x"})
    kept.keep("teams:office", {"url": "https://teams.example.com/x"})
    kept.keep("slack:shop", {"url": URL})
    assert Ways(kept).of("slack:shop").url == URL
    kept.forget("slack:shop")
    assert dict(kept.read()) == {"teams:office": {"url": "https://teams.example.com/x"}}
    with pytest.raises(UnusableWay, match="No channel slack:shop is set up"):
        Ways(kept).of("slack:shop")


@pytest.mark.parametrize("whose", ["main", "corner"])
def test_a_shop_s_channel_opens_for_it_alone_and_can_be_read_nowhere(
    clients: AwsClients, state_table: str, kept: SealedWays, corner: SealedWays, key: str, whose: str
) -> None:
    mine, prefix = (kept, "") if whose == "main" else (corner, "corner|")
    mine.keep("slack:shop", {"url": URL})
    (item,) = items(clients, state_table)
    assert (item["pk"]["S"], item["sk"]["S"]) == (f"{prefix}channel", "slack:shop")
    assert "a-secret" not in json.dumps(item)
    other = SealedWays(Rows(clients.dynamodb, state_table, "corner-2"), clients.kms, key)
    assert dict(other.read()) == {}
    clients.dynamodb.put_item(TableName=state_table, Item=item | {"pk": {"S": "corner-2|channel"}})
    other.keep("teams:office", {"url": URL})
    ways = Ways(other)
    with pytest.raises(UnusableWay, match="Set it anew: salesflow-ops channels set slack:shop"):
        ways.of("slack:shop")
    assert ways.of("teams:office").url == URL, "a row that opens for nobody hides no other"


def test_a_key_that_cannot_be_asked_now_makes_no_channel_unusable(corner: SealedWays, wire: Wire) -> None:
    """It is tried again: the channel's readers are told later."""
    corner.keep("slack:shop", {"url": URL})
    wire.refuse(calls("Decrypt"), 400, "ThrottlingException", times=9)
    with pytest.raises(WaysUnreadable, match="ThrottlingException"):
        Ways(corner).of("slack:shop")
    wire.reset()
    wire.refuse(calls("Query"), 400, "AccessDeniedException")
    with pytest.raises(WaysUnreadable, match="AccessDenied"):
        Ways(corner).of("slack:shop")


def test_what_is_not_sealed_is_not_kept(clients: AwsClients, state_table: str, corner: SealedWays, wire: Wire) -> None:
    with pytest.raises(NotSealed, match="4,096"):
        corner.keep("slack:shop", {"url": "https://hooks.example.com/" + "x" * 5000})
    wire.refuse(calls("PutItem"), 400, "AccessDeniedException")
    with pytest.raises(LedgerUnavailable):
        corner.keep("slack:shop", {"url": URL})
    assert items(clients, state_table) == []
