"""Reports on S3: saved under the contract's keys, read back and checked, listed in a manifest, pointed to by `latest`.

The manifest of a report is a JSON object:

    report_type, period, business_date    what the report is
    files                                 by format: key, bytes, sha256, media_type, and `inputs`: what it was made from
    ...                                   the inputs of the run that wrote the manifest last (rows, data as of, zone)

It holds no clock and no run id: the same inputs give the same bytes. Files of formats that another run made stay listed.

Every object carries in its metadata the claim that it was written under (`Fence`), and is written only over what was looked
at before: a late run overwrites nothing of the run that overtook it. Objects without one, version 1.0.0's, are the oldest.
"""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from salesflow import clock
from salesflow.delivery.fencing import Head, ReportOvertaken, fenced
from salesflow.delivery.integrity import check_opens
from salesflow.errors import ArtifactDamaged, SalesFlowError
from salesflow.formats import Format, ReportType
from salesflow.ledger import Artifact, Fence, SavedFile
from salesflow.s3 import BodyBroken, Bucket
from salesflow.shop_id import MAIN_SHOP
from salesflow.windows import Period

_log = logging.getLogger(__name__)

JSON_TYPE = "application/json"
_CONDITIONAL_TRIES = 8
_IN_FOLDER = re.compile(r"reports/(\w+)/(\w+)/(\d{4}-\d{2}-\d{2})/[^/]+", re.ASCII)
_FORMATS = {fmt.extension: fmt for fmt in Format}


class ReportNotSaved(SalesFlowError):
    """S3 could not be reached, kept failing, or refused the call; names the key and what S3 said."""


def folder(report_type: ReportType, period: Period, business_date: date) -> str:
    """The prefix that a report's files and manifest lie under, with its slash."""
    return f"reports/{report_type}/{period}/{business_date.isoformat()}/"


def report_key(report_type: ReportType, period: Period, business_date: date, fmt: Format) -> str:
    """The key of one file of a report."""
    name = f"{report_type}-{period}-{business_date.isoformat()}.{fmt.extension}"
    return folder(report_type, period, business_date) + name


def report_of(key: str) -> tuple[ReportType, Period, date] | None:
    """The report in whose folder a key lies; None where there is none."""
    found = _IN_FOLDER.fullmatch(key)
    try:
        return (ReportType(found[1]), Period(found[2]), date.fromisoformat(found[3])) if found else None
    except ValueError:
        return None


def report_file_of(key: str) -> tuple[ReportType, Period, date, Format] | None:
    """What `report_key` made the key of; None for manifests, `latest/`, and what does not lie where the contract says."""
    report, fmt = report_of(key), _FORMATS.get(key.rpartition(".")[2])
    return (*report, fmt) if report and fmt and key == report_key(*report, fmt) else None


def manifest_key(report_type: ReportType, period: Period, business_date: date) -> str:
    """The key of a report's manifest."""
    return folder(report_type, period, business_date) + "manifest.json"


def latest_key(report_type: ReportType, period: Period, fmt: Format) -> str:
    """The key that always holds the newest business date's file."""
    return f"reports/latest/{report_type}-{period}.{fmt.extension}"


@dataclass(frozen=True, slots=True)
class _Stored:
    """An object as it was read, its version ("" where the bucket keeps none), and what S3 says about it."""

    data: bytes
    version: str
    head: Head


