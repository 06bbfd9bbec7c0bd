"""What the anomaly checks of a stack found: the open alerts, a check's saved file, and whom to keep quiet about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from botocore.exceptions import ClientError

from ops.complaints import NotFound
from ops.target import Stack
from salesflow.alerts.book import AlertBook, chain_of
from salesflow.alerts.result import PREFIX, result_key
from salesflow.figures import Figures
from salesflow.findings.subjects import SHOP
from salesflow.findings.wording import sentence
from salesflow.job_events import Scope
from salesflow.windows import Period

PARTS = ("shop", "products")


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that is open after the newest check: `about` the shop or a SKU, `told` whether its opening was mailed."""

    checked: date
    about: str
    severity: str
    since: date
    told: bool
    text: str


def called(subject: str) -> str:
    """A subject as an operator says it."""
    return "the whole shop" if subject == SHOP else subject.removeprefix("sku:")


def book_of(stack: Stack) -> AlertBook:
    """The stack's alert book."""
    return AlertBook(stack.rows)


def open_alerts(stack: Stack, period: Period, until: date) -> list[OpenAlert]:
    """The alerts that are open after the newest check of that period on or before `until`, the shop's first."""
    book = book_of(stack)
    figures = Figures(stack.settings.currency)
    pages = [book.newest(chain_of(part, period.value), until) for part in PARTS]
    return [
        OpenAlert(
            day,
            called(alert.subject),
            alert.severity.value,
            alert.since,
            alert.told,
            sentence(alert.statement, figures),
        )
        for day, alerts in filter(None, pages)
        for alert in alerts
    ]


def read_check(
    stack: Stack, scope: Scope, day: date | None, period: Period, sku: str | None = None
) -> tuple[str, dict[str, Any]]:
    """The file of a check and its key; without a day the newest. Raises NotFound."""
    s3 = stack.client("s3")
    key = result_key(scope, sku, period, day) if day else _newest_key(s3, stack.bucket, scope, period, sku)
    try:
        body = s3.get_object(Bucket=stack.bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        raise NotFound(
            f"There is no {key} in {stack.bucket}: that check has not run.",
            action=f"Run it: `salesflow-ops run anomaly-check --date {day}`.",
        ) from None
    return key, json.loads(body)


def _newest_key(s3: Any, bucket: str, scope: Scope, period: Period, sku: str | None) -> str:
    folder = result_key(scope, sku, period, date.min).rpartition("/")[0] + "/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder, Delimiter="/")
    keys: Sequence[str] = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    if not keys:
        raise NotFound(
            f"No check has been saved below {folder.removeprefix(PREFIX)} yet.",
            action="Run one: `salesflow-ops run anomaly-check`.",
        )
    return max(keys)
