"""A whole shop on this machine: its SalesFlow API server and a local cloud with `template.yaml` deployed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from local.api import SalesFlowServer, SalesStore, Surprise, online_retail_store, sample_sales
from local.cloud import LocalCloud, SimulatedClock
from local.cloud.aws import REPOSITORY

TEMPLATE = REPOSITORY / "template.yaml"
TOKEN_LIFETIME = timedelta(days=30)
SAMPLE_DAYS = 800


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

    def stack_parameters(self, api_url: str) -> dict[str, str]:
        """The template's Parameters for this shop; `parameters` has the last word."""
        return {
            "SalesFlowApiUrl": api_url,
            "TimeZone": self.zone.key,
            "Currency": self.currency,
            "MailSender": self.sender,
            "OwnerRecipients": ",".join(self.owners),
            "ReportRecipients": ",".join(self.report_recipients),
            "AlertRecipients": ",".join(self.alert_recipients),
            **self.parameters,
        }


def sample_shop(
    last_day: date,
    *,
    seed: int = 7,
    zone: str = "Asia/Shanghai",
    days: int = SAMPLE_DAYS,
    surprises: Sequence[Surprise] = (),
) -> Shop:
    """A made-up shop whose sales end on `last_day`; the same arguments give the same shop."""
    return Shop(sample_sales(seed, last_day, days, surprises=surprises), ZoneInfo(zone), "CNY")


def retail_shop(data: Path) -> Shop:
    """The shop of a file of real invoice lines; see `local.api.online_retail_store` for the file."""
    return Shop(online_retail_store(data), ZoneInfo("Europe/London"), "GBP")


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
        template: Path = TEMPLATE,
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
            cloud.deploy(template, shop.stack_parameters(api.url))
            cloud.write_secret({"token": api.issue_token(TOKEN_LIFETIME)})
            return cls(shop, api, cloud, clock, started.pop_all())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server, the functions and the cloud."""
        self._stack.close()