class ReportStore:
    """A shop's part of the reports bucket. What an artifact and a manifest say of a file is its key as the bucket has it.

    Every method raises ReportNotSaved where S3 does not do its part. Writes are safe to repeat and safe against other
    runs: shared objects (manifest, latest) change by conditional writes only, and an unchanged object is not written
    again, so that a versioned bucket keeps versions and not copies.
    """

    def __init__(self, s3_client: Any, bucket: str, shop: str = MAIN_SHOP) -> None:
        self._client = s3_client
        self._s3 = Bucket(s3_client, bucket, ReportNotSaved, shop=shop)
        self.own = self._s3.own

    def save(
        self,
        *,
        report_type: ReportType,
        period: Period,
        business_date: date,
        files: Mapping[Format, bytes],
        manifest: Mapping[str, Any],
        fence: Fence,
    ) -> tuple[SavedFile, ...]:
        """Save a report's files under a claim and return them, in the order given.

        Every file is checked to open before anything is written, so that no broken file ever lies under a report's
        key; each is then written and read back, and what comes back must be the same bytes. Only then the manifest
        lists them and `latest` points to them. `manifest` says what the files were made from (JSON values and dates).

        Raises ArtifactDamaged where a file does not open or does not come back as it was written, ClaimLost where a later
        run of the same work has written an object, and ReportOvertaken where one of other work has newer figures there.
        """
        inputs = json.loads(_json(manifest))
        if reserved := {"report_type", "period", "business_date", "files"} & inputs.keys():
            raise ValueError(f"A manifest's {', '.join(sorted(reserved))} are the store's to write.")
        for fmt, data in files.items():
            check_opens(fmt, data)
        metadata = fenced({"report-type": str(report_type), "period": str(period)}, fence)
        saved = tuple(
            self._save_file(report_key(report_type, period, business_date, fmt), fmt, data, metadata, fence)
            for fmt, data in files.items()
        )
        artifacts = tuple(file.artifact for file in saved)
        head = {"report_type": report_type, "period": period, "business_date": business_date}
        self._list(manifest_key(report_type, period, business_date), head | inputs, artifacts, inputs, metadata, fence)
        for artifact in artifacts:
            fmt = Format(artifact.format)
            self._point_latest(latest_key(report_type, period, fmt), artifact, files[fmt], metadata, fence)
        return saved

    def save_document(self, key: str, document: Mapping[str, Any], fence: Fence) -> Artifact:
        """Save a result as JSON under its key, read back and compared; the same document gives the same bytes.

        Raises ValueError for a number that JSON does not have, and what `save` raises.
        """
        data = json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        return self._save_file(key, Format.JSON, data + b"\n", fenced({}, fence), fence).artifact

    def keys_after(self, prefix: str, start_after: str) -> list[str]:
        """The first 1,000 keys below a prefix that sort after `start_after`, in order."""
        return [key for key, _ in self._s3.page(prefix, start_after)[0]]

    def read(self, key: str) -> bytes | None:
        """The bytes of an object, or None where there is none. Raises ArtifactDamaged where they cannot be read whole."""
        found = self._read(key)
        return None if found is None else found.data

    def has(self, key: str) -> bool:
        """Whether there is an object under a key."""
        return self._head(key) is not None

    def fresh_address(self, key: str, seconds: int) -> str:
        """An address of an object that opens without a login for that long."""
        params = {"Bucket": self._s3.name, "Key": self._s3.full(key)}
        address: str = self._client.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)
        return address

    def read_saved(self, file: SavedFile) -> bytes | None:
        """The bytes of a file as it was saved, whatever was written under its key since; None where they are gone."""
        artifact = file.artifact
        found = self._read(self._s3.own(artifact.key), file.version)
        if found is None or hashlib.sha256(found.data).hexdigest() != artifact.sha256:
            return None
        return found.data

    def _save_file(self, key: str, fmt: Format, data: bytes, metadata: Mapping[str, str], fence: Fence) -> SavedFile:
        """Write a file if it is not there yet, over what was looked at; and compare what comes back.

        Bytes that are there already are written again only by a run that overtook another one: from then on the object
        carries its claim, and the other, should it still be alive, cannot put different ones over them.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        artifact = Artifact(fmt, self._s3.name, self._s3.full(key), len(data), sha256)
        damaged = ""
        for _ in range(_CONDITIONAL_TRIES):
            present = self._head(key)
            if present is not None:
                present.ensure_not_overtaken(fence, key)
                if present.facts.sha256 != sha256 and present.is_later(fence):
                    raise ReportOvertaken(
                        f"s3://{self._s3.place(key)} holds newer figures, of a run that began after this one.",
                        action="Run the job again: it reads the source anew.",
                    )
                is_ours = present.carries(fence) or not fence.overtakes
                if present.facts.sha256 == sha256 and present.facts.etag != damaged and is_ours:
                    try:
                        return SavedFile(artifact, self._verified(key, data))
                    except ArtifactDamaged:
                        _log.warning("%s was damaged since it was saved and is written again", key)
                        damaged = present.facts.etag
            try:
                self._put(key, data, fmt.media_type, metadata, None if present is None else present.facts.etag)
            except _Conflict:
                continue
            return SavedFile(artifact, self._verified(key, data))
        raise self._contended(key)

    def _verified(self, key: str, data: bytes) -> str:
        """Read an object back and compare; its version ("" where the bucket keeps none)."""
        stored = self._read(key)
        found = None if stored is None else stored.data
        if stored is not None and found == data:
            return stored.version
        if found is None:
            problem = "it is not there"
        elif len(found) != len(data):
            problem = f"it has {len(found):,} bytes instead of {len(data):,}"
        else:
            problem = (
                f"its SHA-256 is {hashlib.sha256(found).hexdigest()} instead of {hashlib.sha256(data).hexdigest()}"
            )
        raise ArtifactDamaged(
            f"s3://{self._s3.place(key)} is not what was written: {problem}.",
            action="Nobody was mailed. Run the job again; it writes the file anew.",
        )

    def _list(
        self,
        key: str,
        head: Mapping[str, Any],
        artifacts: tuple[Artifact, ...],
        inputs: Mapping[str, Any],
        metadata: Mapping[str, str],
        fence: Fence,
    ) -> None:
        """Bring the manifest up to date."""
        own = {
            str(artifact.format): {
                "key": artifact.key,
                "bytes": artifact.bytes,
                "sha256": artifact.sha256,
                "media_type": Format(artifact.format).media_type,
                "inputs": inputs,
            }
            for artifact in artifacts
        }

        def merged() -> tuple[bytes | None, str | None]:
            stored = self._read(key)
            present = self._manifest(key, stored)
            about = head
            if stored is not None:
                stored.head.ensure_not_overtaken(fence, key)
                if stored.head.is_later(fence) and present:
                    about = {name: value for name, value in present.items() if name != "files"}
            listed = dict(present.get("files", {}))
            for artifact in artifacts:
                name = str(artifact.format)
                if name in listed and listed[name] != own[name] and self._replaced(artifact):
                    continue  # another run wrote this file after us: its entry is the true one
                listed[name] = own[name]
            new = _json({**about, "files": listed})
            same = stored is not None and stored.data == new
            return (None if same else new), (None if stored is None else stored.head.facts.etag)

        self._put_agreed(key, merged, JSON_TYPE, metadata)

    def _manifest(self, key: str, stored: "_Stored | None") -> dict[str, Any]:
        """What a manifest says; nothing where there is none."""
        if stored is None:
            return {}
        try:
            manifest = dict(json.loads(stored.data))
            dict(manifest["files"])
        except (ValueError, KeyError, TypeError):
            _log.warning("%s is no manifest and is replaced", key)
            return {}
        return manifest

    def _replaced(self, artifact: Artifact) -> bool:
        """Whether another run has written this file since."""
        present = self._head(self._s3.own(artifact.key))
        return present is not None and present.facts.sha256 != artifact.sha256

    def _point_latest(
        self, key: str, artifact: Artifact, data: bytes, metadata: Mapping[str, str], fence: Fence
    ) -> None:
        """Let `latest` hold this file, unless a newer business date, or a later run's file of this one, is there."""
        day = fence.business_date.isoformat()
        tomorrow = (clock.now() + timedelta(days=1)).date().isoformat()

        def newest() -> tuple[bytes | None, str | None]:
            present = self._head(key)
            if present is None:
                return data, None
            there = present.facts.metadata.get("business-date", "")
            if day < there <= tomorrow:
                return None, present.facts.etag
            if there == day:
                present.ensure_not_overtaken(fence, key)
                is_ours = present.carries(fence) or not fence.overtakes
                if present.is_later(fence) or (present.facts.sha256 == artifact.sha256 and is_ours):
                    return None, present.facts.etag
            return data, present.facts.etag

        self._put_agreed(key, newest, Format(artifact.format).media_type, metadata)

    def _put_agreed(
        self,
        key: str,
        wanted: Callable[[], tuple[bytes | None, str | None]],
        media_type: str,
        metadata: Mapping[str, str],
    ) -> None:
        """Write what `wanted` says against what is there now (its ETag, None for nothing); again if that has changed.

        `wanted` returns no bytes where the object is right as it is.
        """
        for _ in range(_CONDITIONAL_TRIES):
            data, etag = wanted()
            if data is None:
                return
            try:
                self._put(key, data, media_type, metadata, etag)
            except _Conflict:
                continue
            return
        raise self._contended(key)

    def _contended(self, key: str) -> ReportNotSaved:
        return ReportNotSaved(
            f"s3://{self._s3.place(key)} was changed by other runs {_CONDITIONAL_TRIES} times while this run wrote it.",
            action="Run the job again when the others have finished.",
        )

    def _head(self, key: str) -> Head | None:
        facts = self._s3.facts(key)
        return None if facts is None else Head(facts)

    def _read(self, key: str, version: str = "") -> "_Stored | None":
        """An object, of a version or as it is."""
        try:
            stored = self._s3.read(key, version)
        except BodyBroken as error:
            raise ArtifactDamaged(
                error.message, action="Nobody was mailed. Run the job again; it writes the file anew."
            ) from error
        if stored is None:
            return None
        return _Stored(stored.body, stored.facts.version, Head(stored.facts))

    def _put(self, key: str, data: bytes, media_type: str, metadata: Mapping[str, str], over: str | None) -> None:
        """Write an object over what has this ETag (None: over nothing); raises _Conflict where something else is there."""
        if self._s3.write(key, data, media_type, metadata, over=over) is None:
            raise _Conflict


class _Conflict(Exception):
    """The object was changed between looking at it and writing it."""


def _json(value: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys: the same value gives the same bytes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, default=_as_text).encode() + b"\n"


def _as_text(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"A {type(value).__name__} has no place in a manifest.")
