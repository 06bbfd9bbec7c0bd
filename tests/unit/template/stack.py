"""The template as AWS would get it: translated by AWS's own SAM translator, and the parts of it that the tests look at."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from local.cloud.template import load_template, package, translate

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "template.yaml"

Resource = dict[str, Any]
Statement = dict[str, Any]


@cache
def parameters() -> dict[str, Resource]:
    found: dict[str, Resource] = load_template(TEMPLATE)["Parameters"]
    return found


@cache
def resources() -> dict[str, Resource]:
    packaged = package(load_template(TEMPLATE), ROOT, "packages", lambda _key, _content: None)
    given = {
        "SalesFlowApiUrl": "https://shop.example/api/v1",
        "MailSender": "reports@shop.example",
        "OwnerRecipients": "owner@shop.example",
    }
    found: dict[str, Resource] = translate(packaged.template, given, "ap-southeast-1")["Resources"]
    return found


def of_type(resource_type: str) -> dict[str, Resource]:
    """Properties by logical id."""
    return {name: r.get("Properties", {}) for name, r in resources().items() if r["Type"] == resource_type}


def schedules() -> dict[str, Resource]:
    return of_type("AWS::Scheduler::Schedule")


def functions() -> dict[str, Resource]:
    return of_type("AWS::Lambda::Function")


def referred(value: Any) -> set[str]:
    """The names of everything that a value refers to, by Ref, GetAtt or Sub."""
    return set(_referred(value))


def _referred(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref":
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else inner.partition(".")[0]
            elif key == "Fn::Sub":
                text = inner if isinstance(inner, str) else inner[0]
                yield from (part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:])
                yield from _referred(inner)
            else:
                yield from _referred(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _referred(inner)


def statements(role: str) -> list[Statement]:
    """What a role allows, one entry a statement, with every condition of the stack met."""
    found = []
    for policy in of_type("AWS::IAM::Role")[role]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            chosen = statement["Fn::If"][1] if "Fn::If" in statement else statement
            found.append(chosen)
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """A value with its intrinsics, as text to look into."""
    return json.dumps(value, sort_keys=True)
