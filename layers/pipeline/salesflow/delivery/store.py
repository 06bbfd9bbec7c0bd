"""Reports on S3: saved under the contract's keys, read back and checked, listed in a manifest, pointed to by `latest`.

The manifest of a report is a JSON object:

    report_type, period, business_date    what the report is
    files                                 by format: key, bytes, sha256, media_type, and `inputs`: what it was made from
    ...                                   the inputs of the run that wrote the manifest last (rows, data as of, zone)

It holds no clock and no run id: the same inputs give the same bytes. Files of formats that another run made stay listed.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)

from salesflow.delivery.integrity import check_opens
from salesflow.errors import ArtifactDamaged, SalesFlowError
from salesflow.formats import Format, ReportType
from salesflow.ledger import Artifact
from salesflow.windows import Period

_log = logging.getLogger(__name__)

JSON_TYPE = "application/json"
_CONDITIONAL_TRIES = 8
_READS = 2
_CONFLICTS = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_MISSING = {"NoSuchKey", "404", "NotFound"}


class ReportNotSaved(SalesFlowError):
    """S3 could not be reached, kept failing, or refused the call; names the key and what S3 said."""


def folder(report_type: ReportType, period: Period, business_date: date) -> str:
    """The prefix that a report's files and manifest lie under, with its slash."""
    return f"reports/{report_type}/{period}/{business_date.isoformat()}/"


def report_key(report_type: ReportType, period: Period, business_date: date, fmt: Format) -> str:
    """The key of one file of a report."""
    name = f"{report_type}-{period}-{business_date.isoformat()}.{fmt.extension}"
    return folder(report_type, period, business_date) + name


def manifest_key(report_type: ReportType, period: Period, business_date: date) -> str:
    """The key of a report's manifest."""
    return folder(report_type, period, business_date) + "manifest.json"


def latest_key(report_type: ReportType, period: Period, fmt: Format) -> str:
    """The key that always holds the newest business date's file."""
    return f"reports/latest/{report_type}-{period}.{fmt.extension}"


@dataclass(frozen=True, slots=True)
class _Head:
    """What S3 says about an object: the SHA-256 that it keeps (hex), its ETag, and our metadata."""

    sha256: str
    etag: str
    metadata: Mapping[str, str]


