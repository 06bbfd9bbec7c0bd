"""What an experiment may find: something lost, doubled, or silent; and how an end state is judged."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from salesflow.delivery.integrity import check_opens
from salesflow.formats import Format
from salesflow.library.keeper import INDEX_KEY
from tests.reliability.scenarios import Expected
from tests.reliability.world import PREFIXES, EndState

type Kind = Literal["lost", "doubled", "silent", "leaked"]
"""What went wrong. Lost: a file, a row or a mail that an undisturbed run makes is missing, other, or broken. Doubled: somebody was told
twice, or work was done twice. Silent: the answer or the ledger does not tell what happened, or an error does not say what to do.
Leaked: something of one shop lies with another, or was told to another's people."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind.__value__)
_ANOTHER_SHOP_S: Final = re.compile(r"^shops/[a-z0-9-]+/")


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


def half_done(state: EndState) -> list[str]:
    """What lies under the contract's keys though it is not whole; empty if all is well. Readers may look at any moment."""
    problems = []
    objects = state.objects
    for key, body in objects.items():
        own = _ANOTHER_SHOP_S.sub("", key)
        if not own.startswith(PREFIXES):
            problems.append(f"{key} lies outside the contract's prefixes")
        if not own.startswith("reports/"):
            continue
        if key.endswith("/manifest.json"):
            problems += _wrong_in_manifest(key, body, objects)
            continue
        extension = key.rpartition(".")[2]
        fmt = next(fmt for fmt in Format if fmt.extension == extension)
        try:
            check_opens(fmt, body)
        except Exception as error:  # noqa: BLE001 - whatever keeps it from opening
            problems.append(f"{key} does not open: {error}")
    for key, body in objects.items():
        shop, is_latest, file = key.rpartition("reports/latest/")
        if is_latest:
            name, _, extension = file.rpartition(".")
            report_type, _, period = name.partition("-")
            dated = [
                other
                for other in objects
                if other.startswith(f"{shop}reports/{report_type}/{period}/") and other.endswith(f".{extension}")
            ]
            if body not in [objects[other] for other in dated]:
                problems.append(f"{key} is none of the dated reports")
    if state.page is not None:
        problems += _wrong_on_page(state.page, objects)
    return problems


def _wrong_on_page(page: bytes, objects: Mapping[str, bytes]) -> list[str]:
    """What keeps the library page from being whole; a file that it lists is never taken away."""
    try:
        check_opens(Format.HTML, page)
    except Exception as error:  # noqa: BLE001 - whatever keeps it from opening
        return [f"{INDEX_KEY} does not open: {error}"]
    links = re.findall(r'<a href="([^"]+)"', page.decode())
    return [f"{INDEX_KEY} links to {link}, which is not there" for link in links if f"reports/{link}" not in objects]


def _wrong_in_manifest(key: str, body: bytes, objects: Mapping[str, bytes]) -> list[str]:
    problems = []
    for listed in json.loads(body)["files"].values():
        there = objects.get(listed["key"])
        if there is None:
            problems.append(f"{key} names {listed['key']}, which is not there")
        elif hashlib.sha256(there).hexdigest() != listed["sha256"]:
            problems.append(f"{key} gives another hash for {listed['key']}")
    return problems
