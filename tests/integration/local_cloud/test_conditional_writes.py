"""A conditional write of the local cloud is one step, as it is in DynamoDB and S3: of many at once, one wins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from werkzeug.test import Client

from local.cloud import LocalAws as Handle
from local.cloud.aws_process import LocalAws

THREADS = 24
SIGNED = "AWS4-HMAC-SHA256 Credential=testing/20261127/ap-southeast-1/{}/aws4_request, SignedHeaders=host, Signature=0"


class TwoSteps:
    """A service that looks, then writes, as moto does; it waits in between for as long as it takes another to come in."""

    def __init__(self) -> None:
        self.inside = 0
        self.most_at_once = 0
        self._changed = threading.Condition()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._changed:
            self.inside += 1
            self.most_at_once = max(self.most_at_once, self.inside)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most_at_once > 1, timeout=0.05)
            self.inside -= 1
        start_response("200 OK", [])
        return [b"{}"]


@pytest.mark.parametrize(
    ("service", "method", "alone"),
    [("dynamodb", "POST", True), ("s3", "PUT", True), ("s3", "GET", False), ("sqs", "POST", False)],
)
def test_only_what_may_be_conditional_is_answered_one_at_a_time(service: str, method: str, alone: bool) -> None:
    behind = TwoSteps()
    app = LocalAws(behind, [])

    def call(_: int) -> int:
        return Client(app).open("/", method=method, headers={"Authorization": SIGNED.format(service)}).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(call, range(THREADS))) == {200}
    assert (behind.most_at_once == 1) is alone


def test_of_24_claims_of_one_row_one_wins() -> None:
    aws = Handle.start()
    try:
        client = aws.client("dynamodb")
        key = {"AttributeName": "pk", "AttributeType": "S"}
        client.create_table(
            TableName="claims",
            AttributeDefinitions=[key],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )

        def claim(row: int) -> bool:
            request = {"TableName": "claims", "Key": {"pk": {"S": str(row)}}, "UpdateExpression": "SET who = :who"}
            condition = {"ConditionExpression": "attribute_not_exists(pk)"}
            try:
                client.update_item(**request, **condition, ExpressionAttributeValues={":who": {"S": "me"}})
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ConditionalCheckFailedException"  # noqa: PT017 - counted below
                return False
            return True

        with ThreadPoolExecutor(THREADS) as pool:
            for row in range(10):
                assert sum(pool.map(claim, [row] * THREADS)) == 1
    finally:
        aws.stop()
