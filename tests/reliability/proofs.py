"""The experiments against themselves: with what mends a kind of fault taken out of the system, the field has to show that fault."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.reliability.field import DEEP_READ, NOTHING, live
from tests.reliability.findings import Finding, Kind


@dataclass(frozen=True)
class Proof:
    """A fault to build in, what then happens to the shop, and words of the finding that must come of it."""

    sabotage: str
    events: Sequence[str]
    finding: str


PROOFS = (
    Proof("the index is believed", [NOTHING, "months deleted from the bucket"], "are not stored"),
    Proof("the future is believed", ["sales of the future"], "not told of"),
    Proof("there is never more", ["answers that say there is more"], "the report says"),
    Proof("a failure is an answer", ["answers that failed with status 200"], "the report says"),
    Proof("of one id the last stands", ["sales that share an id"], "the report says"),
    Proof("nothing is read deeper", [*["sales that came late"] * 4, *[NOTHING] * DEEP_READ], "are not stored"),
)


def prove(proof: Proof) -> list[Finding]:
    """What is wrong with the experiment: with the fault built in the undisturbed shop must be well, and the disturbed one not."""
    where = f"proof: {proof.sabotage}"
    well = live([NOTHING, NOTHING], random.Random(2), broken=proof.sabotage)
    if well.findings:
        return [Finding(Kind.SILENT, where, f"undisturbed, it does not work: {well.findings[0]}")]
    found = [str(finding) for finding in live(proof.events, random.Random(2), broken=proof.sabotage).findings]
    if any(proof.finding in finding for finding in found):
        return []
    return [Finding(Kind.SILENT, where, f"{proof.events} was not found; found was {found}")]
