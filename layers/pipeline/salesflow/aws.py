"""The AWS clients of a function: made when first used, kept for the life of the container.

The endpoint, the region and the credentials come from the environment as in every AWS SDK (`AWS_ENDPOINT_URL`,
`AWS_REGION`, ...): the local cloud differs from the real one in nothing else. boto3 comes with Lambda's runtime, whose
version differs from region to region and from month to month: one that is too old is refused before anything is done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import RLock
from typing import Any, Final

import botocore
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from salesflow.errors import InvalidSettings, SalesFlowError
from salesflow.garbled import refuse_garbled
from salesflow.shop_id import MAIN_SHOP, SHOP_TAG

CONNECT_SECONDS = 3.0
MINIMUM_BOTOCORE = (1, 35, 69)
"""The first whose PutObject knows IfMatch beside IfNoneMatch, without which a late run would overwrite a newer one's files."""


def _config(*, read_seconds: float, attempts: int, **more: Any) -> Config:
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        **more,
    )


_CONFIGS = {
    # Named, because botocore signs addresses for others with version 2 otherwise, which buckets since 2020 refuse.
    "s3": _config(read_seconds=20, attempts=4, signature_version="s3v4"),
    # Three quick tries end well inside a lease, so that a heartbeat that fails leaves time for another.
    "dynamodb": _config(read_seconds=3, attempts=3),
    "secretsmanager": _config(read_seconds=5, attempts=4),
    "sesv2": _config(read_seconds=20, attempts=1),
    "scheduler": _config(read_seconds=10, attempts=5),
    "lambda": _config(read_seconds=10, attempts=4),
    "kms": _config(read_seconds=5, attempts=4),
    "sts": _config(read_seconds=5, attempts=4),
    "socialmessaging": _config(read_seconds=20, attempts=1),
}
_SHOP_S_OWN: Final = frozenset({"s3", "dynamodb", "kms"})
"""The services in which each shop has its part: they are called with credentials that reach nothing else."""
_SESSION_SECONDS: Final = 3600
"""The longest that a role taken on by a role may last."""


class ShopOutOfReach(SalesFlowError):
    """The credentials for a shop could not be had: nothing of it was read or written."""


@dataclass(frozen=True, slots=True)
class _Service:
    """A service's client, as an attribute of the clients that make it."""

    name: str

    def __get__(self, clients: "AwsClients", _: type) -> Any:
        return clients._client(self.name)  # noqa: SLF001 - their attribute


class AwsClients:
    """S3, DynamoDB, KMS, Secrets Manager, SES v2, EventBridge Scheduler and Lambda, each made once and only if it is used.

    Safe to share between threads.

    Every call has a time limit and botocore's standard retries (throttling, 5xx, lost connections; exponential with
    jitter). SES is the exception: botocore would also repeat a SendEmail whose answer was lost, and SES, which knows
    no idempotency token, would mail it twice. So its client never repeats by itself; `delivery.mail` repeats only what
    SES has certainly not accepted.
    """

    def __init__(self, *, ses_region: str, shop_role: str | None = None) -> None:
        """shop_role: the ARN of the role that runs of other shops than `main` take on.

        Raises InvalidSettings where the runtime's botocore is too old.
        """
        _ensure_new_enough(botocore.__version__)
        self._ses_region = ses_region
        self._shop_role = shop_role
        self._lock = RLock()
        self._session: Session | None = None
        self._made: dict[str, Any] = {}

    def for_shop(self, shop: str) -> "AwsClients":
        """The clients of a run of a shop: `main` has these, another shop's reach its own objects, rows and token alone.

        Raises ShopOutOfReach where the role for that is not there or cannot be taken on.
        """
        if shop == MAIN_SHOP:
            return self
        if not self._shop_role:
            raise ShopOutOfReach(
                f"The function's environment names no role for the shop {shop}: SHOP_ROLE_ARN is not set.",
                action="Deploy the stack from this version of the template, which makes the role.",
            )
        try:
            answer = self._client("sts").assume_role(
                RoleArn=self._shop_role,
                RoleSessionName=f"shop-{shop}",
                Tags=[{"Key": SHOP_TAG, "Value": shop}],
                DurationSeconds=_SESSION_SECONDS,
            )
        except (ClientError, BotoCoreError) as error:
            raise ShopOutOfReach(
                f"The credentials for the shop {shop} could not be had: {error}.",
                action="Check the role ShopRole of the stack and the health of STS; then run the job again.",
            ) from error
        return _ShopClients(self._client, self._make, answer["Credentials"])

    def last_until(self, moment: datetime) -> bool:
        """Whether they can still be used then (aware): the function's own can as long as it runs."""
        del moment
        return True

    s3 = _Service("s3")
    dynamodb = _Service("dynamodb")
    """The low-level client: attribute values carry their type."""
    secretsmanager = _Service("secretsmanager")
    kms = _Service("kms")
    sesv2 = _Service("sesv2")
    """In the region that mail is sent from."""
    socialmessaging = _Service("socialmessaging")
    """AWS End User Messaging Social (WhatsApp), which knows no idempotency token either and never repeats by itself."""
    scheduler = _Service("scheduler")
    functions = _Service("lambda")

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make(service)
            return self._made[service]

    def _make(self, service: str, **credentials: str) -> Any:
        region = self._ses_region if service == "sesv2" else None
        with self._lock:
            if self._session is None:
                self._session = Session()
            client: Any = self._session.client(service, region_name=region, config=_CONFIGS[service], **credentials)  # type: ignore[call-overload]
        client.meta.events.register("before-parse", refuse_garbled, unique_id="salesflow-garbled")
        return client


class _ShopClients(AwsClients):
    """The clients of one shop's runs: what is the shop's, with credentials for it alone; the rest, with the function's own."""

    def __init__(self, of_stack: Callable[[str], Any], make: Callable[..., Any], given: Mapping[str, Any]) -> None:
        """of_stack: the function's own client of a service; make: a client with other credentials; given: those, as STS gives them."""
        self._lock = RLock()
        self._made = {}
        self._of_stack = of_stack
        self._make_with = partial(
            make,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
        self._until: datetime = given["Expiration"]

    def last_until(self, moment: datetime) -> bool:
        """Whether they can still be used then (aware)."""
        return moment < self._until

    def _client(self, service: str) -> Any:
        if service not in _SHOP_S_OWN:
            return self._of_stack(service)
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make_with(service)
            return self._made[service]


def _ensure_new_enough(version: str) -> None:
    if tuple(int(part) for part in version.split(".")[:3]) < MINIMUM_BOTOCORE:
        needed = ".".join(map(str, MINIMUM_BOTOCORE))
        raise InvalidSettings(
            f"The runtime has botocore {version}; {needed} is the first that can write to S3 on a condition.",
            action="Update the function's runtime (Lambda's runtime management), or add boto3 to layers/core/requirements.in.",
        )
