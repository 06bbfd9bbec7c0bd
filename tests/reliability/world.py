"""The whole system on one machine, at a moment of one's own choosing, with its state to be put back and looked at."""

import contextlib
import copy
import json
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from typing import Any
from zoneinfo import ZoneInfo

import boto3
from botocore.config import Config
from moto.backends import get_backend
from moto.dynamodb.models.table import Table as TableOfMoto
from moto.moto_api._internal.models import moto_api_backend
from moto.s3.models import FakeKey
from moto.s3.utils import _VersionedKeyStore

from local.api import SalesFlowServer, SalesStore, Surprise, sample_sales
from salesflow.delivery.ways import SealedWays
from salesflow.library.keeper import INDEX_KEY
from salesflow.rows import Rows
from tests.reliability.containers import Container, ContainerHost, Result
from tests.stand_ins.clocks import SharedClock
from tests.stand_ins.gateway import Gateway, Interference

ACCOUNT, REGION = "123456789012", "ap-southeast-1"
BUCKET, TABLE, SECRET = "salesflow-reports", "salesflow-state", "salesflow/system-token"
TABLE_OF_STATE: dict[str, Any] = {
    "TableName": TABLE,
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    "BillingMode": "PAY_PER_REQUEST",
}
ZONE = ZoneInfo("Asia/Shanghai")
SENDER = "reports@shop.example.com"
READERS = ("reader@shop.example.com", "accountant@shop.example.com")
OWNER = "owner@shop.example.com"
PROGRAM = "webhook:till"
"""A reader who is a program."""
LINK_KEYS = "salesflow/link-keys"
LAST_DAY = date(2026, 11, 22)
MOMENT = datetime(2026, 11, 20, 23, 0, 5, tzinfo=UTC)
"""07:00:05 on the 21st in Shanghai: five seconds after a schedule's tick."""
BUSINESS_DATE = date(2026, 11, 20)
RETRY_AFTER = timedelta(seconds=65)
"""Lambda's first retry of an asynchronous invocation comes a minute after the failure."""
SURPRISES = (Surprise(BUSINESS_DATE, 0.3), Surprise(date(2026, 11, 19), 9.0, "EAU-150"))
"""A bad day of the shop, which the anomaly check has to tell of, and a good one of a product on the day before."""
PREFIXES = ("reports/", "history/", "anomalies/", "forecasts/")

type Objects = dict[str, FakeKey]
"""Objects by key, as moto has them."""
type Table = Mapping[str, Any]
"""The state table's rows, as moto has them."""


class Sent:
    """One mail that SES took, or one message that a program took."""

    def __init__(self, message: EmailMessage) -> None:
        self.message = message
        self.recipient = str(message["To"])
        self.reference = str(message["X-SalesFlow-Reference"])
        self.run_id = str(message["X-SalesFlow-Run-Id"])
        self.attachments: dict[str, bytes] = {
            str(part.get_filename()): part.get_payload(decode=True)  # type: ignore[misc]
            for part in message.iter_attachments()
        }


@dataclass(frozen=True, slots=True)
class EndState:
    """What a run left behind, without what must differ from run to run (ids, moments, attempts).

    objects: bytes by key. runs: the ledger's runs by key. sends: who was told, and every other row, by key. mails: as SES took
    them, oldest first. page: the library page, which says when runs ended and is no part of `objects` (nor what it notes of `sends`).
    """

    objects: Mapping[str, bytes]
    runs: Mapping[tuple[str, str], Mapping[str, Any]]
    sends: Mapping[tuple[str, str], str]
    mails: tuple[Sent, ...]
    page: bytes | None = None

    def told(self) -> dict[tuple[str, str], int]:
        """How often each (recipient, reference) was mailed."""
        return Counter((mail.recipient, mail.reference) for mail in self.mails)

    @property
    def repeated(self) -> int:
        """Mails that came once more."""
        return len(self.mails) - len(self.told())


_READ = re.compile(r"^Read \d+ sales from \S+ on; ")
"""What a sync says first: after a crash between a month and its index it had more to read."""
_OF_READING = {"months_read_again", "read_from", "sales_read"}
_DIFFERS = {
    "run_id",
    "started_at",
    "finished_at",
    "expires_at",
    "request_id",
    "attempt",
    "lease_until",
    "recorded_at",
    "written_by",
}


