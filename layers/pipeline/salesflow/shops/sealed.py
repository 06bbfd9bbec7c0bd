"""Texts that are one shop's secret: encrypted with the stack's KMS key, in a row under the shop's own leading key.

KMS is told the shop's id as encryption context: what was sealed for one shop opens for no other, also where its row is copied to another's.
"""

import base64
import binascii
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from salesflow.errors import SalesFlowError

LONGEST: Final = 4096
"""Bytes that KMS encrypts itself."""


class NotSealed(SalesFlowError):
    """A secret of a shop could not be encrypted; it was not stored."""


def seal(kms: Any, key_id: str, shop: str, secret: str) -> str:
    """A secret of a shop as a row may hold it. Raises NotSealed."""
    data = secret.encode()
    if not 0 < len(data) <= LONGEST:
        raise NotSealed(
            f"The secret of the shop {shop} has {len(data):,} bytes; 1 to {LONGEST:,} can be sealed.",
            action="Give the secret alone: a token, phone number and password of a system account, or a channel's address.",
        )
    try:
        sealed = kms.encrypt(KeyId=key_id, Plaintext=data, EncryptionContext=_context(shop))["CiphertextBlob"]
    except (ClientError, BotoCoreError) as error:
        raise NotSealed(
            f"The secret of the shop {shop} could not be sealed: {error}.",
            action="Check that the stack's key ShopsKey is there and that you may use it.",
        ) from error
    return base64.b64encode(sealed).decode()


def opened(kms: Any, shop: str, sealed: object) -> str | None:
    """The secret that was sealed for a shop; None for what no row holds. Raises ClientError, BotoCoreError, as KMS does."""
    try:
        blob = base64.b64decode(sealed, validate=True) if isinstance(sealed, str) else b""
    except binascii.Error:
        return None
    if not blob:
        return None
    plain: bytes = kms.decrypt(CiphertextBlob=blob, EncryptionContext=_context(shop))["Plaintext"]
    return plain.decode("utf-8", "replace")


def _context(shop: str) -> dict[str, str]:
    return {"shop": shop}
