"""What a policy grants, in its smallest pieces, and the policy without one of them."""

import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any

from tests.integration.permissions.evaluator import Asked, Evaluator, Policy
from tests.integration.permissions.gate import Gate

type Statement = dict[str, Any]


@dataclass(frozen=True)
class Grant:
    """One piece of a policy that can be taken away: an action on a resource, or one value that a condition allows."""

    what: str
    actions: tuple[str, ...]
    rest: Policy
    """The policy without it."""

    def __str__(self) -> str:
        return self.what


def grants(policy: Policy) -> Iterator[Grant]:
    """Every piece of a policy whose statements all allow."""
    for number, statement in enumerate(policy["Statement"]):
        assert statement["Effect"] == "Allow"
        actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
        for action in actions:
            for resource in resources:
                split = [{**statement, "Action": [a], "Resource": [r]} for a in actions for r in resources]
                split.remove({**statement, "Action": [action], "Resource": [resource]})
                yield Grant(f"{action} on {resource}", (action,), _with(policy, number, split))
        for operator, keys in statement.get("Condition", {}).items():
            for key, values in keys.items():
                for value in _listed(values):
                    fewer = copy.deepcopy(statement)
                    fewer["Condition"][operator][key] = [v for v in _listed(values) if v != value]
                    # A condition on no value at all would be left out by IAM: then nothing of the statement is left.
                    rest = _with(policy, number, [fewer] if fewer["Condition"][operator][key] else [])
                    yield Grant(f"{', '.join(actions)} where {key} is {value}", tuple(actions), rest)


def refused_without(gate: Gate, evaluator: Evaluator, function: str, grant: Grant) -> set[tuple[Asked, ...]]:
    """Those of a function's calls so far that its role would not be allowed without a grant."""

    def is_allowed(call: tuple[Asked, ...]) -> bool:
        about = [gate.question(function, each, grant.rest) for each in call if each.action in grant.actions]
        return all(evaluator.allow(about))

    return {call for call in gate.calls[function] if not is_allowed(call)}


def unused(gate: Gate, evaluator: Evaluator, function: str, asked: Collection[Asked]) -> list[str]:
    """The grants of a function's role without which everything that was asked would be allowed all the same."""

    def is_needed(grant: Grant) -> bool:
        about = [gate.question(function, each, grant.rest) for each in asked if each.action in grant.actions]
        return any(not all(evaluator.allow(some)) for some in batched(about, 10, strict=False))

    return [str(grant) for grant in grants(gate.policies[function]) if not is_needed(grant)]


def _with(policy: Policy, number: int, statements: list[Statement]) -> Policy:
    """A policy with other statements in the place of one."""
    return {**policy, "Statement": [*policy["Statement"][:number], *statements, *policy["Statement"][number + 1 :]]}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
