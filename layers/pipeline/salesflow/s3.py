"""Whole objects on S3, replaced only if nobody else replaced them meanwhile."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from salesflow.errors import HistoryConflict, HistoryUnavailable

ATTEMPTS = 8
_READS = 2
_CONFLICTS = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_MISSING = {"NoSuchKey", "404"}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was read: its bytes, its version tag, and its own metadata (lower-case names)."""

    body: bytes
    etag: str
    metadata: Mapping[str, str]


class ObjectStore:
    """Reads and conditional writes below one bucket. Every method raises HistoryUnavailable where S3 does not do its part."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self.bucket = bucket
        self._replaced: dict[str, str | None] = {}
        """The version tag that was there before the last write of each key (None: nothing)."""

    def read(self, key: str) -> StoredObject | None:
        """The object, or None where there is none.

        A body that breaks off or is not what its checksum says, and an answer from before this run's own write, are read
        once more: a report must not be made of what lay there before the sync.
        """
        problem: object = "S3 answers with what this run has replaced"
        for _ in range(_READS):
            try:
                stored = self._read(key)
            except BotoCoreError as error:
                problem = error
                continue
            etag = None if stored is None else stored.etag
            if key not in self._replaced or self._replaced[key] != etag:
                return stored
        self._replaced.pop(key, None)  # the next run believes what it reads
        raise self._unavailable("read", key, problem)

    def _read(self, key: str) -> StoredObject | None:
        """One read; raises the SDK's error where the body does not come whole."""
        try:
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise self._unavailable("read", key, error) from error
        except BotoCoreError as error:
            raise self._unavailable("read", key, error) from error
        return StoredObject(answer["Body"].read(), answer["ETag"], answer["Metadata"])

    def write_new(self, key: str, body: bytes, media_type: str, metadata: Mapping[str, str]) -> bool:
        """Create the object; False where there is one already, which then stays as it is."""
        return self._put(key, body, media_type, metadata, None)

    def update(
        self,
        key: str,
        change: Callable[[StoredObject | None], tuple[bytes, Mapping[str, str]] | None],
        media_type: str,
    ) -> None:
        """Replace the object by what `change` makes of the stored one (None in: there is none; None out: leave it).

        Nothing is written when the bytes stay the same (the bucket keeps versions). When another run replaced the object between read and
        write, `change` is asked again with what is there now; raises HistoryConflict after `ATTEMPTS` lost races.
        """
        for attempt in range(ATTEMPTS):
            stored = self.read(key)
            changed = change(stored)
            if changed is None:
                return
            body, metadata = changed
            if stored is not None and stored.body == body:
                return
            if self._put(key, body, media_type, metadata, stored):
                return
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter, not a secret
        raise HistoryConflict(
            f"s3://{self.bucket}/{key} was rewritten by other runs {ATTEMPTS} times in a row while this one updated it.",
            action="Run the job again; if it keeps happening, look for a schedule that fires the same job many times.",
        )

    def _put(
        self, key: str, body: bytes, media_type: str, metadata: Mapping[str, str], stored: StoredObject | None
    ) -> bool:
        condition = {"IfNoneMatch": "*"} if stored is None else {"IfMatch": stored.etag}
        try:
            self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType=media_type,
                Metadata=dict(metadata),
                ChecksumAlgorithm="SHA256",
                **condition,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _CONFLICTS:
                return False
            raise self._unavailable("write", key, error) from error
        except BotoCoreError as error:
            raise self._unavailable("write", key, error) from error
        self._replaced[key] = None if stored is None else stored.etag
        return True

    def _unavailable(self, deed: str, key: str, error: object) -> HistoryUnavailable:
        return HistoryUnavailable(
            f"Could not {deed} s3://{self.bucket}/{key}: {error}.",
            action="Check the bucket's name, the function's role, and S3's health; then run the job again.",
        )