class ReportStore:
    """The reports bucket.

    Every method raises ReportNotSaved where S3 does not do its part. Writes are safe to repeat and safe against other
    runs: shared objects (manifest, latest) change by conditional writes only, and an unchanged object is not written
    again, so that a versioned bucket keeps versions and not copies.
    """

    def __init__(self, s3_client: Any, bucket: str) -> None:
        self._s3 = s3_client
        self.bucket = bucket

    def save(
        self,
        *,
        report_type: ReportType,
        period: Period,
        business_date: date,
        files: Mapping[Format, bytes],
        manifest: Mapping[str, Any],
    ) -> tuple[Artifact, ...]:
        """Save a report's files and return them as artifacts, in the order given.

        Every file is checked to open before anything is written, so that no broken file ever lies under a report's
        key; each is then written and read back, and what comes back must be the same bytes. Only then the manifest
        lists them and `latest` points to them. `manifest` says what the files were made from (JSON values and dates).

        Raises ArtifactDamaged where a file does not open or does not come back as it was written.
        """
        inputs = json.loads(_json(manifest))
        if reserved := {"report_type", "period", "business_date", "files"} & inputs.keys():
            raise ValueError(f"A manifest's {', '.join(sorted(reserved))} are the store's to write.")
        for fmt, data in files.items():
            check_opens(fmt, data)
        metadata = {"business-date": business_date.isoformat(), "report-type": str(report_type), "period": str(period)}
        artifacts = tuple(
            self._save_file(report_key(report_type, period, business_date, fmt), fmt, data, metadata)
            for fmt, data in files.items()
        )
        head = {"report_type": report_type, "period": period, "business_date": business_date}
        self._list(manifest_key(report_type, period, business_date), head | inputs, artifacts, inputs, metadata)
        for artifact in artifacts:
            fmt = Format(artifact.format)
            self._point_latest(latest_key(report_type, period, fmt), artifact, files[fmt], metadata)
        return artifacts

    def save_document(self, key: str, document: Mapping[str, Any], metadata: Mapping[str, str]) -> Artifact:
        """Save a result as JSON under its key, read back and compared; the same document gives the same bytes.

        Raises ValueError for a number that JSON does not have, ArtifactDamaged where it does not come back as it was written.
        """
        data = json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        return self._save_file(key, Format.JSON, data + b"\n", metadata)

    def keys_after(self, prefix: str, start_after: str) -> list[str]:
        """The first 1,000 keys below a prefix that sort after `start_after`, in order."""
        try:
            listed = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, StartAfter=start_after)
        except (ClientError, BotoCoreError) as error:
            raise self._not_saved("list", prefix, error) from error
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def read(self, key: str) -> bytes | None:
        """The bytes of an object, or None where there is none. Raises ArtifactDamaged where they cannot be read whole."""
        return self._read(key)[0]

    def _save_file(self, key: str, fmt: Format, data: bytes, metadata: Mapping[str, str]) -> Artifact:
        sha256 = hashlib.sha256(data).hexdigest()
        present = self._head(key)
        if present is None or present.sha256 != sha256:
            self._put(key, data, fmt.media_type, metadata)
            self._verify(key, data)
        else:
            try:
                self._verify(key, data)
            except ArtifactDamaged:
                _log.warning("%s was damaged since it was saved and is written again", key)
                self._put(key, data, fmt.media_type, metadata)
                self._verify(key, data)
        return Artifact(format=fmt, bucket=self.bucket, key=key, bytes=len(data), sha256=sha256)

    def _verify(self, key: str, data: bytes) -> None:
        """Read an object back and compare."""
        found = self.read(key)
        if found == data:
            return
        if found is None:
            problem = "it is not there"
        elif len(found) != len(data):
            problem = f"it has {len(found):,} bytes instead of {len(data):,}"
        else:
            problem = (
                f"its SHA-256 is {hashlib.sha256(found).hexdigest()} instead of {hashlib.sha256(data).hexdigest()}"
            )
        raise ArtifactDamaged(
            f"s3://{self.bucket}/{key} is not what was written: {problem}.",
            action="Nobody was mailed. Run the job again; it writes the file anew.",
        )

    def _list(
        self,
        key: str,
        head: Mapping[str, Any],
        artifacts: tuple[Artifact, ...],
        inputs: Mapping[str, Any],
        metadata: Mapping[str, str],
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
            data, etag = self._read(key)
            listed = self._listed(key, data)
            for artifact in artifacts:
                name = str(artifact.format)
                if name in listed and listed[name] != own[name] and self._replaced(artifact):
                    continue  # another run wrote this file after us: its entry is the true one
                listed[name] = own[name]
            new = _json({**head, "files": listed})
            return (None if new == data else new), etag

        self._put_agreed(key, merged, JSON_TYPE, metadata)

    def _listed(self, key: str, data: bytes | None) -> dict[str, Any]:
        """The files that a manifest lists."""
        if data is None:
            return {}
        try:
            return dict(json.loads(data)["files"])
        except (ValueError, KeyError, TypeError):
            _log.warning("%s is no manifest and is replaced", key)
            return {}

    def _replaced(self, artifact: Artifact) -> bool:
        """Whether another run has written this file since."""
        present = self._head(artifact.key)
        return present is not None and present.sha256 != artifact.sha256

    def _point_latest(self, key: str, artifact: Artifact, data: bytes, metadata: Mapping[str, str]) -> None:
        """Let `latest` hold this file, unless a newer business date is there."""

        def newest() -> tuple[bytes | None, str | None]:
            present = self._head(key)
            if present is None:
                return data, None
            there = present.metadata.get("business-date", "")
            if there > metadata["business-date"]:
                return None, present.etag
            if there == metadata["business-date"] and (present.sha256 == artifact.sha256 or self._replaced(artifact)):
                return None, present.etag
            return data, present.etag

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
                self._put(
                    key, data, media_type, metadata, condition={"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
                )
            except _Conflict:
                continue
            return
        raise ReportNotSaved(
            f"s3://{self.bucket}/{key} was changed by other runs {_CONDITIONAL_TRIES} times while this run wrote it.",
            action="Run the job again when the others have finished.",
        )

    def _head(self, key: str) -> _Head | None:
        try:
            answer = self._s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise self._not_saved("read about", key, error) from error
        except BotoCoreError as error:
            raise self._not_saved("read about", key, error) from error
        sha256 = base64.b64decode(answer.get("ChecksumSHA256", "")).hex()
        return _Head(sha256, answer["ETag"], answer.get("Metadata", {}))

    def _read(self, key: str) -> tuple[bytes | None, str | None]:
        """An object's bytes and ETag. A body that breaks off, or is not what its checksum says, is read once more."""
        broken: BotoCoreError | None = None
        for _ in range(_READS):
            try:
                answer = self._s3.get_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if error.response["Error"]["Code"] in _MISSING:
                    return None, None
                raise self._not_saved("read", key, error) from error
            except BotoCoreError as error:
                raise self._not_saved("read", key, error) from error
            try:
                return answer["Body"].read(), answer["ETag"]
            except (FlexibleChecksumError, IncompleteReadError, HTTPClientError) as error:
                broken = error
        raise ArtifactDamaged(
            f"s3://{self.bucket}/{key} could not be read back whole: {broken}.",
            action="Nobody was mailed. Run the job again; it writes the file anew.",
        ) from broken

    def _put(
        self,
        key: str,
        data: bytes,
        media_type: str,
        metadata: Mapping[str, str],
        condition: Mapping[str, str] | None = None,
    ) -> None:
        """Write an object. S3 itself refuses bytes that do not have the SHA-256 that goes with them."""
        try:
            self._s3.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                ContentType=media_type,
                Metadata=dict(metadata),
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
                **(condition or {}),
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if condition and (code in _CONFLICTS or code in _MISSING):
                raise _Conflict from None
            raise self._not_saved("write", key, error) from error
        except BotoCoreError as error:
            raise self._not_saved("write", key, error) from error

    def _not_saved(self, deed: str, key: str, error: Exception) -> ReportNotSaved:
        return ReportNotSaved(
            f"Could not {deed} s3://{self.bucket}/{key}: {error}.",
            action="Check the bucket's name, the function's role, and S3's health; then run the job again.",
        )


class _Conflict(Exception):
    """The object was changed between looking at it and writing it."""


def _json(value: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys: the same value gives the same bytes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, default=_as_text).encode() + b"\n"


def _as_text(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"A {type(value).__name__} has no place in a manifest.")
