"""Accounts and their tokens: HS256 JWTs with `exp`, and refresh tokens that rotate."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

REFRESH_LIFETIME = timedelta(days=14)
HISTORY_ROLES = frozenset({"ADMIN", "PYTHON_SERVICE"})


@dataclass(frozen=True, slots=True)
class SystemAccount:
    """The account of a machine. The password is random unless one is given."""

    phone_number: str = "+243810000000"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    role: str = "PYTHON_SERVICE"


@dataclass(frozen=True, slots=True)
class Session:
    """What a login or a refresh hands out. `refresh_expires_at` is aware, in UTC."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime
    account: SystemAccount


class Accounts:
    """Issues, checks and revokes tokens. `now` answers an aware moment; the signing key is made for this object."""

    def __init__(self, account: SystemAccount, *, token_lifetime: timedelta, now: Callable[[], datetime]) -> None:
        self.account = account
        self._token_lifetime = token_lifetime
        self._now = now
        self._key = OctKey.import_key(secrets.token_bytes(32))
        self._lock = threading.Lock()
        self._revoked: set[str] = set()
        self._refresh_tokens: dict[str, datetime] = {}

    def issue_token(self, lifetime: timedelta | None = None, *, role: str | None = None) -> str:
        """A new access token; a negative lifetime makes one that has expired already."""
        issued = int(self._now().timestamp())
        claims = {
            "sub": self.account.phone_number,
            "role": role or self.account.role,
            "iat": issued,
            "exp": issued + int((self._token_lifetime if lifetime is None else lifetime).total_seconds()),
            "jti": secrets.token_hex(8),
        }
        return jwt.encode({"alg": "HS256"}, claims, self._key)

    def revoke(self, token: str) -> None:
        """Refuse this access token from now on."""
        with self._lock:
            self._revoked.add(token)

    def role_of(self, authorization: str | None) -> str | None:
        """The role that an Authorization header proves, or None where it proves nothing."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme != "Bearer" or token in self._revoked:
            return None
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
        except (JoseError, ValueError):
            return None
        if claims.get("exp", 0) <= self._now().timestamp():
            return None
        return str(claims.get("role", ""))

    def login(self, phone_number: str, password: str) -> Session | None:
        """A session for the right phone number and password."""
        right = secrets.compare_digest(password.encode(), self.account.password.encode())
        return self._session() if right and phone_number == self.account.phone_number else None

    def refresh(self, refresh_token: str) -> Session | None:
        """A new session for a live refresh token, which dies with this call."""
        with self._lock:
            expires_at = self._refresh_tokens.pop(refresh_token, None)
        return self._session() if expires_at is not None and expires_at > self._now() else None

    def _session(self) -> Session:
        refresh_token = secrets.token_urlsafe(32)
        expires_at = self._now() + REFRESH_LIFETIME
        with self._lock:
            self._refresh_tokens[refresh_token] = expires_at
        return Session(self.issue_token(), refresh_token, expires_at, self.account)
