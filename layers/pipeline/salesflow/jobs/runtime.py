"""What a job works with: settings checked at init, clients and services made when first used, once per container."""

import os
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

from salesflow import clock
from salesflow.aws import AwsClients
from salesflow.mail_address import mailbox
from salesflow.readers import MAIL, WHATSAPP
from salesflow.settings import Settings
from salesflow.shop_id import MAIN_SHOP

if TYPE_CHECKING:
    from salesflow.alerts.book import AlertBook
    from salesflow.delivery.addresses import MarkedAddresses
    from salesflow.delivery.channel import Channel, Channels
    from salesflow.delivery.mail import Mailer
    from salesflow.delivery.store import ReportStore
    from salesflow.delivery.ways import Ways
    from salesflow.delivery.webhook import Webhooks
    from salesflow.delivery.whatsapp import WhatsApp
    from salesflow.history.reported import ReportedDays
    from salesflow.history.stock import StockHistory
    from salesflow.history.sync import History
    from salesflow.ledger import Ledger, SavedFile, SettingsUsed
    from salesflow.library.keeper import LibraryKeeper
    from salesflow.links.keys import KeyRing, LinkMaker
    from salesflow.rows import Rows
    from salesflow.source.client import SalesFlowClient


SHOPS_KEPT: Final = 4
"""For how many shops a container keeps what it made for their last run: each may hold a history's files."""

LONGEST_USE: Final = timedelta(minutes=20)
"""For how long a run may need credentials: the longest time-out, and the addresses of files that it hands out."""


