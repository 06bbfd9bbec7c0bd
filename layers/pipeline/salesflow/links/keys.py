"""The links' keys as Secrets Manager holds them, and the addresses that they sign."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from salesflow import clock
from salesflow.links.grant import LinkKeys, LinkKeysMissing, names_other_key
from salesflow.links.things import LIBRARY

_READ_AGAIN = timedelta(minutes=1)
"""How soon the secret is read again for a key that is not known: strangers can name as many as they like."""


class KeyRing:
    """The keys of a secret, read once a container, and again for a link that names another one."""

    def __init__(self, client: Any, secret_id: str) -> None:
        self._client = client
        self._secret_id = secret_id
        self._keys: LinkKeys | None = None
        self._read_at = clock.now()

    def keys(self, token: str = "") -> LinkKeys:
        """The keys. token: a link's, which may name a key that came since they were read. Raises LinkKeysMissing."""
        now = clock.now()
        if (
            self._keys is not None
            and token
            and names_other_key(token, self._keys)
            and now - self._read_at > _READ_AGAIN
        ):
            self._keys = None
        if self._keys is None:
            self._keys, self._read_at = self._read(), now
        return self._keys

    def _read(self) -> LinkKeys:
        try:
            found = self._client.get_secret_value(SecretId=self._secret_id)
        except (ClientError, BotoCoreError) as error:
            raise LinkKeysMissing(
                f"The keys of the links could not be read: {error}.",
                action="Check that the secret LinkKeys is there and that the function's role may read it.",
            ) from error
        return LinkKeys.from_secret(found.get("SecretString", ""))


@dataclass(frozen=True, slots=True)
class LinkMaker:
    """Makes the addresses that stand in mails. url: of the function that answers, with its slash. days: how long they are good."""

    ring: KeyRing
    url: str
    shop: str
    days: int

    def address(self, thing: str, reader: str) -> str:
        """The address of a thing, for the one who reads mail at an address."""
        until = clock.now().date() + timedelta(days=self.days)
        end = "/" if thing == LIBRARY else ""  # the page of all reports links to files below it
        return f"{self.url}{self.ring.keys().signed(self.shop, reader, until, thing)}{end}"
