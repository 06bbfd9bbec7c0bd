"""What version 1.0.0 would have left in the place of what is there: the state before an upgrade."""

import json

from moto.s3.models import FakeKey

from tests.reliability.world import TABLE, World

_RUN = frozenset({
    "artifacts", "attempt", "details", "edition", "expires_at", "finished_at", "interim", "lease_until", "notified", "pk", "reason",
    "request_id", "run_id", "schedule", "scheduled_time", "sk", "started_at", "status",
})  # fmt: skip
_METADATA = frozenset({"since", "read-at", "counted-at", "business-date", "report-type", "period", "scope"})


def as_version_1_0_0_left_it(world: World) -> None:
    """Take away what that version does not write: fields of runs, editions, indexes of months, claims and settings of objects."""
    dynamodb, s3 = world.client("dynamodb"), world.client("s3")
    for row in world.rows():
        kind, key = row["pk"]["S"].partition("#")[0], {name: row[name] for name in ("pk", "sk")}
        if kind == "edition":
            dynamodb.delete_item(TableName=TABLE, Key=key)
        elif kind == "run" and "status" in row:
            known = {name: value for name, value in row.items() if name in _RUN}
            dynamodb.put_item(TableName=TABLE, Item=known)
    for name, there in world.objects().items():
        if name.startswith("history/coverage/"):
            index = json.loads(there.value)
            body = json.dumps({day: index[day] for day in ("first", "last")}).encode()
            s3.put_object(Bucket=world.bucket, Key=name, Body=body, ContentType="application/json")
        elif not name.startswith("shops/"):  # it knew one shop
            _forget(there)


def _forget(there: FakeKey) -> None:
    ours = "x-amz-meta-"
    for name in [name for name in there.metadata if name.lower().startswith(ours)]:
        if name.lower().removeprefix(ours) not in _METADATA:
            del there.metadata[name]
