"""What AWS IAM would answer, from an evaluator that is not ours: @cloud-copilot/iam-simulate, in a process of its own.

It knows every action, which resources and condition keys an action has (AWS's Service Authorization Reference), and how
identity policies, resource policies and conditions work together. A question that makes no sense to IAM is an error here.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ROOT / ".build" / "scan"
SCRIPT = Path(__file__).parent / "evaluator" / "evaluate.mjs"
ACCOUNT = "123456789012"
CONTEXT_OF_SHOP = "kms:EncryptionContext:shop"
_IN_ITS_PLACE = "kms:RequestAlias"
"""What the evaluator is asked with instead: it knows no key of which a part is the asker's own."""

type Policy = dict[str, Any]
"""A policy document, its `Statement` a list."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to IAM: may this be done to this, in this context (condition keys and their values)?"""

    action: str
    resource: str
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        return f"{self.action} on resource: {self.resource}"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom (an assumed role's or a service's name), and the policies that decide.

    policy: the caller's own. resource_policy: that of the bucket, queue, topic or function that it is about.
    """

    asked: Asked
    principal: str
    policy: Policy | None = None
    resource_policy: Policy | None = None


class Evaluator:
    """The evaluator's process. Use `started`. It remembers what it was asked."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._known: dict[str, str] = {}

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """An evaluator that ends with the block."""
        node, modules = TOOLS / "bin" / "node", TOOLS / "evaluator"
        if not (node.exists() and (modules / "node_modules").is_dir()):
            raise FileNotFoundError("The policy evaluator is not installed: run `make scan-tools`.")
        process = subprocess.Popen(
            [node, SCRIPT, modules], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        try:
            yield cls(process)
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()

    def allows(self, question: Question) -> bool:
        """Whether IAM would allow it."""
        return self.allow([question])[0]

    def allow(self, questions: Sequence[Question]) -> list[bool]:
        """Whether IAM would allow each; raises ValueError for a question that makes no sense to it."""
        texts = [
            json.dumps(_simulation(question), sort_keys=True).replace(CONTEXT_OF_SHOP, _IN_ITS_PLACE)
            for question in questions
        ]
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write('{"simulations": [' + ",".join(new) + "]}\n")
            self._process.stdin.flush()
            self._known |= zip(new, json.loads(self._process.stdout.readline()), strict=True)
        answers = [self._known[text] for text in texts]
        for question, answer in zip(questions, answers, strict=True):
            if answer.startswith("error"):
                raise ValueError(f"{question.asked}: {answer}")
        return [answer == "Allowed" for answer in answers]


def _simulation(question: Question) -> Mapping[str, Any]:
    asked = question.asked
    found: dict[str, Any] = {
        "request": {
            "principal": question.principal,
            "action": asked.action,
            "resource": {"resource": asked.resource, "accountId": ACCOUNT},
            "contextVariables": {key: values[0] if len(values) == 1 else list(values) for key, values in asked.context},
        },
        "identityPolicies": [] if question.policy is None else [{"name": "own", "policy": question.policy}],
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
    }
    if question.resource_policy is not None:
        found["resourcePolicy"] = question.resource_policy
    return found
