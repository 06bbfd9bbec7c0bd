"""Which stack is talked to, and what it is made of: resolved through CloudFormation, the same in AWS and in the local cloud."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from ops.complaints import Failed, Misused, NotFound
from ops.local_cloud import RunningCloud, running_cloud
from ops.samconfig import USUAL_STACK, deployment_settings
from salesflow.shop_id import MAIN_SHOP, shop_id

if TYPE_CHECKING:
    from salesflow.delivery.ways import SealedWays
    from salesflow.ledger import Ledger
    from salesflow.rows import Rows
    from salesflow.s3 import Bucket, ObjectStore
    from salesflow.settings import Settings
    from salesflow.shops.book import Version
    from salesflow.shops.registry import ShopRegistry

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
LONGEST_RUN_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Target:
    """Which stack was asked for, by the options of a command line; None and False where nothing was said."""

    stack: str | None = None
    profile: str | None = None
    region: str | None = None
    local: bool = False
    shop: str | None = None

    def narrowed(
        self, *, stack: str | None, profile: str | None, region: str | None, local: bool, shop: str | None = None
    ) -> Self:
        """The same with what was said later, which has the last word."""
        return type(self)(
            stack or self.stack,
            profile or self.profile,
            region or self.region,
            local=local or self.local,
            shop=shop or self.shop,
        )

    def resolve(self) -> Stack:
        """The stack itself, for one of its shops; nothing is asked of AWS yet. Raises Misused, Unreachable (no local cloud)."""
        stack = self._local_stack() if self.local else self._stack_in_aws()
        return stack if self.shop is None else stack.of_shop(self.shop)

    def _stack_in_aws(self) -> Stack:
        from botocore.session import Session

        known = deployment_settings(self.stack)
        session = Session(profile=self.profile or (None if os.environ.get("AWS_PROFILE") else known.get("profile")))
        # The SDK for Python reads AWS_DEFAULT_REGION alone; the AWS CLI and every other SDK read AWS_REGION first.
        usual = os.environ.get("AWS_REGION") or session.get_config_variable("region")
        region = self.region or usual or known.get("region")
        if not region:
            raise Misused("No region was said.", action="Say --region, set AWS_REGION, or name it in samconfig.toml.")
        name = self.stack or known.get("stack_name") or USUAL_STACK
        return Stack(name, region, session, {})

    def _local_stack(self) -> Stack:
        if self.profile or self.region:
            raise Misused("--local needs no --profile and no --region.", action="Leave them out.")
        return local_stack(running_cloud(), self.stack)


class _Resource:
    """An attribute of a stack: what `Ref` answers for one resource of the template. Raises NotFound."""

    def __init__(self, logical_id: str) -> None:
        self.logical_id = logical_id

    def __get__(self, stack: Stack, owner: type[Stack]) -> str:
        return stack.physical_id(self.logical_id)


class Stack:
    """A deployed stack. Everything about it is looked up when first asked for, and then kept.

    Raises the SDK's own errors (ClientError, BotoCoreError), and NotFound where the stack lacks something.
    """

    def __init__(
        self,
        name: str,
        region: str,
        session: Any,
        endpoint: Mapping[str, str],
    ) -> None:
        """`session` is botocore's; `endpoint` what its clients are told beside the region (address, keys), {} for AWS."""
        self.name = name
        self.region = region
        self._session = session
        self._endpoint = endpoint
        self._clients: dict[tuple[str, str, bool], Any] = {}
        self.shop = MAIN_SHOP
        """Which of its shops is looked at."""

    def of_shop(self, shop: str) -> Stack:
        """The same stack, looked at for another of its shops. Raises Misused for what no shop may be called."""
        try:
            shop_id(shop)
        except ValueError as error:
            raise Misused(f"{error}.", action="salesflow-ops shops list names those that there are.") from None
        other = copy(self)
        other.shop = shop
        for name in ("settings", "settings_version", "rows", "ledger", "files", "objects"):
            other.__dict__.pop(name, None)
        return other

    def client(self, service: str, *, region: str | None = None, patient: bool = False) -> Any:
        """A client of a service (botocore's, typed as anything), one per service and region.

        `patient` waits as long as a function may run, and never repeats a call by itself: for `lambda.invoke`.
        """
        key = (service, region or self.region, patient)
        if key not in self._clients:
            from botocore.config import Config

            from salesflow.garbled import refuse_garbled

            config = Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=LONGEST_RUN_SECONDS + 30 if patient else READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": 1 if patient else 3},
                tcp_keepalive=True,
                proxies={} if self._endpoint else None,  # none stands between this machine and itself
                # Links would be signed with version 2 otherwise, which buckets made since 2020 refuse.
                signature_version="s3v4" if service == "s3" else None,
            )
            made = self._session.create_client(
                service, region_name=region or self.region, config=config, **self._endpoint
            )
            made.meta.events.register("before-parse", refuse_garbled)
            self._clients[key] = made
        return self._clients[key]

    @property
    def called(self) -> str:
        """What is looked at, in words."""
        return f"The {'stack ' + self.name if self.shop == MAIN_SHOP else 'shop ' + self.shop}"

    @cached_property
    def _described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        return found

    @property
    def status(self) -> str:
        """CloudFormation's word on it, such as UPDATE_COMPLETE."""
        return str(self._described["StackStatus"])

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs by name."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._described.get("Outputs", ())}

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The parameters that it was deployed with, by name."""
        return {p["ParameterKey"]: p.get("ParameterValue", "") for p in self._described.get("Parameters", ())}

    @cached_property
    def resources(self) -> Mapping[str, tuple[str, str]]:
        """Every resource by logical id: its type and its physical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {
            found["LogicalResourceId"]: (found["ResourceType"], found.get("PhysicalResourceId", ""))
            for page in pages
            for found in page["StackResourceSummaries"]
            if found["LogicalResourceId"]
        }

    def physical_id(self, logical_id: str) -> str:
        """What `Ref` answers for a resource. Raises NotFound."""
        if logical_id not in self.resources:
            raise NotFound(
                f"The stack {self.name} has no resource {logical_id}.",
                action="Is it a SalesFlow stack, deployed from this version of the template?",
            )
        return self.resources[logical_id][1]

    def physical_ids(self, resource_type: str) -> frozenset[str]:
        """The physical ids of all resources of a type."""
        return frozenset(physical for kind, physical in self.resources.values() if kind == resource_type)

    bucket = _Resource("ReportsBucket")
    """The bucket of reports, anomalies, forecasts and history."""
    state_table = _Resource("StateTable")
    """The table of what ran and who was told."""
    schedule_group = _Resource("ScheduleGroup")
    """The group of the schedules."""
    secret = _Resource("SystemTokenSecret")
    """The ARN of the system token's secret."""
    fleet_machine = _Resource("FleetMachine")
    """The ARN of the state machine that fires all shops."""
    owner_topic = _Resource("OwnerTopic")
    """The ARN of the topic that alarms tell the owner through."""
    undelivered_queue = _Resource("UndeliveredSchedules")
    """The URL of the queue of firings that never reached their function."""
    failed_queue = _Resource("FailedRuns")
    """The URL of the queue of runs that failed every time."""

    @cached_property
    def _functions(self) -> dict[str, DeployedFunction]:
        return {}

    def function(self, job: str) -> DeployedFunction:
        """The function of a job (`report`, `anomaly_check`, `mail_events`, ...). Raises NotFound."""
        if job not in self._functions:
            name = self.physical_id("".join(part.title() for part in job.split("_")) + "Function")
            answer = self.client("lambda").get_function_configuration(FunctionName=name)
            self._functions[job] = DeployedFunction(
                job=job,
                name=name,
                arn=answer["FunctionArn"],
                environment=answer.get("Environment", {}).get("Variables", {}),
                timeout_seconds=answer["Timeout"],
                memory_mb=answer["MemorySize"],
                log_group=answer.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}",
            )
        return self._functions[job]

    @cached_property
    def settings(self) -> Settings:
        """What the next run goes by, read by its own code: the shop's row over the report function's environment."""
        from salesflow.errors import InvalidSettings
        from salesflow.shops.book import NoSuchShop

        try:
            return self.settings_version.settings(self.rows.shop, self.first_settings)
        except NoSuchShop:
            raise NotFound(
                f"The shop {self.shop} has no settings: it is being removed, or was not added to the end.",
                action=f"salesflow-ops shops list says which; say shops remove {self.shop}, or the same shops add, again.",
            ) from None
        except InvalidSettings as error:
            raise Failed(error.message, action=error.action) from None

    @cached_property
    def first_settings(self) -> Settings:
        """What the template's Parameters say: the report function's environment, without the shop's row."""
        from salesflow.errors import InvalidSettings
        from salesflow.settings import Settings

        try:
            return Settings.from_environment(self.function("report").environment)
        except InvalidSettings as error:
            raise Failed(error.message, action=error.action) from None

    @cached_property
    def settings_version(self) -> Version:
        """What the shop's row says. Raises LedgerUnavailable, UnreadableRow."""
        from salesflow.shops.book import SettingsBook

        return SettingsBook(self.rows).newest()

    @property
    def token_secret(self) -> tuple[Any, str]:
        """What gives out the secret of the shop's system token as Secrets Manager does, and the secret's name. Raises NotFound."""
        secrets = self.client("secretsmanager")
        if self.shop == MAIN_SHOP:
            return secrets, self.secret
        from salesflow.shops.token import ShopSecret, StackSecret

        shared = StackSecret(secrets, self.secret, lambda: self.of_shop(MAIN_SHOP).settings.api_url)
        found = ShopSecret(self.rows, self.client("kms"), self.settings.api_url, shared)
        return found, found.name

    @property
    def kept_ways(self) -> SealedWays:
        """Where the shop's channels are kept. Raises NotFound for a stack of a version without them."""
        from salesflow.delivery.ways import SealedWays

        return SealedWays(self.rows, self.client("kms"), self.physical_id("ShopsKey"))

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return self.settings.zone

    @cached_property
    def who(self) -> str:
        """Who asks, as AWS knows them."""
        return str(self.client("sts").get_caller_identity()["Arn"])

    @cached_property
    def registry(self) -> ShopRegistry:
        """The shops of the stack."""
        from salesflow.rows import Rows
        from salesflow.shops.registry import ShopRegistry

        return ShopRegistry(Rows(self.client("dynamodb"), self.state_table))

    @cached_property
    def rows(self) -> Rows:
        """The shop's rows in the state table. Raises NotFound where the stack has no such shop."""
        from salesflow.rows import Rows
        from salesflow.shops.book import NoSuchShop

        try:
            self.registry.get(self.shop)
        except NoSuchShop as error:
            raise NotFound(error.message, action=error.action) from None
        return Rows(self.client("dynamodb"), self.state_table, self.shop)

    @cached_property
    def files(self) -> Bucket:
        """The shop's objects in the bucket. Raises as `rows` does."""
        from salesflow.s3 import Bucket

        return Bucket(self.client("s3"), self.bucket, shop=self.rows.shop)

    @cached_property
    def objects(self) -> ObjectStore:
        """The shop's objects as the history has them. Raises as `rows` does."""
        from salesflow.s3 import ObjectStore

        return ObjectStore(self.client("s3"), self.bucket, self.rows.shop)

    @cached_property
    def ledger(self) -> Ledger:
        """Runs, claims and who was told."""
        from salesflow.ledger import Ledger

        return Ledger(self.rows)


class DeployedFunction(NamedTuple):
    """A function as it is deployed: its environment is what its job reads its settings from."""

    job: str
    name: str
    arn: str
    environment: Mapping[str, str]
    timeout_seconds: int
    memory_mb: int
    log_group: str


def local_stack(cloud: RunningCloud, name: str | None = None) -> Stack:
    """The stack of a running local cloud; the AWS settings of this shell play no part in it."""
    from botocore.session import Session

    nothing = (None, None, os.devnull, None)
    session = Session(
        session_vars={"profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing}
    )
    keys = {name.lower(): value for name, value in cloud.access_keys.items()}
    return Stack(name or cloud.stack, cloud.region, session, {"endpoint_url": cloud.endpoint_url, **keys})
