"""What an experiment may find: something lost, doubled, or silent; and how an end state is judged."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from tests.reliability.scenarios import Expected
from tests.reliability.world import EndState

type Kind = Literal["lost", "doubled", "silent", "leaked"]
"""What went wrong. Lost: a file, a row or a mail that an undisturbed run makes is missing, other, or broken. Doubled: somebody was told
twice, or work was done twice. Silent: the answer or the ledger does not tell what happened, or an error does not say what to do.
Leaked: something of one shop lies with another, or was told to another's people."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind.__value__)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that went wrong, and where."""

    kind: Kind
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}"


@dataclass
class Outcome:
    """What an experiment came to. tolerated: mails repeated in the gap between SES's accept and the record."""

    findings: list[Finding] = field(default_factory=list)
    tolerated: int = 0


def judge(where: str, state: EndState, expected: Expected, *, may_repeat: Collection[str] = ()) -> list[Finding]:
    """Compare an end state with an undisturbed run's. may_repeat: recipients who may have been mailed once more."""
    found = []
    nearest = min(expected.ends, key=lambda end: len(_other_objects(state, end)))
    found += [Finding("lost", where, f"{key} {how}") for key, how in _other_objects(state, nearest).items()]
    for key in nearest.runs.keys() | state.runs.keys():
        if state.runs.get(key) != nearest.runs.get(key):
            found.append(
                Finding("silent", where, f"row {key} is {state.runs.get(key)} and not {nearest.runs.get(key)}")
            )
    for sent in nearest.sends.keys() | state.sends.keys():
        if state.sends.get(sent) != nearest.sends.get(sent):
            found.append(Finding("lost", where, f"record {sent} is {state.sends.get(sent)}"))
    wanted, told = nearest.told(), state.told()
    for (recipient, reference), times in told.items():
        if (recipient, reference) not in wanted:
            found.append(Finding("doubled", where, f"{recipient} got a mail {reference} that nobody asked for"))
        elif times > (2 if recipient in may_repeat else 1):
            found.append(Finding("doubled", where, f"{recipient} was mailed {times} times"))
    found += [Finding("lost", where, f"{recipient} was not mailed") for recipient, _ in wanted.keys() - told.keys()]
    return found + mailed_without_file(where, state)


def mailed_without_file(where: str, state: EndState) -> list[Finding]:
    """Every file that a mail carries lies in the bucket, byte for byte: at any moment, not only in the end."""
    return [
        Finding("lost", where, f"{mail.recipient} was mailed {name}, which is not saved like that")
        for mail in state.mails
        for name, data in mail.attachments.items()
        if not any(key.endswith(f"/{name}") and body == data for key, body in state.objects.items())
    ]


def _other_objects(state: EndState, end: EndState) -> dict[str, str]:
    return {
        key: "is missing" if key not in state.objects else "is not expected" if key not in end.objects else "differs"
        for key in sorted(end.objects.keys() | state.objects.keys())
        if state.objects.get(key) != end.objects.get(key)
    }
