"""Objects that were made once and are put back for each test that wants them, past the wire: moto's own store is read and written."""

from dataclasses import dataclass
from typing import Any

from moto.backends import get_backend

_ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Kept:
    """An object: its key, its bytes, and what was said with them."""

    key: str
    body: bytes
    said: dict[str, str]


def kept(bucket: str, prefix: str) -> list[Kept]:
    """The objects that stand below a prefix."""
    keys = get_backend("s3")[_ACCOUNT]["aws"].get_bucket(bucket).keys
    return [Kept(name, one.value, dict(one.metadata)) for name, one in _standing(keys) if name.startswith(prefix)]


def put_back(bucket: str, objects: list[Kept]) -> None:
    """Put them into a bucket, as their writers did."""
    store = get_backend("s3")[_ACCOUNT]["aws"]
    for one in objects:
        store.put_object(bucket, one.key, one.body).set_metadata(dict(one.said))


def _standing(keys: Any) -> list[tuple[str, Any]]:
    found = [(name, keys[name]) for name in keys]
    return [(name, one) for name, one in found if hasattr(one, "value")]  # the others are marks of a deletion
