"""The system token: what the secret holds, for as long as it is good, and nowhere to be read."""

import base64
import binascii
import math
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from salesflow import clock
from salesflow.errors import SourceContractBroken, SystemTokenMissing, SystemTokenRejected
from salesflow.source.transport import Transport, whole_body

CACHE_TIME = timedelta(minutes=5)
EXPIRY_MARGIN = timedelta(seconds=30)
"""A token is not used in its last seconds: it would die on the way."""

_LOGIN = "POST /auth/login"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_FORMS = (
    'Store the system token as a plain JWT, as JSON {"token": "..."}, or as JSON {"phoneNumber": "...", "password": "..."} '
    "of a system account."
)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that the API may accept. generation: which fetch it came from, counted from 1 by its SystemToken.

    expires_at: its `exp` claim (aware, in UTC), None for a token without one.
    """

    value: str = field(repr=False)
    generation: int
    expires_at: datetime | None

    @property
    def headers(self) -> dict[str, str]:
        """The header that proves who calls."""
        return {"Authorization": f"Bearer {self.value}"}


class _Secret(msgspec.Struct, rename="camel"):
    """The JSON forms of the secret."""

    token: str | None = None
    phone_number: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return "_Secret(...)"


class _Session(msgspec.Struct, rename="camel"):
    """`Auth` of the API, as far as it is read."""

    access_token: str

    def __repr__(self) -> str:
        return "_Session(...)"


class SystemToken:
    """Hands out the system token, read from Secrets Manager when it is needed. Safe to share between threads.

    secrets: a Secrets Manager client. secret_id: the secret's name or ARN. api_url: base URL of the API, where a system
    account logs in. A token is kept for 5 minutes, and not beyond its own expiry.
    """

    def __init__(
        self,
        secrets: Any,
        secret_id: str,
        *,
        api_url: str,
        transport: Transport | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._secrets = secrets
        self._secret_id = secret_id
        self._transport = transport or Transport(api_url)
        self._now = now
        self._lock = threading.Lock()
        self._cached: AccessToken | None = None
        self._good_until = datetime.min.replace(tzinfo=UTC)

    def __repr__(self) -> str:
        return f"SystemToken(secret_id={self._secret_id!r})"

    def current(self, *, deadline: datetime | None = None) -> AccessToken:
        """The token, from the cache while it is good.

        Raises SystemTokenMissing where the secret cannot be read or holds none of the three forms, SystemTokenRejected
        where the login is refused, SourceUnavailable or SourceContractBroken where it cannot be made.
        """
        with self._lock:
            if self._cached is None or self._now() >= self._good_until:
                return self._fetch(deadline)
            return self._cached

    def refresh(self, rejected: AccessToken | None = None, *, deadline: datetime | None = None) -> AccessToken:
        """The token from a fresh read of the secret, or from a fresh login.

        rejected: the token that the API refused. Where another thread has fetched since, that one's token is handed out:
        two threads that are refused at once make one fetch. Raises as `current` does.
        """
        with self._lock:
            if rejected is not None and self._cached is not None and self._cached.generation > rejected.generation:
                return self._cached
            return self._fetch(deadline)

    def _fetch(self, deadline: datetime | None) -> AccessToken:
        read_at = self._now()
        value = self._token_of(self._read_secret(), deadline)
        expires_at = _expiry(value)
        self._good_until = read_at + CACHE_TIME
        if expires_at is not None:
            self._good_until = min(self._good_until, expires_at - EXPIRY_MARGIN)
        generation = 1 if self._cached is None else self._cached.generation + 1
        self._cached = AccessToken(value, generation, expires_at)
        return self._cached

    def _read_secret(self) -> str:
        """The secret's text without the blanks around it (an editor's last newline)."""
        try:
            answer = self._secrets.get_secret_value(SecretId=self._secret_id)
        except ClientError as error:
            problem = f"cannot be read ({error.response.get('Error', {}).get('Code', 'unknown error')})"
        except BotoCoreError as error:
            problem = f"cannot be read ({type(error).__name__})"
        else:
            text = (answer.get("SecretString") or "").strip()
            if text:
                return str(text)
            problem = "holds binary data" if answer.get("SecretBinary") else "is empty"
        raise self._missing(problem, f"Create it, and let the function's role read it. {_FORMS}")

    def _token_of(self, text: str, deadline: datetime | None) -> str:
        if not text.startswith(("{", "[", '"')):
            return self._well_formed(text)
        secret = _decoded(text.encode(errors="replace"), _Secret)
        if secret is None:
            raise self._missing("holds something else than the three forms of a system token", _FORMS)
        if secret.token is not None:
            return self._well_formed(secret.token.strip())
        if not secret.phone_number or not secret.password:
            raise self._missing("holds JSON with neither a token nor a phone number and a password", _FORMS)
        return self._log_in(secret, deadline)

    def _well_formed(self, token: str) -> str:
        """The token, if it can be put into a header as it is."""
        if _TOKEN.fullmatch(token):
            return token
        raise self._missing(
            "holds a token that is malformed: it has blanks, line breaks or characters that no token has, or is empty",
            f"Store the token alone, without a word such as Bearer before it. {_FORMS}",
        )

    def _log_in(self, secret: _Secret, deadline: datetime | None) -> str:
        answer = self._transport.send(
            "POST",
            "/auth/login",
            whole_body,
            call=_LOGIN,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            body=msgspec.json.encode({"phoneNumber": secret.phone_number, "password": secret.password}),
            deadline=deadline,
        )
        if answer.status in {400, 401, 403}:
            raise SystemTokenRejected(
                f"{_LOGIN}: the SalesFlow API refused the system account of secret {self._secret_id} ({answer.status}).",
                action="Check that the account is active, and store its present phone number and password in the secret.",
            )
        session = None if answer.content is None else _decoded(answer.content, _Session)
        if session is None or not _TOKEN.fullmatch(session.access_token):
            raise SourceContractBroken(
                f"{_LOGIN} answered {answer.status} without an access token.",
                action="Check that SALESFLOW_API_URL is the base URL of the SalesFlow API, ending in /api/v1.",
            )
        return session.access_token

    def _missing(self, problem: str, action: str) -> SystemTokenMissing:
        return SystemTokenMissing(f"The secret {self._secret_id} {problem}.", action=action)


def _decoded[Shape](json: bytes, shape: type[Shape]) -> Shape | None:
    """The value in that shape, None where it is not. The error is dropped here: it may hold what it could not decode."""
    try:
        return msgspec.json.decode(json, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class _Claims(msgspec.Struct):
    exp: float | None = None


def _expiry(token: str) -> datetime | None:
    """The `exp` claim of a JWT; None for one without it, and for a token that is no JWT.

    The signature is the API's business: the claim only tells how long the token is worth keeping.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = _decoded(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), _Claims)
        if claims is None or claims.exp is None or not math.isfinite(claims.exp):
            return None
        return datetime.fromtimestamp(claims.exp, UTC)
    except (binascii.Error, ValueError, OverflowError, OSError):
        return None
