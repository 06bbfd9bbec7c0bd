"""Whole objects on S3, replaced only if nobody else replaced them meanwhile."""

import base64
import hashlib
import io
import random
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)

from salesflow.errors import HistoryConflict, HistoryUnavailable, SalesFlowError
from salesflow.shop_id import MAIN_SHOP, key_prefix

ATTEMPTS: Final = 8
KEPT_BYTES: Final = 24 * 1024 * 1024
"""How much of what was read is kept in memory, for the next run of the same container."""

IN_MEMORY: Final = 16 * 1024 * 1024
"""A larger object is in a file on disk, which has no name and is gone with the object."""

type File = io.BytesIO | SpooledTemporaryFile[bytes]
type Content = bytes | File
"""What an object holds: bytes, or where they are many a file, for one thread at a time."""

_READS: Final = 2
_CONFLICTS: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
"""S3 has another object there than the condition names (412), or another write is under way at this moment (409)."""
_MISSING: Final = frozenset({"NoSuchKey", "NoSuchVersion", "NotFound", "404"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What S3 says about an object: its version tag, the SHA-256 that it keeps (hex), our metadata (lower-case names), and its version
    ("" where the bucket keeps none)."""

    etag: str
    sha256: str
    metadata: Mapping[str, str]
    version: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was read or written: what it holds, and what S3 said of it."""

    content: Content
    facts: Facts

    @property
    def body(self) -> bytes:
        """Its bytes; of what may be large `opened(content)` has them piece by piece."""
        return opened(self.content).read()

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return opened(self.content).seek(0, io.SEEK_END)

    @property
    def etag(self) -> str:
        """Its version tag: of the same bytes the same."""
        return self.facts.etag

    @property
    def metadata(self) -> Mapping[str, str]:
        """Our metadata."""
        return self.facts.metadata


def opened(content: Content) -> File:
    """What reads it from its beginning."""
    if isinstance(content, bytes):
        return io.BytesIO(content)
    content.seek(0)
    return content


def new_content() -> File:
    """A file to write content into; `finished` makes it content."""
    return SpooledTemporaryFile(max_size=IN_MEMORY)


def finished(file: File) -> Content:
    """What was written into such a file."""
    return opened(file).read() if file.seek(0, io.SEEK_END) <= IN_MEMORY else file


class BodyBroken(SalesFlowError):
    """An object's body broke off, or was not what its checksum says, each time it was read."""


class Bucket:
    """The calls to one shop's objects in a bucket. Safe to share between threads.

    A shop's prefix stands before its keys in the bucket alone: callers neither give nor see it, but for `full` and `own`.
    Every method raises `unavailable`, with the key and what S3 said, where S3 does not do its part.
    """

    def __init__(
        self,
        client: Any,
        name: str,
        unavailable: type[SalesFlowError] = HistoryUnavailable,
        *,
        shop: str = MAIN_SHOP,
    ) -> None:
        self._client = client
        self._unavailable_error = unavailable
        self._prefix = key_prefix(shop)
        self.name = name

    def full(self, key: str) -> str:
        """A key as the bucket has it."""
        return self._prefix + key

    def own(self, full: str) -> str:
        """The shop's key of one that the bucket has; raises ValueError for a key that is not the shop's."""
        if not full.startswith(self._prefix):
            raise ValueError(f"s3://{self.name}/{full} is not this shop's")
        return full.removeprefix(self._prefix)

    def place(self, key: str) -> str:
        """Where an object lies, for people: the bucket and the key as it has it."""
        return f"{self.name}/{self.full(key)}"

    def read(self, key: str, version: str = "") -> StoredObject | None:
        """An object, of a version or as it is; None where there is none.

        Raises BodyBroken where its body cannot be had whole, also when it is read once more.
        """
        broken: BotoCoreError | None = None
        for _ in range(_READS):
            answer = self._answer("read", key, "get_object", **({"VersionId": version} if version else {}))
            if answer is None:
                return None
            try:
                file = new_content()
                shutil.copyfileobj(answer["Body"], file)
                return StoredObject(finished(file), _facts(answer))
            except (FlexibleChecksumError, IncompleteReadError, HTTPClientError) as error:
                broken = error
        raise BodyBroken(
            f"s3://{self.place(key)} could not be read back whole: {broken}.", action="Run the job again."
        ) from broken

    def facts(self, key: str) -> Facts | None:
        """What S3 says about an object; None where there is none."""
        answer = self._answer("read about", key, "head_object", ChecksumMode="ENABLED")
        return None if answer is None else _facts(answer)

    def write(
        self, key: str, content: Content, media_type: str, metadata: Mapping[str, str], *, over: str | None
    ) -> Facts | None:
        """Write over what has this version tag (None: over nothing); None if something else is there by now.

        S3 itself refuses bytes that do not have the SHA-256 that goes with them.
        """
        condition = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over}
        try:
            answer = self._client.put_object(
                Bucket=self.name,
                Key=self.full(key),
                Body=content if isinstance(content, bytes) else opened(content),
                ContentType=media_type,
                Metadata=dict(metadata),
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=base64.b64encode(_sha256(content)).decode(),
                **condition,
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _CONFLICTS or (over is not None and code in _MISSING):  # 404: it was deleted meanwhile
                return None
            raise self._unavailable("write", key, error) from error
        except BotoCoreError as error:
            raise self._unavailable("write", key, error) from error
        return _facts({**answer, "Metadata": metadata})

    def page(self, prefix: str, after: str = "", most: int = 1000) -> tuple[list[tuple[str, str]], bool]:
        """The first keys below a prefix that sort after `after`, with their version tags, and whether there are more."""
        try:
            answer = self._client.list_objects_v2(
                Bucket=self.name,
                Prefix=self.full(prefix),
                MaxKeys=most,
                **({"StartAfter": self.full(after)} if after else {}),
            )
        except (ClientError, BotoCoreError) as error:
            raise self._unavailable("list", prefix, error) from error
        found = [(self.own(entry["Key"]), entry["ETag"]) for entry in answer.get("Contents", [])]
        return found, bool(answer.get("IsTruncated"))

    def _answer(self, deed: str, key: str, call: str, **more: str) -> Any | None:
        try:
            return getattr(self._client, call)(Bucket=self.name, Key=self.full(key), **more)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise self._unavailable(deed, key, error) from error
        except BotoCoreError as error:
            raise self._unavailable(deed, key, error) from error

    def _unavailable(self, deed: str, key: str, error: object) -> SalesFlowError:
        return self._unavailable_error(
            f"Could not {deed} s3://{self.place(key)}: {error}.",
            action="Check the bucket's name, the function's role, and S3's health; then run the job again.",
        )


def _sha256(content: Content) -> bytes:
    return hashlib.file_digest(opened(content), "sha256").digest()


def _facts(answer: Mapping[str, Any]) -> Facts:
    sha256 = base64.b64decode(answer.get("ChecksumSHA256", "")).hex()
    return Facts(answer["ETag"], sha256, answer.get("Metadata", {}), answer.get("VersionId", ""))


class ObjectStore:
    """Reads and conditional writes of one shop's objects in a bucket. Safe to share between threads.

    Every method raises HistoryUnavailable where S3 does not do its part. What lies below a surveyed prefix is known by its
    version tag: an object that was read or written before is not asked for again, and one that is not there not at all.
    """

    def __init__(self, client: Any, bucket: str, shop: str = MAIN_SHOP) -> None:
        self._bucket = Bucket(client, bucket, shop=shop)
        self.place = self._bucket.place
        self._replaced: dict[str, tuple[str, str] | None] = {}
        """The tag and the version that were there before the last write of each key (None: nothing)."""
        self._surveyed: tuple[str, str] | None = None
        self._tags: dict[str, str] = {}
        self._kept: OrderedDict[str, StoredObject] = OrderedDict()
        self._lock = Lock()

    def survey(self, prefix: str, *, before: str) -> Mapping[str, str]:
        """List the keys below a prefix that sort before `before`, with their version tags: what stands there now.

        From here on, until the next survey, this is what reads go by (and this store's own writes).
        """
        tags = {}
        for key, tag in self.listed(prefix):
            if key >= before:
                break
            tags[key] = tag
        with self._lock:
            self._surveyed, self._tags = (prefix, before), tags
        return dict(tags)

    def listed(self, prefix: str, *, after: str = "") -> Iterator[tuple[str, str]]:
        """The keys below a prefix that sort after `after`, in order, with their version tags; a thousand a call."""
        more = True
        while more:
            entries, more = self._bucket.page(prefix, after)
            yield from entries
            after, more = (entries[-1][0], more) if entries else (after, False)

    def read(self, key: str) -> StoredObject | None:
        """The object, or None where there is none.

        A body that breaks off or is not what its checksum says, and an answer from before this run's own write, are read
        once more: a report must not be made of what lay there before the sync.
        """
        if self._is_surveyed(key):
            with self._lock:
                tag, kept = self._tags.get(key), self._kept.get(key)
            if tag is None:
                return None
            if kept is not None and kept.etag == tag:
                return kept
        return self._read_now(key)

    def exists(self, key: str) -> bool:
        """Whether there is an object at a surveyed key."""
        with self._lock:
            return key in self._tags

    def _read_now(self, key: str) -> StoredObject | None:
        for _ in range(_READS):
            try:
                stored = self._bucket.read(key)
            except BodyBroken as error:
                raise HistoryUnavailable(error.message, action=error.action) from error
            if key not in self._replaced or self._replaced[key] != _version(stored):
                self._remember(key, stored)
                return stored
        self._replaced.pop(key, None)  # the next run believes what it reads
        raise HistoryUnavailable(
            f"Could not read s3://{self.place(key)}: S3 answers with what this run has replaced.",
            action="Run the job again; look at S3's health if it keeps happening.",
        )

    def write_new(self, key: str, body: bytes, media_type: str, metadata: Mapping[str, str]) -> bool:
        """Create the object; False where there is one already, which then stays as it is."""
        return self.write(key, body, media_type, metadata, over=None) is not None

    def update(
        self,
        key: str,
        change: Callable[[StoredObject | None], tuple[Content, Mapping[str, str]] | None],
        media_type: str,
        *,
        passing: frozenset[str] = frozenset(),
    ) -> StoredObject | None:
        """Replace the object by what `change` makes of the stored one (None in: there is none; None out: leave it).

        Answers what stands there then. Nothing is written when the bytes stay the same (the bucket keeps versions), and the
        metadata too, but for the names in `passing`. When another run replaced the object between read and write, `change`
        is asked again with what is there now; raises HistoryConflict after `ATTEMPTS` lost races.
        """
        stored = self.read(key)
        for attempt in range(ATTEMPTS):
            changed = change(stored)
            if changed is None:
                return stored
            content, metadata = changed
            if (
                stored is not None
                and _sha256(stored.content) == _sha256(content)
                and not _differ(stored.metadata, metadata, passing)
            ):
                return stored
            written = self.write(key, content, media_type, metadata, over=stored)
            if written is not None:
                return written
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter, not a secret
            stored = self._read_now(key)
        raise HistoryConflict(
            f"s3://{self.place(key)} was rewritten by other runs {ATTEMPTS} times in a row while this one updated it.",
            action="Run the job again; if it keeps happening, look for a schedule that fires the same job many times.",
        )

    def write(
        self, key: str, content: Content, media_type: str, metadata: Mapping[str, str], *, over: StoredObject | None
    ) -> StoredObject | None:
        """Write over exactly that object (None: where there is none); None if something else is there by now."""
        facts = self._bucket.write(key, content, media_type, metadata, over=None if over is None else over.etag)
        if facts is None:
            return None
        written = StoredObject(content, facts)
        if _version(over) != _version(written):
            self._replaced[key] = _version(over)
        else:
            self._replaced.pop(key, None)  # only the metadata are new, and the bucket keeps no versions
        self._remember(key, written)
        return written

    def _is_surveyed(self, key: str) -> bool:
        return self._surveyed is not None and key.startswith(self._surveyed[0]) and key < self._surveyed[1]

    def _remember(self, key: str, stored: StoredObject | None) -> None:
        """Keep what stands at a surveyed key, unless it is large; the longest unused goes where it becomes too much."""
        if not self._is_surveyed(key):
            return
        with self._lock:
            self._kept.pop(key, None)
            if stored is None:
                self._tags.pop(key, None)
                return
            self._tags[key] = stored.etag
            if stored.size > IN_MEMORY:
                return
            self._kept[key] = stored
            size = sum(one.size for one in self._kept.values())
            while size > KEPT_BYTES:
                size -= self._kept.popitem(last=False)[1].size


def _version(stored: StoredObject | None) -> tuple[str, str] | None:
    """What tells an object from what was written over it or over which it was written: another run may write the same bytes again."""
    return None if stored is None else (stored.facts.etag, stored.facts.version)


def _differ(stored: Mapping[str, str], new: Mapping[str, str], passing: frozenset[str]) -> bool:
    return {name: stored.get(name) for name in new if name not in passing} != {
        name: value for name, value in new.items() if name not in passing
    }
