"""A shop's token: an item under the shop's own leading key, encrypted with the stack's KMS key.

The row (`token`, `token`) of the shop holds either `sealed`, the text that Secrets Manager would hold (the same three forms) as
`salesflow.shops.sealed` makes it, or `shared`: true, for a shop of the same host as `main`, which is called with the stack's own token.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from salesflow.errors import SystemTokenMissing
from salesflow.rows import Rows
from salesflow.shops.sealed import opened, seal

KEY: Final = {"pk": "token", "sk": "token"}


def keep_token(rows: Rows, kms: Any, key_id: str, secret: str) -> None:
    """Let the shop of these rows be called with this secret from now on. Raises NotSealed, LedgerUnavailable."""
    rows.put({**KEY, "sealed": seal(kms, key_id, rows.shop, secret)})


def share_token(rows: Rows) -> None:
    """Let the shop of these rows be called with the stack's own token, as long as it is of the same host as `main`."""
    rows.put({**KEY, "shared": True})


@dataclass(frozen=True, slots=True)
class StackSecret:
    """The stack's own token: the client of Secrets Manager, the secret's name, and what answers the API of `main`, for whose host it is."""

    client: Any
    name: str
    api_url: Callable[[], str]


class ShopSecret:
    """The secret of a shop's token, read as one of Secrets Manager is (`salesflow.source.token.SystemToken`).

    shared: what a shop is called with that has no token of its own.
    """

    def __init__(self, rows: Rows, kms: Any, api_url: str, shared: StackSecret) -> None:
        self._rows = rows
        self._kms = kms
        self._api_url = api_url
        self._shared = shared
        self.name = f"of the shop {rows.shop}"

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: ARG002, N803 - as Secrets Manager has it
        """The secret's text, as Secrets Manager says it. Raises SystemTokenMissing, LedgerUnavailable."""
        row = self._rows.get(KEY)
        if row is None:
            raise self._missing("is not there")
        if row.get("shared") is True:
            return self._stack_s()
        try:
            text = opened(self._kms, self._rows.shop, row.get("sealed"))
        except ClientError as error:
            raise self._missing(f"cannot be opened ({error.response['Error']['Code']})") from None
        except BotoCoreError as error:
            raise self._missing(f"cannot be opened ({type(error).__name__})") from None
        if text is None:
            raise self._missing("stands in a row that cannot be read")
        return {"SecretString": text}

    def _stack_s(self) -> dict[str, Any]:
        """The stack's own, which is shown to no other host than that of `main`."""
        if _origin(self._shared.api_url()) != _origin(self._api_url):
            raise self._missing(
                "is that of the stack, which is only for the host of main's API, and the shop is of another"
            )
        found: dict[str, Any] = self._shared.client.get_secret_value(SecretId=self._shared.name)
        return found

    def _missing(self, problem: str) -> SystemTokenMissing:
        return SystemTokenMissing(
            f"The secret {self.name} {problem}.",
            action=f"Store the shop's token: salesflow-ops shops token {self._rows.shop}.",
        )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
