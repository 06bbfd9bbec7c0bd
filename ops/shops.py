"""Taking a shop into a stack and out of it: what that makes, and what it deletes, so that either can be taken up again where it ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ops import shop_schedules
from ops.complaints import Failed
from ops.shop_settings import replace
from ops.target import Stack
from salesflow import clock
from salesflow.alerts.book import MUTE
from salesflow.ledger import RunRecord, RunStatus
from salesflow.ledger.runs import RUN_PREFIX
from salesflow.rows import Row
from salesflow.settings import Stored
from salesflow.shop_id import key_prefix
from salesflow.shops.book import PARTITION as SETTINGS
from salesflow.shops.registry import ShopExists, ShopState

AT_ONCE = 1000
"""As many objects as DeleteObjects takes."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was deleted of a shop that left: counts by kind (`schedules`, `object versions`, `rows: settings`, ...), when and by whom."""

    shop: str
    added_at: datetime | None
    removed_at: datetime
    removed_by: str
    deleted: Mapping[str, int]

    @property
    def key(self) -> str:
        """Where it lies in the bucket: among the stack's own objects."""
        return f"receipts/{self.shop}/{self.removed_at:%Y%m%dT%H%M%SZ}.json"


def take_in(stack: Stack, values: Mapping[str, Stored]) -> bool:
    """Take a shop in: its place in the registry, and its settings; False where both were there, from one that was interrupted.

    Its token and its schedules come after it: nothing is fired that has no settings. Raises ShopExists for a shop of other settings, and
    Failed for one that is being removed.
    """
    try:
        stack.registry.add(stack.shop, by=stack.who)
    except ShopExists:
        member, version = stack.registry.get(stack.shop), stack.settings_version
        if member.state is ShopState.REMOVING:
            raise Failed(
                f"The shop {stack.shop} is being removed.",
                action=f"Let that end (salesflow-ops shops remove {stack.shop}), then add it anew.",
            ) from None
        if member.state is not ShopState.ACTIVE or (version.number and version.values != values):
            raise
        if version.number:
            return False
    replace(stack, values)
    return True


def pause(stack: Stack) -> list[str]:
    """Let the shop's schedules stand still; the ids of those that fired until now."""
    before = stack.registry.get(stack.rows.shop)
    stopped = sorted({*before.paused, *shop_schedules.stop(stack)})
    stack.registry.mark(stack.shop, ShopState.PAUSED, paused=stopped)
    return stopped


def resume(stack: Stack) -> list[str]:
    """Let the schedules fire again that fired until the shop was paused; their ids."""
    before = stack.registry.get(stack.rows.shop)
    started = shop_schedules.start(stack, before.paused)
    stack.registry.mark(stack.shop, ShopState.ACTIVE)
    return started


class Removal:
    """A shop's way out: schedules, settings, objects with all their versions, rows, in this order; each step counted where it is done.

    Once its schedules and settings are gone, no run of it begins any more.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._member = stack.registry.get(stack.rows.shop)
        self._deleted = Counter(self._member.removed)

    def run(self) -> Iterator[str]:
        """Do it; what is being deleted, step by step. Raises Failed while a run of the shop is at work, and where something is left."""
        self._note()
        yield "schedules"
        self._deleted["schedules"] += len(shop_schedules.remove(self._stack))
        yield "settings"
        self._rows([row for row in self._rows_left() if row["pk"] == SETTINGS])
        self._ensure_nobody_is_at_work()
        for n in range(2):  # a second look at what a run that ended in between has left
            yield "files" if n == 0 else "once more"
            self._objects()
            self._rows(self._rows_left())
        if self._rows_left() or any(self._versions()):
            raise Failed(
                f"Something of the shop {self._stack.shop} was written while it was being removed.",
                action="Run the same command again.",
            )

    def finish(self) -> Receipt:
        """Write the receipt and forget the shop."""
        now = clock.now().astimezone(UTC)
        receipt = Receipt(
            self._stack.shop, self._member.added_at, now, self._stack.who, dict(sorted(self._deleted.items()))
        )
        said = {
            "shop": receipt.shop,
            "added_at": receipt.added_at.isoformat() if receipt.added_at else None,
            "removed_at": now.isoformat(),
            "removed_by": receipt.removed_by,
            "deleted": receipt.deleted,
        }
        self._stack.client("s3").put_object(
            Bucket=self._stack.bucket,
            Key=receipt.key,
            Body=json.dumps(said, indent=1).encode(),
            ContentType="application/json",
        )
        self._stack.registry.drop(self._stack.shop)
        return receipt

    def _note(self) -> None:
        """What was deleted so far, where the same command finds it again."""
        self._stack.registry.mark(self._stack.shop, ShopState.REMOVING, removed=self._deleted)

    def _ensure_nobody_is_at_work(self) -> None:
        now = clock.now()
        for row in self._rows_left(RUN_PREFIX):
            if row.get("status") != RunStatus.RUNNING:
                continue
            run = RunRecord.from_row(row)
            if run.is_alive(now):
                until = run.lease_until or now + timedelta(minutes=15)
                raise Failed(
                    f"Run {run.run_id} of {run.identity} is at work until {until:%H:%M:%S} UTC at the latest; its schedules are gone already.",
                    action=f"Run the same command again when it is over: salesflow-ops shops remove {self._stack.shop}.",
                )

    def _rows_left(self, partitions: str = "") -> list[Row]:
        return self._stack.rows.everywhere(partitions)

    def _rows(self, rows: list[Row]) -> None:
        for n, row in enumerate(rows, 1):
            self._stack.rows.delete({"pk": row["pk"], "sk": row["sk"]})
            self._deleted[f"rows: {_kind(row)}"] += 1
            if n % AT_ONCE == 0:
                self._note()
        self._note()

    def _objects(self) -> None:
        batch: list[dict[str, Any]] = []
        for one in self._versions():
            batch.append(one)
            if len(batch) == AT_ONCE:
                self._delete(batch)
                batch = []
        self._delete(batch)

    def _delete(self, batch: list[dict[str, Any]]) -> None:
        if not batch:
            return
        names = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in batch]
        answer = self._stack.client("s3").delete_objects(
            Bucket=self._stack.bucket, Delete={"Objects": names, "Quiet": True}
        )
        if errors := answer.get("Errors"):
            raise Failed(
                f"s3://{self._stack.bucket}/{errors[0]['Key']} could not be deleted: {errors[0].get('Message')}.",
                action="You need s3:DeleteObjectVersion; then run the same command again.",
            )
        self._deleted["object versions"] += len(batch)
        self._deleted["bytes"] += sum(one.get("Size", 0) for one in batch)
        self._note()

    def _versions(self) -> Iterator[dict[str, Any]]:
        """Every version and delete marker below the shop's prefix."""
        pages = self._stack.client("s3").get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._stack.bucket, Prefix=key_prefix(self._stack.shop)):
            yield from page.get("Versions", ())
            yield from page.get("DeleteMarkers", ())


def _kind(row: Row) -> str:
    """What a row is about, as its partition key says it."""
    return "mute" if row["pk"] == MUTE else str(row["pk"]).partition("#")[0]
