"""What the experiments came to: rows of numbers, the table that is printed, and files to quote from."""

from collections import Counter
from dataclasses import dataclass, field

from tests.reliability.findings import KINDS, Finding


@dataclass
class Row:
    """One experiment: its name, what it counted, how long it took, and what it found."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)


def totals(rows: list[Row]) -> Counter[str]:
    """The sum of every count, and how much was lost, doubled and silent."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row.counts)
        total.update(finding.kind for finding in row.findings)
    return total


def printed(rows: list[Row], *, seconds: float) -> str:
    """The table, with the findings below it."""
    width = max(len(row.name) for row in rows) + 2
    lines = [f"{'experiment':<{width}}{'seconds':>8}  lost  doubled  silent  leaked  what was done"]
    for row in rows:
        kinds = Counter(finding.kind for finding in row.findings)
        done = ", ".join(f"{count:,} {name}" for name, count in row.counts.items())
        found = f"{kinds['lost']:>6}{kinds['doubled']:>9}{kinds['silent']:>8}{kinds['leaked']:>8}"
        lines.append(f"{row.name:<{width}}{row.seconds:>8.0f}{found}  {done}")
    total = totals(rows)
    lines += ["", f"In {seconds / 60:.1f} minutes:"]
    lines += [f"  {total[name]:>9,} {name}" for name in _SUMMED if name in total]
    lines += [f"  {total[kind]:>9,} {kind}" for kind in KINDS]
    lines += [""] + [str(finding)[:600] for row in rows for finding in row.findings]
    return "\n".join(lines).rstrip()


def as_document(rows: list[Row], *, seconds: float) -> dict[str, object]:
    """The same as data: the sums, and every experiment with its counts and findings."""
    total = totals(rows)
    sums = {name: total[name] for name in (*_SUMMED, *KINDS) if name in total or name in KINDS}
    return {
        "minutes": round(seconds / 60, 1),
        **sums,
        "experiments": [
            {"name": row.name, "seconds": round(row.seconds), **row.counts, "findings": [str(f) for f in row.findings]}
            for row in rows
        ],
    }


def as_markdown(rows: list[Row], *, seconds: float) -> str:
    """The sums, as a table to quote."""
    document = as_document(rows, seconds=seconds)
    lines = ["| what was done | number |", "|---|---|"]
    lines += [f"| {name} | {count:,} |" for name, count in document.items() if isinstance(count, int | float)]
    return "\n".join(lines) + "\n"


_SUMMED = (
    "crash points swept",
    "times overtaken",
    "corrections between two tries",
    "disturbed beside another shop",
    "faults injected",
    "runs at the same moment",
    "cases fuzzed",
    "days simulated",
    "days checked",
    "days in the field",
    "steps walked",
    "sabotages looked for",
    "mails repeated in the known gap",
)
