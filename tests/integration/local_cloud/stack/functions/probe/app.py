"""A function that does what its event says: the tests of the local cloud look at how it is run."""

import os
import sys
import time
from decimal import Decimal
from typing import Any

import boto3

STARTED = time.monotonic()
calls = 0


def lambda_handler(event: Any, context: Any) -> Any:
    """Answer, raise, hang, exit or fill the memory."""
    global calls  # noqa: PLW0603 - shows that a container stays warm
    calls += 1
    print(f"call {calls} does {event.get('do')}")
    match event.get("do", "answer"):
        case "answer":
            from shared_words import GREETING

            return {
                "calls": calls,
                "greeting": GREETING,
                "event": event,
                "zone": os.environ.get("TIMEZONE"),
                "environment": sorted(os.environ),
                "request_id": context.aws_request_id,
                "remaining": context.get_remaining_time_in_millis(),
                "function": context.function_name,
                "arn": context.invoked_function_arn,
                "memory": context.memory_limit_in_mb,
                "amount": Decimal("1.25"),
                "pid": os.getpid(),
                "imports": [name for name in ("ops", "salesflow") if name in sys.modules],
            }
        case "read secret":
            return boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET_ID"])["SecretString"]
        case "count to the table":
            table = boto3.client("dynamodb")
            key = {"pk": {"S": event["key"]}}
            answer = table.update_item(
                TableName=os.environ["TABLE"],
                Key=key,
                UpdateExpression="ADD tries :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
                ReturnValues="UPDATED_NEW",
            )
            tries = int(answer["Attributes"]["tries"]["N"])
            if tries < event["succeed_at"]:
                raise RuntimeError(f"try {tries} fails")
            return {"tries": tries, "request_id": context.aws_request_id}
        case "raise":
            raise ValueError("no such luck")
        case "hang":
            time.sleep(60)
            return None
        case "exit":
            return sys.exit(3)
        case "unserialisable":
            return {"set": {1, 2}}
        case "fill memory":
            filled = bytearray(event["megabytes"] << 20)
            time.sleep(event.get("seconds", 0))
            return len(filled)
        case other:
            raise LookupError(other)
