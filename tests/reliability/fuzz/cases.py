"""What hostile input is made of, and how many cases of it are driven through a check."""

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from salesflow.errors import SalesFlowError
from tests.reliability.findings import Finding

_HOSTILE = [
    "=SUM(A1:A9)",
    '=HYPERLINK("http://evil.example","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "＝1+1",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table><h1>x",
    "javascript:alert(1)",
    "{{7*7}}{% for x in y %}",
    "x\r\nBcc: thief@evil.example",
    "x\nSubject: other",
    "\x00\x01\x1f",
    "\u202egpj.exe",
    "../../../etc/passwd",
    "..%2f..%2f",
    "a/b\\c",
    "\ud83c\udf4e",
    "'; DROP TABLE sales; --",
    "ﷺ" * 40,
    "x" * 5_000,
    "]]>",
    "&lt;b&gt;",
    "=_boundary",
    "--=_boundary--",
]
hostile = (
    st.sampled_from(_HOSTILE) | st.builds("{}{}".format, st.sampled_from(_HOSTILE), st.text(max_size=8)) | st.text()
)
garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | hostile,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hostile, inner, max_size=4),
    max_leaves=10,
)


@dataclass
class Fuzzed:
    """What a kind of fuzzing came to. outcomes: how often each outcome came about."""

    kind: str
    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


type Case = Callable[[Any], str]
"""Takes one input, asserts what has to hold, and answers the name of the outcome."""


def drive(kind: str, strategy: st.SearchStrategy[Any], case: Case, cases: int, number: int) -> Fuzzed:
    """Put so many inputs through a case; the seed `number` makes the same ones again. What goes wrong is a finding, shrunk."""
    fuzzed = Fuzzed(kind)

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(strategy)
    def examine(value: Any) -> None:
        fuzzed.cases += 1
        fuzzed.outcomes[case(value)] += 1

    try:
        examine()
    except Exception as error:  # noqa: BLE001 - whatever comes out of a case is the finding
        notes = " ".join(getattr(error, "__notes__", ()))
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {str(error)[:800]} ({place.filename}:{place.lineno}) {notes[:1_500]}"
        fuzzed.findings.append(Finding("silent", f"fuzzing of {kind}", what))
    return fuzzed


def refusal(error: SalesFlowError) -> str:
    """The outcome of an input that was refused: the error says what to do, in words that somebody may read."""
    assert error.action
    assert len(str(error)) < 20_000
    return "refused"
