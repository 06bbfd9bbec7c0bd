"""A signed link: one shop, one thing, one reader, an end. Pure: keys and days come in as arguments.

A token is three parts with points between, each in base64url without padding: the id of the key, what is granted, and the
signature over both, HMAC-SHA256 cut to its first half (RFC 2104, section 5). What is granted is text: shop, reader, last
day and thing, one a line. It is signed and not encrypted, so it holds no address: a reader is an HMAC of the address under the
same key, and whoever answers a link looks for it among the addresses that the settings name.

Two keys are known while they are changed: the current one signs, both are believed.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from salesflow.errors import SalesFlowError
from salesflow.mail_address import mailbox

LONGEST_TOKEN = 500
SHORTEST_KEY = 32
"""Characters; fewer could be guessed."""

_EPOCH = date(2026, 1, 1)
_SIGNATURE_BYTES = 16
_READER_BYTES = 9
_KEY_ID_BYTES = 3


class LinkKeysMissing(SalesFlowError):
    """The secret of the links' keys cannot be read, or does not hold them."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a link is good for: the thing (`salesflow.links.things`) of a shop, for a reader (opaque), until a day, included."""

    shop: str
    reader: str
    until: date
    thing: str


@dataclass(frozen=True, slots=True, repr=False)
class LinkKeys:
    """The key that signs, and the one before it, "" where there is none. It shows neither of them."""

    current: str
    previous: str = ""

    @classmethod
    def from_secret(cls, text: str) -> "LinkKeys":
        """The keys of a secret, `{"current": "...", "previous": "..."}`. Raises LinkKeysMissing."""
        try:
            said = json.loads(text)
            keys = cls(said["current"], said.get("previous") or "")
            good = all(isinstance(key, str) for key in (keys.current, keys.previous))
        except (ValueError, KeyError, TypeError, AttributeError):
            good, keys = False, cls("")
        if not good or any(len(key) < SHORTEST_KEY for key in keys.known):
            raise LinkKeysMissing(
                f'The secret of the links does not hold {{"current": "at least {SHORTEST_KEY} characters"}}.',
                action="Write new keys: `salesflow-ops links rotate`.",
            )
        return keys

    @property
    def known(self) -> tuple[str, ...]:
        """The keys that are believed."""
        return (self.current, self.previous) if self.previous else (self.current,)

    def signed(self, shop: str, address: str, until: date, thing: str) -> str:
        """The token of a grant to whoever reads mail at an address."""
        reader = reader_id(self.current, shop, address)
        said = "\n".join((shop, reader, str((until - _EPOCH).days), thing))
        head = f"{_key_id(self.current)}.{_text(said.encode())}"
        return f"{head}.{_signature(self.current, head)}"

    def grant(self, token: str, today: date) -> tuple[Grant, str] | None:
        """What a token grants today, and the key that it was signed with; None whatever is wrong with it."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            return None
        head, _, signature = token.rpartition(".")
        said = head.partition(".")[2]
        found: str | None = None
        for key in self.known:  # all of them, and whole: how long it takes says nothing of what is right
            is_ours = hmac.compare_digest(_signature(key, head), signature)
            is_named = hmac.compare_digest(_key_id(key), head[: len(_key_id(key))])
            found = key if is_ours and is_named else found
        if found is None:
            return None
        shop, reader, days, thing = _bytes(said).decode().split("\n")
        grant = Grant(shop, reader, _EPOCH + timedelta(days=int(days)), thing)
        return (grant, found) if today <= grant.until else None


def names_other_key(token: str, keys: LinkKeys) -> bool:
    """Whether a token names a key that is not among these: it may have been changed meanwhile."""
    return token.partition(".")[0] not in {_key_id(key) for key in keys.known}


def reader_id(key: str, shop: str, address: str) -> str:
    """What a reader is called in a link: it tells nobody the address who does not have the key."""
    return _text(_digest(key, f"reader\n{shop}\n{mailbox(address)}")[:_READER_BYTES])


def reader_of(grant: Grant, key: str, addresses: Iterable[str]) -> str | None:
    """The address, among those that may be mailed, that a grant's reader is; None for one who is not among them any more."""
    found = None
    for address in addresses:
        if hmac.compare_digest(reader_id(key, grant.shop, address), grant.reader):
            found = address
    return found


def _signature(key: str, head: str) -> str:
    return _text(_digest(key, f"link\n{head}")[:_SIGNATURE_BYTES])


def _key_id(key: str) -> str:
    return _text(hashlib.sha256(f"id\n{key}".encode()).digest()[:_KEY_ID_BYTES])


def _digest(key: str, text: str) -> bytes:
    return hmac.digest(key.encode(), text.encode(), hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
