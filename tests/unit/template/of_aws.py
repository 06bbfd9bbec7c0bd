"""Two things that AWS does and no emulator has, over the translated template: Lambda's filter on log lines, and SES's two authorisations.

Each rule stands beside the words of AWS's documents that it is taken from.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from tests.unit.template.stack import Statement, as_list

# ------------------------------------------------------------------------------------------------------------ Lambda's log filter
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html

LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def is_kept(line: str, configuration: Mapping[str, str]) -> bool:
    """Whether a line of a function's log reaches CloudWatch, under a `LoggingConfig` of the template.

    "To use log-level filtering, your function must be configured to use the JSON log format."
    """
    if configuration["LogFormat"] != "JSON":
        return True
    return LEVELS.index(level_of(line)) >= LEVELS.index(configuration["ApplicationLogLevel"])


def level_of(line: str) -> str:
    """The level that Lambda gives a line.

    "If the "level" value field is invalid or missing, Lambda will assign the log output the level INFO." "If you don't supply a valid
    timestamp, Lambda will assign the log the level INFO and add a timestamp for you."
    """
    try:
        record = json.loads(line)
    except ValueError:
        return "INFO"
    if not isinstance(record, dict) or not _is_rfc_3339(record.get("timestamp")):
        return "INFO"
    level = str(record.get("level", "")).upper()
    return level if level in LEVELS else "INFO"


def _is_rfc_3339(text: object) -> bool:
    if not isinstance(text, str) or not RFC_3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


# ------------------------------------------------------------------------------------------------------------ SES's authorisations
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

ACCOUNT, PARTITION = "123456789012", "aws"


def refusals(statements: Sequence[Statement], *, sender: str, region: str, through: str | None) -> list[str]:
    """What SES refuses a role that sends from an address through a configuration set; nothing where it sends.

    "If the action has one or more required resources, the caller must have permission to use the action with those resources": the identity
    is one of `SendEmail`, and the configuration set another, asked for on its own. What is known at the second is not documented, and one
    public report of an outage says that the sender is not: it has to be allowed with the sender and without.
    """
    arn = f"arn:{PARTITION}:ses:{region}:{ACCOUNT}:"
    asked = [(f"{arn}identity/{sender}", {"ses:FromAddress": sender})]
    if through:
        asked += [(f"{arn}configuration-set/{through}", context) for context in ({"ses:FromAddress": sender}, {})]
    return [
        f"{resource}, knowing {', '.join(context) or 'nothing'}"
        for resource, context in asked
        for action in ("ses:SendEmail", "ses:SendRawEmail")
        if not any(_allows(statement, action, resource, context) for statement in statements)
    ]


def _allows(statement: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether one statement allows it.

    "If the key that you specify in a policy condition is not present in the request context, the values do not match and the condition is
    false."
    """
    return (
        statement["Effect"] == "Allow"
        and any(fnmatchcase(action, one) for one in as_list(statement["Action"]))
        and any(fnmatchcase(resource, one) for one in as_list(statement["Resource"]))
        and all(
            key in context and any(_matches(operator, context[key], value) for value in as_list(values))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _matches(operator: str, known: str, wanted: str) -> bool:
    match operator:
        case "StringEquals":
            return known == wanted
        case "StringLike":
            return fnmatchcase(known, wanted)
        case _:
            raise ValueError(f"What {operator} does is not said here: add it, with the words of the document.")


def resolved(part: Any, given: Mapping[str, str], conditions: Mapping[str, bool]) -> Any:
    """A part of the template with its intrinsics worked out: what each name refers to, and which conditions hold."""
    match part:
        case {"Ref": name}:
            return given[name]
        case {"Fn::If": [condition, yes, no]}:
            return resolved(yes if conditions[condition] else no, given, conditions)
        case {"Fn::Sub": [text, own]}:
            return _filled(text, {**given, **resolved(own, given, conditions)})
        case {"Fn::Sub": text}:
            return _filled(text, given)
        case dict():
            return {key: resolved(inner, given, conditions) for key, inner in part.items()}
        case list():
            return [resolved(inner, given, conditions) for inner in part]
        case _:
            return part


def _filled(text: str, given: Mapping[str, str]) -> str:
    return re.sub(r"\$\{([\w:.]+)\}", lambda found: given[found[1]], text)


def of_ses(statements: Sequence[Statement]) -> Iterator[Statement]:
    """Those statements that are about SES."""
    return (one for one in statements if any(action.startswith("ses:") for action in as_list(one["Action"])))
