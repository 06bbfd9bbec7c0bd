"""What a link can be for, as the short texts that a token holds.

| thing | for |
|---|---|
| `f/sales/daily/2026-11-22/sales-daily-2026-11-22.pdf` | one file of a report |
| `l` | the page of all reports, and the files that it lists |
| `a/GLOBAL/2026-11-22/Xy3kq0Zb1c2D` | one finding that was told: the check's file, and the hash of the entry's key |
| `m/reports`, `m/alerts` | the reader's own mails of one list |
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

REPORTS = "reports/"
CHECKS = "anomalies/"
LIBRARY = "l"
"""The page of all reports."""

_SEGMENT = r"[A-Za-z0-9=._-]{1,120}"
_BELOW_REPORTS = re.compile(rf"[a-z]+/[a-z]+/\d{{4}}-\d{{2}}-\d{{2}}/{_SEGMENT}", re.ASCII)
_BELOW_CHECKS = re.compile(rf"(?:{_SEGMENT}/){{1,3}}\d{{4}}-\d{{2}}-\d{{2}}", re.ASCII)


class MailList(StrEnum):
    """A kind of mail that a reader can stop and take up again."""

    REPORTS = "reports"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One file, by its key in the bucket."""

    key: str


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """The page of all reports."""


@dataclass(frozen=True, slots=True)
class ToldFinding:
    """One entry of a check's file, by the file's key and the mark of the entry's key (`mark_of`)."""

    key: str
    mark: str


type Thing = ReportFile | LibraryPage | ToldFinding | MailList
"""A list of mails stands for the reader's own mails, that list first."""


def file_thing(key: str) -> str:
    """The thing of a report's file."""
    return f"f/{key.removeprefix(REPORTS)}"


def finding_thing(check_key: str, entry_key: str) -> str:
    """The thing of what a check had to tell."""
    return f"a/{check_key.removeprefix(CHECKS).removesuffix('.json')}/{mark_of(entry_key)}"


def mails_thing(mail_list: MailList) -> str:
    """The thing of a reader's own mails."""
    return f"m/{mail_list}"


def mark_of(entry_key: str) -> str:
    """A few characters that stand for an entry's key, which can be long and in any script."""
    return base64.urlsafe_b64encode(hashlib.sha256(entry_key.encode("utf-8", "replace")).digest()[:9]).decode()


def thing_of(text: str) -> Thing | None:
    """The thing that a text means; None for one that means none."""
    kind, _, rest = text.partition("/")
    match kind:
        case "f" if (key := report_key_below(rest)) is not None:
            return ReportFile(key)
        case "l" if not rest:
            return LibraryPage()
        case "a":
            path, _, mark = rest.rpartition("/")
            return ToldFinding(f"{CHECKS}{path}.json", mark) if _BELOW_CHECKS.fullmatch(path) and mark else None
        case "m" if rest in MailList:
            return MailList(rest)
    return None


def report_key_below(path: str) -> str | None:
    """The key of a report's file that lies there below `reports/`; None for what cannot be one."""
    return f"{REPORTS}{path}" if _BELOW_REPORTS.fullmatch(path) and ".." not in path else None
