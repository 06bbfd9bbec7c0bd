"""Who can be told, and by which way: a mail address, a named channel of a chat or of a program, or a WhatsApp number.

| reader | read by |
|---|---|
| `manager@shop.example.com`, `mail:manager@shop.example.com` | mail; the second is kept as the first |
| `slack:NAME`, `teams:NAME`, `discord:NAME`, `telegram:NAME` | who reads that channel, which the shop set up (`salesflow.delivery.ways`) |
| `webhook:NAME` | a program, by a signed request |
| `whatsapp:+243812345678` | who has the number (E.164) |

One rule for the template's parameters, the settings and whatever is about to be told.
"""

import re
from typing import Final

from salesflow.mail_address import mail_address

MAIL: Final = "mail"
WHATSAPP: Final = "whatsapp"
HOOKS: Final = ("slack", "teams", "discord", "telegram", "webhook")
"""The ways whose readers are names of channels that the shop set up."""

_NAMED = rf"({'|'.join(HOOKS)}):[a-z0-9][a-z0-9-]{{0,30}}"
_NUMBER = r"whatsapp:\+[1-9][0-9]{6,14}"
_OTHER = re.compile(rf"{_NAMED}|{_NUMBER}", re.ASCII)
_WAY = re.compile(r"([a-z]+):")


def reader(value: str) -> str:
    """The reader as it is kept: a mail address bare. Raises ValueError that says what is wrong, without a whole address or number."""
    if _OTHER.fullmatch(value):
        return value
    kind = kind_of(value)
    if kind == WHATSAPP:
        raise ValueError("a WhatsApp reader is whatsapp: and the number in full, such as whatsapp:+243812345678")
    if kind in HOOKS:
        raise ValueError(
            f"{kind}: needs the name of a channel in small letters, digits and hyphens (31 at most), such as {kind}:shop"
        )
    return mail_address(value.removeprefix(f"{MAIL}:"))


def kind_of(value: str) -> str:
    """The way by which a reader is told."""
    found = _WAY.match(value)
    return found[1] if found is not None and found[1] in (*HOOKS, WHATSAPP) else MAIL


def bare(value: str) -> str:
    """A reader as it is kept, also one that cannot be told."""
    return value.removeprefix(f"{MAIL}:")