class World:
    """A stack of the system: cloud, API, clock and containers. Use `opened`."""

    def __init__(self, gateway: Gateway, api: SalesFlowServer, clock: SharedClock, host: ContainerHost) -> None:
        self.gateway = gateway
        self.api = api
        self.clock = clock
        self.host = host
        self.token = api.issue_token(timedelta(days=3650))
        self._clients: dict[str, Any] = {}
        self._bucket: str | None = None
        self._secret = ""
        self._channel: dict[str, Any] = {}
        """The program's row, sealed once."""
        self.settings: dict[str, str] = {}
        """Changes to the functions' environment."""
        self.deploy_table_and_bucket: Callable[[], object] = self._make_table_and_bucket
        """As resources of a stack, where somebody looks that up."""
        self.after_reset: Callable[[], object] = lambda: None
        """Puts back what a fresh stack has besides: another shop."""

    @classmethod
    @contextlib.contextmanager
    def opened(
        cls, store: SalesStore | None = None, *, zone: ZoneInfo = ZONE, sold_days: int = 200
    ) -> "Iterator[World]":
        """A world that ends with the block. store: the shop's sales in a zone; without one a small shop's of so many days."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        TableOfMoto.all_items, TableOfMoto.query = _all_items, _query  # type: ignore[method-assign,assignment]
        with ContainerHost.started() as host:
            clock = SharedClock(host.folder / "clock", start=MOMENT)
            shop = store or sample_sales(seed=7, end_date=LAST_DAY, days=sold_days, surprises=SURPRISES)
            gateway = Gateway(lambda: clock().timestamp())
            try:
                with SalesFlowServer(
                    shop, clock=lambda: clock().astimezone(zone).replace(tzinfo=None), dates=clock
                ) as api:
                    gateway.api_port = api.port
                    world = cls(gateway, api, clock, host)
                    world.settings = {"TIMEZONE": zone.key}
                    yield world
            finally:
                gateway.stop()
                moto_api_backend.reset()  # the next world of this process finds nothing of this one

    def client(self, service: str) -> Any:
        """An AWS client of the harness, past the gateway."""
        if service not in self._clients:
            self._clients[service] = boto3.client(  # type: ignore[call-overload]  # any service
                service,
                endpoint_url=self.gateway.moto,
                region_name=REGION,
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
                config=Config(
                    s3={"addressing_style": "path"}, request_checksum_calculation="when_required", read_timeout=600
                ),
            )
        return self._clients[service]

    def environment(self) -> dict[str, str]:
        """The functions' environment."""
        return {
            "AWS_ENDPOINT_URL": self.gateway.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "SALESFLOW_API_URL": f"{self.gateway.endpoint}/api/v1",
            "SYSTEM_TOKEN_SECRET_ID": SECRET,
            "REPORTS_BUCKET": BUCKET,
            "STATE_TABLE": TABLE,
            "TIMEZONE": ZONE.key,
            "MAIL_SENDER": SENDER,
            "REPORT_RECIPIENTS": ",".join(READERS),
            "ALERT_RECIPIENTS": ",".join(READERS),
            "OWNER_RECIPIENTS": OWNER,
            "SES_REGION": REGION,
            "CURRENCY": "CNY",
            "HISTORY_DAYS": "180",
            **self.settings,
        }

    def reset(self, objects: "Objects | None" = None, *, moment: datetime = MOMENT) -> None:
        """A fresh stack at `moment`, with these objects in its bucket."""
        if self._bucket is None:
            self._deploy()
        bucket = self._in_moto("s3", "aws").buckets[BUCKET]
        bucket.keys = _VersionedKeyStore()
        for key, stored in (objects or {}).items():
            bucket.keys[key] = stored
        self._in_moto("dynamodb").tables[TABLE].items.clear()
        self.client("dynamodb").put_item(TableName=TABLE, Item=self._channel)
        mailbox = self._in_moto("ses")
        mailbox.sent_messages.clear()
        mailbox.sent_message_count = 0
        self.gateway.channels.forget()
        self.put_secret(self.token)
        self.api.faults.clear()
        self.clock.set(moment)
        self.after_reset()

    def put_secret(self, text: str) -> None:
        """Store the system token, or whatever an operator might put there."""
        if self._secret != text:
            self.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=text)
            self._secret = text

    def _deploy(self) -> None:
        self.deploy_table_and_bucket()
        self.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        keys = {"current": "a key of these experiments, which signs links"}
        for name, text in ((SECRET, self.token), (LINK_KEYS, json.dumps(keys))):
            self.client("secretsmanager").create_secret(Name=name, SecretString=text)
        self.client("sesv2").create_email_identity(EmailIdentity=SENDER)
        kms, rows = self.client("kms"), Rows(self.client("dynamodb"), TABLE)
        ways = SealedWays(rows, kms, kms.create_key()["KeyMetadata"]["KeyId"])
        ways.keep(PROGRAM, self.gateway.channels.made("webhook", "till", self.gateway.endpoint))
        (self._channel,) = self.rows()
        self._bucket, self._secret = BUCKET, self.token

    def _make_table_and_bucket(self) -> None:
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.client("dynamodb").create_table(**TABLE_OF_STATE)

    @staticmethod
    def _in_moto(service: str, region: str = REGION) -> Any:
        """The service's state: read and put back directly, which a thousand experiments could not afford over HTTP."""
        backend: Any = get_backend(service)  # type: ignore[call-overload]  # any service
        return backend[ACCOUNT][region]

    def objects(self) -> "Objects":
        """Everything in the bucket now, as it can be put back by `reset`."""
        newest = self._in_moto("s3", "aws").buckets[BUCKET].keys
        return {key: there for key, there in newest.items() if isinstance(there, FakeKey)}  # and no delete markers

    @property
    def bucket(self) -> str:
        """The name of the bucket."""
        return BUCKET

    def versions(self, key: str) -> int:
        """How often an object was written since the reset."""
        return len(self._in_moto("s3", "aws").buckets[BUCKET].keys.getlist(key, []))

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the state table, as DynamoDB writes them."""
        return [item.to_json()["Attributes"] for item in self._in_moto("dynamodb").tables[TABLE].all_items()]

    def table(self) -> Table:
        """The state table as it is now, to be put back by `put_table`."""
        return copy.deepcopy(self._in_moto("dynamodb").tables[TABLE].items)

    def put_table(self, rows: Table) -> None:
        """The state table as it was."""
        self._in_moto("dynamodb").tables[TABLE].items = copy.deepcopy(rows)

    def mails(self) -> list[Sent]:
        """Every mail that SES took since the reset, oldest first, and every message that the program took."""
        found = [
            Sent(_as_mail(said)) for said in (self.gateway.channels.took("webhook", "till") if self._bucket else ())
        ]
        for taken in self._in_moto("ses").sent_messages:
            raw = taken.raw_data
            message = message_from_bytes(raw.encode() if isinstance(raw, str) else raw, policy=default_policy)
            assert isinstance(message, EmailMessage)
            found.append(Sent(message))
        return found

    def forget_mails(self) -> None:
        """Let go of the mails that were looked at: a year of them is large."""
        self._in_moto("ses").sent_messages.clear()

    def end_state(self) -> EndState:
        """What is there now."""
        runs, sends = {}, {}
        for row in self.rows():
            key = (row["pk"]["S"], row["sk"]["S"])
            if key[0].rpartition("|")[2].partition("#")[0] in ("library", "edition"):
                continue  # what the page is made from, and the mails; both are looked at themselves
            kept = {name: value for name, value in row.items() if name not in _DIFFERS}
            if "details" in kept:
                kept["details"] = {"S": _without_rereading(kept["details"]["S"])}
            if "reason" in kept:
                kept["reason"] = {"S": _READ.sub("", kept["reason"]["S"])}
            if "status" in row:
                runs[key] = kept
            else:
                sends[key] = row["outcome"]["S"] if "outcome" in row else json.dumps(kept, sort_keys=True)
        objects = {
            key: _without_rereading(there.value.decode()).encode() if key.endswith("/manifest.json") else there.value
            for key, there in self.objects().items()
            if not (
                key.startswith("shops/") and key.endswith(INDEX_KEY)
            )  # another shop's page, which says when runs ended
        }
        page = objects.pop(INDEX_KEY, None)
        return EndState(
            objects=objects,
            runs=runs,
            sends=sends,
            mails=tuple(self.mails()),
            page=page,
        )

    def start(self, function: str, *, broken: str = "", seconds_ahead: float = 0) -> Container:
        """A cold container of a function of this stack."""
        return self.host.start(function, self.environment(), self.clock, broken=broken, seconds_ahead=seconds_ahead)

    def run(
        self,
        function: str,
        event: object,
        request_id: str,
        *,
        interference: Interference | None = None,
        broken: str = "",
        started: "list[Container] | None" = None,
    ) -> Result:
        """One invocation in a cold container, which is ended afterwards. started: takes the container, to kill it by."""
        container = self.start(function, broken=broken)
        if started is not None:
            started.append(container)
        try:
            with self.gateway.interfering(interference):
                return container.invoke(event, request_id)
        finally:
            container.close()


def _as_mail(said: Mapping[str, Any]) -> EmailMessage:
    """A program's message as what mails are compared as: all of its words in the text."""
    message = EmailMessage(policy=default_policy)
    message["Subject"], message["To"] = said["subject"], PROGRAM
    message["X-SalesFlow-Reference"], message["X-SalesFlow-Run-Id"] = said["reference"], said["run"]
    message.set_content(json.dumps({name: value for name, value in said.items() if name != "run"}, ensure_ascii=False))
    return message


def _without_rereading(document: str) -> str:
    """A manifest or a run's details without which months had to be read again: after a crash between a month and its index they were."""

    def kept(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if name not in _OF_READING}

    return json.dumps(json.loads(document, object_hook=kept))


_query_of_moto = TableOfMoto.query


def _query(table: TableOfMoto, hash_key: Any, *more: Any, **named: Any) -> Any:
    """moto's own, of the one partition: it looks through the whole table, and for a year of rows that takes too long."""
    part = copy.copy(table)
    part.items = defaultdict(dict, {hash_key: table.items.get(hash_key, {})})
    return _query_of_moto(table if table.all_indexes() else part, hash_key, *more, **named)


def _all_items(table: TableOfMoto) -> list[Any]:
    """moto's own, in the same order: its comparisons take too long too."""
    items = [item for partition in table.items.values() for item in partition.values()]
    return sorted(items, key=lambda item: (item.hash_key.value, item.range_key.value))
