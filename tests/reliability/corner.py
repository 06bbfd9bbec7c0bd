"""Another shop of a world's stack: with sales, a token, settings and a reader of her own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from local.api import SalesFlowServer, SalesStore
from salesflow.rows import Rows
from salesflow.shop_id import MAIN_SHOP
from salesflow.shops.book import SettingsBook, Version
from salesflow.shops.token import keep_token
from tests.reliability.world import READERS, TABLE, ZONE, World

CORNER = "corner"
HERS = "reader@corner.example.com"
ROLE = "arn:aws:iam::123456789012:role/shop-ShopRole-1"
PEOPLE: Mapping[str, tuple[str, ...]] = {MAIN_SHOP: READERS, CORNER: (HERS,)}
"""The readers of each shop's reports."""


@contextmanager
def corner_shop(world: World, store: SalesStore, *, zone: ZoneInfo = ZONE) -> Iterator[SalesFlowServer]:
    """Her API, which ends with the block. The world is reset, and she is there after every reset from now on."""
    with SalesFlowServer(
        store, clock=lambda: world.clock().astimezone(zone).replace(tzinfo=None), dates=world.clock
    ) as api:
        world.gateway.other_apis[CORNER] = api.port
        world.settings["SHOP_ROLE_ARN"] = ROLE
        world.reset()
        rows = Rows(world.client("dynamodb"), TABLE, CORNER)
        kms = world.client("kms")
        keep_token(rows, kms, kms.create_key()["KeyMetadata"]["KeyId"], api.issue_token(timedelta(days=3650)))
        values: dict[str, Any] = {
            "salesflow_api_url": f"{world.gateway.endpoint}/{CORNER}/api/v1",
            "timezone": zone.key,
            "currency": "KES",
            "report_recipients": [HERS],
            "alert_recipients": [],
            "owner_recipients": [f"owner@{CORNER}.example.com"],
            "history_days": "180",
        }
        SettingsBook(rows).write(values, over=Version(), by="desk")
        hers = world.rows()
        world.after_reset = lambda: [world.client("dynamodb").put_item(TableName=TABLE, Item=row) for row in hers]
        yield api
