"""A whole shop in the local cloud whose mails hold links, after a bad day: one report and one alert are out."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import urllib3

from local.api import Surprise
from local.cloud import Mail
from local.shop import LocalShop, sample_shop

LAST_DAY = date(2026, 6, 30)
MORNING = datetime(2026, 6, 30, 23, tzinfo=UTC)
"""07:00 on the 1st of July in Shanghai."""

TICK = {"scheduled_time": "2026-06-30T23:00:00Z"}
NAME = "Corner Store"
READER = "manager@shop.example.com"
WHY = "Why, or be quiet about it"
STOP = "Stop these mails, or change what you get"
_ADDRESS = re.compile(r"https?://[^\s>\"]+")


@dataclass(frozen=True)
class Reply:
    """An answer of HTTP."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass
class Linked:
    """The shop, and a reader's browser that keeps nothing and follows nothing by itself."""

    shop: LocalShop
    http: urllib3.PoolManager

    def fire(self, function: str, **fields: Any) -> dict[str, Any]:
        """Run a job."""
        done = self.shop.cloud.invoke(function, {**TICK, **fields})
        assert done.error is None, done.error
        answer: dict[str, Any] = done.answer
        return answer

    def mails(self, recipient: str = READER) -> list[Mail]:
        """What a reader got, the newest last."""
        return [mail for mail in self.shop.cloud.aws.mails() if recipient in mail.recipients]

    def ask(self, method: str, address: str, body: str = "", **headers: str) -> Reply:
        """One request."""
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        answer = self.http.request(method, address, body=body.encode(), headers=headers, redirect=False)
        return Reply(answer.status, answer.headers, answer.data.decode("utf-8", "replace"))

    def rows(self, pk: str) -> list[dict[str, Any]]:
        """The rows of a partition of the state table."""
        cloud = self.shop.cloud
        table = cloud.stack.outputs["StateTableName"]
        items = cloud.aws.client("dynamodb").scan(TableName=table)["Items"]
        return [item for item in items if item["pk"]["S"] == pk]

    def stopped(self) -> list[list[str]]:
        """The lists that each reader stopped."""
        lists = ([name["S"] for name in row["lists"]["L"]] for row in self.rows("address"))
        return [one for one in lists if one]


def links_of(mail: Mail) -> dict[str, str]:
    """The addresses in a mail's text, each by the words before it."""
    plain = mail.message.get_body(("plain",))
    assert plain is not None
    found = {}
    for line in plain.get_content().splitlines():
        if address := _ADDRESS.search(line):
            found[line[: address.start()].strip().rstrip(":")] = address[0]
    return found


@contextmanager
def linked_shop() -> Iterator[Linked]:
    """The shop on the morning after its bad day, its report and its alert mailed."""
    surprises = (Surprise(LAST_DAY, 0.2),)
    parameters = {"LinksState": "ENABLED", "WatchdogCron": ""}
    made_up = sample_shop(LAST_DAY, days=120, surprises=surprises)
    shop = replace(made_up, parameters=parameters, settings={"history_days": "200", "shop_name": NAME})
    with LocalShop.open(shop, MORNING) as running, urllib3.PoolManager(retries=False) as http:
        found = Linked(running, http)
        found.fire("ReportFunction", report_type="sales", formats=["pdf", "html"])
        found.fire("AnomalyCheckFunction", scope="GLOBAL")
        yield found