class Runtime:
    """One per container, and of it one per shop. Modules that a job may not need are imported where they are needed: cold start is billed."""

    def __init__(
        self,
        settings: Settings,
        clients: AwsClients,
        *,
        memory_mb: int | None = None,
        settings_version: int = 0,
        shop: str = MAIN_SHOP,
        stack: "Runtime | None" = None,
    ) -> None:
        """memory_mb: what the function has, as AWS Lambda says in AWS_LAMBDA_FUNCTION_MEMORY_SIZE; None: not known.

        settings_version: which version of the shop's row the settings hold; 0: the environment alone. stack: the container's own
        runtime, for another shop's than `main`.
        """
        self.settings = settings
        self.clients = clients
        self.settings_version = settings_version
        self.shop = shop
        self._stack = self if stack is None else stack
        self._memory_mb = memory_mb
        self._newest: OrderedDict[str, Runtime] = OrderedDict()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The runtime of a function's environment; raises InvalidSettings that names every bad variable."""
        settings = Settings.from_environment(environment)
        memory = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
        return cls(
            settings,
            AwsClients(ses_region=settings.ses_region, shop_role=settings.shop_role_arn),
            memory_mb=int(memory) if memory.isdecimal() else None,
        )

    def for_run(self, shop: str = MAIN_SHOP) -> "Runtime":
        """What a run of a shop that begins now works with: its row, read once; for `main` over what the environment says.

        While nobody changes the row it is the same as for the shop's last run, with all that was made for that, if no more than a few
        shops ran in between. Another shop's row is read, as all that is the shop's, with credentials that reach nothing else.
        Raises NoSuchShop for another shop without a row; LedgerUnavailable, UnreadableRow and InvalidSettings where the row cannot be
        had or used: no run goes by other settings than the shop's.
        """
        from salesflow.shops.book import SettingsBook

        before = self._newest.pop(shop, None)
        if before is None or not before.clients.last_until(clock.now() + LONGEST_USE):
            before = self if shop == MAIN_SHOP else self._with(self.settings, self.clients.for_shop(shop), shop)
        version = SettingsBook(before.rows).newest()
        if version.number != before.settings_version or (version.number == 0 and shop != MAIN_SHOP):
            settings = version.settings(shop, self.settings)
            before = self._with(settings, before.clients, shop, version.number)
        self._newest[shop] = before
        if len(self._newest) > SHOPS_KEPT:
            self._newest.popitem(last=False)
        return before

    def _with(self, settings: Settings, clients: AwsClients, shop: str, version: int = 0) -> "Runtime":
        return Runtime(
            settings, clients, memory_mb=self._memory_mb, settings_version=version, shop=shop, stack=self._stack
        )

    @cached_property
    def settings_used(self) -> "SettingsUsed":
        """Which settings these are, as a run's row says it."""
        from salesflow.ledger import SettingsUsed

        return SettingsUsed(self.settings_version, self.settings.digest)

    @cached_property
    def rows(self) -> "Rows":
        """The shop's rows of the state table."""
        from salesflow.rows import Rows

        return Rows(self.clients.dynamodb, self.settings.state_table, self.shop)

    @cached_property
    def ledger(self) -> "Ledger":
        """Runs, claims and who was told."""
        from salesflow.ledger import Ledger

        return Ledger(self.rows)

    @cached_property
    def alert_book(self) -> "AlertBook":
        """The anomaly alerts that are open, and who is muted."""
        from salesflow.alerts.book import AlertBook

        return AlertBook(self.rows)

    @cached_property
    def source(self) -> "SalesFlowClient":
        """The SalesFlow API, called with the system token."""
        from salesflow.source.client import SalesFlowClient
        from salesflow.source.token import SystemToken
        from salesflow.source.transport import Transport, bearable_bytes

        secrets, name = self.clients.secretsmanager, self.settings.system_token_secret_id
        if self.shop != MAIN_SHOP:
            from salesflow.shops.token import ShopSecret, StackSecret

            stack_s = lambda: self._stack.for_run().settings.api_url  # noqa: E731
            secrets = ShopSecret(
                self.rows, self.clients.kms, self.settings.api_url, StackSecret(secrets, name, stack_s)
            )
            name = secrets.name
        url, patience = self.settings.api_url, float(self.settings.source_wait_seconds)
        token = SystemToken(secrets, name, api_url=url, transport=Transport(url, read_seconds=patience))
        return SalesFlowClient(
            url,
            token,
            read_seconds=patience,
            minor_digits=self.settings.money.digits,
            zone=self.settings.zone,
            most_held=bearable_bytes(self._memory_mb or 2048),
        )

    @cached_property
    def history(self) -> "History":
        """Sale lines and daily panel, for the table functions (with pyarrow)."""
        return self._history(with_lines=True)

    @cached_property
    def panel_history(self) -> "History":
        """The daily panel and the shop's days, for the model functions (without pyarrow)."""
        return self._history(with_lines=False)

    @cached_property
    def stock_history(self) -> "StockHistory":
        """The stock snapshots."""
        from salesflow.history.stock import StockHistory

        return StockHistory(self._objects, self._terms)

    @cached_property
    def reported_days(self) -> "ReportedDays":
        """What reports have said of each day."""
        from salesflow.history.reported import ReportedDays

        return ReportedDays(self._objects, self._terms)

    @cached_property
    def store(self) -> "ReportStore":
        """Where reports are saved."""
        from salesflow.delivery.store import ReportStore

        return ReportStore(self.clients.s3, self.settings.reports_bucket, self.shop)

    @cached_property
    def library(self) -> "LibraryKeeper":
        """The page that lists the reports."""
        from salesflow.library.keeper import LibraryKeeper

        return LibraryKeeper(
            self.clients.s3,
            self.settings.reports_bucket,
            self.rows,
            lambda: self.alert_book,
            currency=self.settings.currency,
            language=self.settings.language_code,
            zone=self.settings.zone,
            shop=self.settings.shop_name,
        )

    @cached_property
    def mailer(self) -> "Mailer":
        """Sends mail in the shop's name; answers go to its first owner."""
        from salesflow.delivery.mail import Mailer

        return Mailer(
            self.clients.sesv2,
            sender=self.settings.mail_sender,
            name=self.settings.shop_name,
            shop=self.shop,
            reply_to=self.settings.reply_to,
            configuration_set=self.settings.ses_configuration_set,
            link=None if self.links is None else self.links.address,
        )

    @cached_property
    def channels(self) -> "Channels":
        """All ways to the shop's readers."""
        from salesflow.delivery.channel import Channels

        return Channels(self._channel, self.marked_addresses)

    def _channel(self, kind: str) -> "Channel":
        return self.mailer if kind == MAIL else self.whatsapp if kind == WHATSAPP else self.webhooks

    @cached_property
    def _ways(self) -> "Ways":
        """What is kept of the shop's channels."""
        from salesflow.delivery.ways import SealedWays, Ways

        return Ways(SealedWays(self.rows, self.clients.kms))

    @cached_property
    def whatsapp(self) -> "WhatsApp":
        """Tells readers of WhatsApp."""
        from salesflow.delivery.whatsapp import WhatsApp

        return WhatsApp(lambda: self.clients.socialmessaging, self._ways, self._signed, self.shop)

    def _signed(self, file: "SavedFile") -> str:
        """An address under which AWS may fetch a saved file for a quarter of an hour."""
        params = {"Bucket": file.artifact.bucket, "Key": file.artifact.key}
        params |= {"VersionId": file.version} if file.version else {}
        address: str = self.clients.s3.generate_presigned_url("get_object", Params=params, ExpiresIn=900)
        return address

    @cached_property
    def webhooks(self) -> "Webhooks":
        """Tells readers of chats, and programs."""
        from salesflow.delivery.webhook import Webhooks

        return Webhooks(
            self._ways,
            link=None if self.links is None else self.links.address,
            name=self.settings.shop_name,
            shop=self.shop,
        )

    @cached_property
    def links(self) -> "LinkMaker | None":
        """Makes the links in mails; None where they are off."""
        if not self.settings.links_url or not self.settings.links_secret_id:
            return None
        from salesflow.links.keys import LinkMaker

        return LinkMaker(self.link_keys, self.settings.links_url, self.shop, self.settings.link_days)

    @cached_property
    def link_keys(self) -> "KeyRing":
        """The keys of the links."""
        from salesflow.links.keys import KeyRing

        return KeyRing(self.clients.secretsmanager, self.settings.links_secret_id or "")

    @cached_property
    def marked_addresses(self) -> "MarkedAddresses":
        """The addresses that are left out of mailings."""
        from salesflow.delivery.addresses import MarkedAddresses

        return MarkedAddresses(self.rows)

    @property
    def readers_left_out(self) -> tuple[str, ...]:
        """The readers who get less than the shop's lists say: those marked, and those who can be mailed by nobody. Raises LedgerUnavailable."""
        return (*self.marked_addresses.all(), *map(mailbox, self.settings.unusable_addresses))

    @cached_property
    def _objects(self):  # type: ignore[no-untyped-def]  # the class is imported late
        from salesflow.s3 import ObjectStore

        return ObjectStore(self.clients.s3, self.settings.reports_bucket, self.shop)

    @cached_property
    def _terms(self):  # type: ignore[no-untyped-def]  # the class is imported late
        from salesflow.history.terms import Terms

        return Terms.of(self.settings)

    def _history(self, *, with_lines: bool) -> "History":
        from salesflow.history.sync import History

        return History.of(self._objects, self.settings, with_lines=with_lines)
