"""What an edition is made of, kept from before its first mail: so that all its readers get the same figures.

A run may end between two mails, and a firing may come later that is to tell more readers: meanwhile the source may have been
corrected. What is left to do for an edition that somebody may have got is done with what was saved for it. In DynamoDB it is
the row (`edition#{identity}`, `{business date}#{edition}`).
"""

import base64
import contextlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from salesflow import clock
from salesflow.ledger.runs import Artifact
from salesflow.rows import ConditionFailed, Row, Rows, expires_at
from salesflow.stored import known

_PREFIX = "edition#"


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file of an edition: as the ledger lists it, and which version of the object it is ("" where the bucket keeps none)."""

    artifact: Artifact
    version: str


@dataclass(frozen=True, slots=True)
class Edition:
    """A saved edition: its files, and what its job needs to mail them and to come to the same outcome (JSON values)."""

    files: tuple[SavedFile, ...]
    document: Mapping[str, Any]

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The files as the ledger lists them."""
        return tuple(file.artifact for file in self.files)


def read_edition(rows: Rows, identity: str, business_date: date, edition: str) -> Edition | None:
    """What was saved for an edition; None where nothing was."""
    key = _key(identity, business_date, edition)
    for row in rows.beginning_with(key["pk"], key["sk"]):
        if row["sk"] == key["sk"]:
            files = tuple(
                SavedFile(Artifact(**known(Artifact, file["artifact"])), file["version"]) for file in row["files"]
            )
            return Edition(files, json.loads(zlib.decompress(base64.b64decode(row["document"]))))
    return None


def write_edition(rows: Rows, identity: str, business_date: date, name: str, edition: Edition, *, attempt: int) -> None:
    """Save an edition, unless a later run has done so."""
    text = json.dumps(edition.document, ensure_ascii=False, sort_keys=True)
    row: Row = _key(identity, business_date, name) | {
        "attempt": attempt,
        "files": [{"artifact": file.artifact.as_dict(), "version": file.version} for file in edition.files],
        "document": base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode(),
        "expires_at": expires_at(clock.now()),
    }
    with contextlib.suppress(ConditionFailed):  # the run that overtook this one has saved its own
        rows.put_if(row, "attribute_not_exists(pk) OR attempt <= :mine", {"mine": attempt})


def _key(identity: str, business_date: date, edition: str) -> dict[str, str]:
    return {"pk": f"{_PREFIX}{identity}", "sk": f"{business_date.isoformat()}#{edition}"}
