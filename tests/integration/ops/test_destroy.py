"""A stack is taken down, and what stays is said."""

from __future__ import annotations

from local.shop import LocalShop
from tests.integration.ops.running import Desk


def test_it_is_taken_down_only_when_that_was_meant_and_says_what_stays(desk: Desk, shop: LocalShop) -> None:
    outputs = shop.cloud.stack.outputs
    asked = desk("destroy")
    assert (asked.code, "say --yes" in asked.err) == (1, True)
    assert desk("schedules", "list").code == 0
    gone = desk("destroy", "--yes")
    assert gone.code == 0, gone.err
    assert f"aws s3 rb s3://{outputs['ReportsBucketName']} --force" in gone.out
    assert outputs["StateTableName"] in gone.out
    assert desk("schedules", "list").code == 3
