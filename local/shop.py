"""A whole shop on this machine: its SalesFlow API server and a local cloud with `template.yaml` deployed for it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from local.api import SalesFlowServer, SalesStore, Surprise, online_retail_store, sample_sales
from local.cloud import LocalCloud, SimulatedClock
from local.cloud.aws import REPOSITORY
from local.errors import LocalCloudError
from salesflow.library.keeper import INDEX_KEY
from salesflow.money import Currency
from salesflow.rows import Rows
from salesflow.setting_types import currency_code
from salesflow.settings import Stored
from salesflow.shops.book import SettingsBook, Version

TEMPLATE = REPOSITORY / "template.yaml"
TOKEN_LIFETIME = timedelta(days=30)
SAMPLE_DAYS = 800
SAMPLE_NAME, SAMPLE_ZONE, SAMPLE_CURRENCY = "Épicerie du Marché", "Asia/Shanghai", "CNY"
RETAIL_ZONE, RETAIL_CURRENCY = "Europe/London", "GBP"
"""The shop of the Online Retail data sets; another shop's file is told by --zone and --currency."""
STAND_INS = {
    "SalesFlowApiUrl": "http://127.0.0.1:9/api/v1",
    "MailSender": "reports@example.com",
    "OwnerRecipients": "owner@example.com",
}
"""The parameters that have no default, for a template that nobody will use."""


@dataclass(frozen=True, slots=True)
class Shop:
    """Whose sales are served, and what the stack is told about the shop."""

    store: SalesStore
    zone: ZoneInfo
    currency: str
    sender: str = "reports@shop.example.com"
    owners: tuple[str, ...] = ("owner@shop.example.com",)
    report_recipients: tuple[str, ...] = ("manager@shop.example.com", "accounting@shop.example.com")
    alert_recipients: tuple[str, ...] = ("manager@shop.example.com",)
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Stored] = field(default_factory=dict)
    """What the shop's row says, over what the Parameters do."""

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day with a sale. Raises LocalCloudError where there is none."""
        if not self.store.sales:
            raise LocalCloudError("There is no sale in it.")
        return self.store.sales[0].sold_at.date(), self.store.sales[-1].sold_at.date()

    def stack_parameters(self, api_url: str) -> dict[str, str]:
        """The template's Parameters for this shop; `parameters` has the last word."""
        return {
            "SalesFlowApiUrl": api_url,
            "TimeZone": self.zone.key,
            "Currency": self.currency,
            "MailSender": self.sender,
            "CreateMailIdentity": "yes",
            "OwnerRecipients": ",".join(self.owners),
            "ReportRecipients": ",".join(self.report_recipients),
            "AlertRecipients": ",".join(self.alert_recipients),
            **self.parameters,
        }


def sample_shop(
    last_day: date,
    *,
    seed: int = 7,
    zone: str = SAMPLE_ZONE,
    currency: str = SAMPLE_CURRENCY,
    days: int = SAMPLE_DAYS,
    surprises: Sequence[Surprise] = (),
) -> Shop:
    """A made-up shop whose sales end on `last_day`; the same arguments give the same shop."""
    place, money = zone_named(zone), _currency_named(currency)
    store = sample_sales(seed, last_day, days, surprises=surprises)
    return Shop(store, place, money.code, settings={"shop_name": SAMPLE_NAME})


def retail_shop(data: Path, *, zone: str | None = None, currency: str | None = None) -> Shop:
    """The shop of a file of real invoice lines; see `local.api.online_retail_store` for the file.

    Raises LocalCloudError where the file cannot be read as that.
    """
    money = _currency_named(currency or RETAIL_CURRENCY)
    try:
        store = online_retail_store(data, minor_digits=money.digits)
    except (OSError, ValueError) as error:
        raise LocalCloudError(f"{data} cannot be read as invoice lines: {error}") from error
    return Shop(store, zone_named(zone or RETAIL_ZONE), money.code)


def zone_named(key: str) -> ZoneInfo:
    """The time zone of a name. Raises LocalCloudError, naming those that come close."""
    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = difflib.get_close_matches(key, available_timezones(), n=3)
        hint = f" Near it: {', '.join(near)}." if near else ""
        raise LocalCloudError(f"{key!r} is no IANA time zone.{hint}") from None


def _currency_named(code: str) -> Currency:
    try:
        return Currency(currency_code(code.upper()))
    except ValueError as error:
        raise LocalCloudError(f"--currency {error}.") from None


class LocalShop:
    """A running shop: `api` serves its sales, `cloud` holds its stack, `clock` is the simulated time of both.

    Close it, or use it in a `with` block, to end everything that it started.
    """

    def __init__(
        self, shop: Shop, api: SalesFlowServer, cloud: LocalCloud, clock: SimulatedClock, stack: ExitStack
    ) -> None:
        self.shop = shop
        self.api = api
        self.cloud = cloud
        self.clock = clock
        self._stack = stack

    @classmethod
    def open(
        cls,
        shop: Shop,
        moment: datetime,
        *,
        host: str = "127.0.0.1",
        keeps_logs: bool = False,
    ) -> Self:
        """Start the API server and the cloud on free ports, deploy the template, and write the system token into its secret.

        `moment` (aware) is where the simulated time begins; `host` 0.0.0.0 lets containers reach both; `keeps_logs`: the functions'
        logs are in CloudWatch Logs. Raises LocalCloudError where the template cannot be deployed.
        """
        clock = SimulatedClock(moment)
        with ExitStack() as started:
            cloud = started.enter_context(LocalCloud.start(host=host, keeps_logs=keeps_logs))
            api = started.enter_context(
                SalesFlowServer(shop.store, clock=lambda: clock().astimezone(shop.zone).replace(tzinfo=None), host=host)
            )
            cloud.deploy(TEMPLATE, shop.stack_parameters(api.url))
            cloud.write_secret({"token": api.issue_token(TOKEN_LIFETIME)})
            if shop.settings:
                rows = Rows(cloud.aws.client("dynamodb"), cloud.stack.outputs["StateTableName"])
                SettingsBook(rows).write(shop.settings, over=Version(), by="local.shop")
            return cls(shop, api, cloud, clock, started.pop_all())

    @property
    def library_url(self) -> str:
        """Where a browser finds the page of all reports, once a run has made it."""
        return (
            f"{self.cloud.aws.endpoint_url}/_local/objects/{self.cloud.stack.outputs['ReportsBucketName']}/{INDEX_KEY}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server, the functions and the cloud."""
        self._stack.close()
