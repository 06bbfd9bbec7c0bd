"""AWS with IAM in front of it: every call of a function is decided on by the policies of that function's own role.

Functions tell who they are by their access key, which is their logical id. moto, behind, lets everything pass.
"""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from tests.integration.permissions.asked import asked_after, asked_first
from tests.integration.permissions.evaluator import Asked, Evaluator, Policy, Question
from tests.stand_ins.aws import Answer, Cloud, Request

_WHO = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/")


class Gate(Cloud):
    """A Cloud (see `tests.stand_ins.aws`) that asks IAM first."""

    def __init__(
        self,
        behind: tuple[str, int],
        evaluator: Evaluator,
        policies: Mapping[str, Policy],
        resource_policies: Mapping[str, Policy],
    ) -> None:
        """behind: host and port of the AWS that answers what is allowed. policies: of each function's role, by the function's
        logical id. resource_policies: by the ARN that they are about."""
        super().__init__(moto=behind)
        self.policies = dict(policies)
        self.asked: dict[str, set[Asked]] = defaultdict(set)
        """What each function's calls asked for since the start, and were allowed."""
        self.calls: dict[str, set[tuple[Asked, ...]]] = defaultdict(set)
        """What each function's calls asked for, call by call, allowed or not."""
        self.denied: list[Asked] = []
        self._evaluator = evaluator
        self._resource_policies = resource_policies
        self._evaluating = threading.Lock()

    @contextmanager
    def with_policy(self, function: str, policy: Policy) -> Iterator[None]:
        """Let a function's role have another policy until the block ends."""
        kept = self.policies[function]
        self.policies[function], self.denied = policy, []
        try:
            yield
        finally:
            self.policies[function] = kept

    def answer(self, request: Request) -> Answer | None:
        """The service's answer, or its AccessDenied."""
        if (
            "authorization" not in request.headers
        ):  # an address of S3 that is signed in its query, for somebody else to fetch
            request = replace(request, service="s3")
        who = _WHO.search(request.headers.get("authorization") or unquote(request.path))
        assert who is not None
        refused = self._refused(who["key"], asked_first(request, who["region"]))
        if refused is None:
            answer = super().answer(request)
            assert answer is not None
            refused = self._refused(who["key"], asked_after(request, answer))
            if refused is None:
                return answer
        return _access_denied(request, who["key"], refused)

    def question(self, function: str, asked: Asked, policy: Policy | None = None) -> Question:
        """The question to IAM that a function's call comes to; policy: other than its role's."""
        return Question(
            asked,
            f"arn:aws:sts::123456789012:assumed-role/{function}/{function}",
            self.policies[function] if policy is None else policy,
            self._resource_policies.get(asked.resource)
            or self._resource_policies.get(asked.resource.partition("/")[0]),  # an object's is its bucket's
        )

    def _refused(self, function: str, asked: list[Asked]) -> Asked | None:
        with self._evaluating:
            self.calls[function].add(tuple(asked))
            allowed = self._evaluator.allow([self.question(function, each) for each in asked])
            self.asked[function].update(each for each, ok in zip(asked, allowed, strict=True) if ok)
            refused = next((each for each, ok in zip(asked, allowed, strict=True) if not ok), None)
            if refused is not None:
                self.denied.append(refused)
            return refused


def _access_denied(request: Request, function: str, asked: Asked) -> Answer:
    """The service's own answer, in AWS's own words."""
    message = (
        f"User: arn:aws:sts::123456789012:assumed-role/{function} is not authorized to perform: {asked} because no "
        f"identity-based policy allows the {asked.action} action"
    )
    if request.service == "s3":
        body = (
            "" if request.method == "HEAD" else f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
        )
        return Answer(403, [("Content-Type", "application/xml")], body.encode())
    content: dict[str, Any] = {"__type": "AccessDeniedException", "message": message}
    status = 400 if request.service in {"dynamodb", "secretsmanager", "kms"} else 403
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "AccessDeniedException")]
    return Answer(status, headers, json.dumps(content).encode())
