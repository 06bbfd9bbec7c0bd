"""What IAM is asked when a call of the AWS API comes in: which actions, on which resources, in which context.

Sources: the Service Authorization Reference (which the evaluator checks every question against), and where AWS asks for
more than the call's name says, the place that says so.
"""

import json
from collections.abc import Callable, Iterator
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from tests.integration.permissions.evaluator import ACCOUNT, CONTEXT_OF_SHOP, Asked
from tests.stand_ins.aws import Answer, Request

TLS = ("aws:SecureTransport", ("true",))
"""The functions reach AWS over HTTPS; in the local cloud it is plain HTTP, which the policies of bucket and queues refuse."""


class UnknownCall(Exception):
    """A call of which nobody has said what IAM is asked: say so in `asked.py`."""


def asked_first(request: Request, region: str) -> list[Asked]:
    """What IAM is asked before the call takes effect; raises UnknownCall."""
    ask = _BY_SERVICE.get(request.service)
    if ask is None:
        raise UnknownCall(f"{request.service}: {request.method} {request.path}")
    return list(ask(request, region))


def asked_after(request: Request, answer: Answer) -> list[Asked]:
    """What IAM is asked for the answer: S3 says that a key does not exist only to those who may list it, with the key as
    prefix (User Guide, GetObject; that the prefix counts is in Ceph's pull request 68577, which does as S3 does)."""
    if request.service == "s3" and request.method in {"GET", "HEAD"} and request.key and answer.status == 404:
        return [Asked("s3:ListBucket", f"arn:aws:s3:::{_bucket(request)}", (TLS, ("s3:prefix", (request.key,))))]
    if request.service == "kms" and answer.status == 200:  # which key sealed it, the answer alone says
        shop = json.loads(request.body)["EncryptionContext"]["shop"]
        return [Asked("kms:Decrypt", json.loads(answer.body)["KeyId"], ((CONTEXT_OF_SHOP, (shop,)),))]
    return []


def _kms(request: Request, _region: str) -> Iterator[Asked]:
    if request.operation != "Decrypt":
        raise UnknownCall(f"kms: {request.operation}")
    return iter(())


def _s3(request: Request, _region: str) -> Iterator[Asked]:
    bucket = f"arn:aws:s3:::{_bucket(request)}"
    query = _query(request)
    match request.method, request.key:
        case "GET", "" if query.get("list-type") == "2":
            yield Asked("s3:ListBucket", bucket, (TLS, ("s3:prefix", (query["prefix"],))))
        case (("GET" | "HEAD"), key) if key and not query.keys() - {"x-id"}:
            yield Asked("s3:GetObject", f"{bucket}/{key}", (TLS,))
        case (("GET" | "HEAD"), key) if key and query.keys() - {"x-id"} == {"versionId"}:
            yield Asked("s3:GetObjectVersion", f"{bucket}/{key}", (TLS,))
        case "PUT", key if key and not query.keys() - {"x-id"}:
            yield Asked("s3:PutObject", f"{bucket}/{key}", (TLS,))
            if "if-match" in request.headers:  # User Guide, "Preventing object overwrites with conditional writes"
                yield Asked("s3:GetObject", f"{bucket}/{key}", (TLS,))
        case _:
            raise UnknownCall(f"s3: {request.method} {request.path}")


def _dynamodb(request: Request, region: str) -> Iterator[Asked]:
    if request.operation not in {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"}:
        raise UnknownCall(f"dynamodb: {request.operation}")
    body = json.loads(request.body)
    table = f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{body['TableName']}"
    leading = (("dynamodb:LeadingKeys", (partition(request),)),)
    resource = f"{table}/index/{body['IndexName']}" if "IndexName" in body else table
    yield Asked(f"dynamodb:{request.operation}", resource, leading)


def partition(request: Request) -> str:
    """The partition key of a call of DynamoDB: what `dynamodb:LeadingKeys` means (Developer Guide, fine-grained access)."""
    body = json.loads(request.body)
    values = body.get("ExpressionAttributeValues", {})
    key = body.get("Key") or body.get("Item") or {"pk": values.get(":late" if "IndexName" in body else ":pk")}
    return str(key["pk"]["S"])


def _lambda(request: Request, region: str) -> Iterator[Asked]:
    match urlsplit(request.path).path.strip("/").split("/"):
        case ["2015-03-31", "functions", name, "invocations"]:
            yield Asked("lambda:InvokeFunction", f"arn:aws:lambda:{region}:{ACCOUNT}:function:{unquote(name)}")
        case _:
            raise UnknownCall(f"lambda: {request.method} {request.path}")


def _secretsmanager(request: Request, _region: str) -> Iterator[Asked]:
    if request.operation != "GetSecretValue":
        raise UnknownCall(f"secretsmanager: {request.operation}")
    yield Asked("secretsmanager:GetSecretValue", json.loads(request.body)["SecretId"])


def _ses(request: Request, region: str) -> Iterator[Asked]:
    """A raw mail asks for SendRawEmail, and AWS's own CDK grants both; which of them is asked first is written nowhere."""
    if request.operation != "SendEmail":
        raise UnknownCall(f"ses: {request.method} {request.path}")
    body = json.loads(request.body)
    sender = parseaddr(body["FromEmailAddress"])[1]
    recipients = tuple(address for addresses in body["Destination"].values() for address in addresses)
    context = (("ses:FromAddress", (sender,)), ("ses:Recipients", recipients))
    resources = [f"identity/{sender}"]
    if "ConfigurationSetName" in body:
        resources.append(f"configuration-set/{body['ConfigurationSetName']}")
    for action in ("ses:SendEmail", "ses:SendRawEmail") if "Raw" in body["Content"] else ("ses:SendEmail",):
        for resource in resources:
            yield Asked(action, f"arn:aws:ses:{region}:{ACCOUNT}:{resource}", context)


def _scheduler(request: Request, region: str) -> Iterator[Asked]:
    match request.method, urlsplit(request.path).path.strip("/").split("/"):
        case "GET", ["schedules"]:
            yield Asked("scheduler:ListSchedules", "*")
        case "GET", ["schedules", name]:
            group = _query(request)["groupName"]
            arn = f"arn:aws:scheduler:{region}:{ACCOUNT}:schedule/{group}/{unquote(name)}"
            yield Asked("scheduler:GetSchedule", arn)
        case _:
            raise UnknownCall(f"scheduler: {request.method} {request.path}")


def _social_messaging(request: Request, region: str) -> Iterator[Asked]:
    operations = {"send": "SendWhatsAppMessage", "media": "PostWhatsAppMessageMedia"}
    operation = operations.get(urlsplit(request.path).path.removeprefix("/v1/whatsapp/"))
    if operation is None:
        raise UnknownCall(f"social-messaging: {request.method} {request.path}")
    number = json.loads(request.body)["originationPhoneNumberId"].removeprefix("phone-number-id-")
    arn = f"arn:aws:social-messaging:{region}:{ACCOUNT}:phone-number-id/{number}"
    yield Asked(f"social-messaging:{operation}", arn)


_BY_SERVICE: dict[str, Callable[[Request, str], Iterator[Asked]]] = {
    "s3": _s3,
    "dynamodb": _dynamodb,
    "secretsmanager": _secretsmanager,
    "kms": _kms,
    "ses": _ses,
    "scheduler": _scheduler,
    "lambda": _lambda,
    "social-messaging": _social_messaging,
}


def _bucket(request: Request) -> str:
    return urlsplit(request.path).path.lstrip("/").partition("/")[0]


def _query(request: Request) -> dict[str, str]:
    found = parse_qs(urlsplit(request.path).query, keep_blank_values=True)
    return {name: values[0] for name, values in found.items() if not name.startswith("X-Amz-")}
