"""What a mail address is: one rule for the template's parameters, the settings, and whatever is about to be mailed.

An address is one plain `local@domain` in ASCII, as SES takes it: atoms of RFC 5322 with points between them, and a domain of
DNS labels. A domain in other letters is written in punycode (xn--...; RFC 5891), which `salesflow-ops init` does: SES takes no
other form, and the functions' roles name each recipient, in which CloudFormation could not translate it.
"""

import re
from collections.abc import Iterable
from typing import Final

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS_PATTERN: Final = (
    rf"(?=[^@,]{{1,64}}@[^@,]{{1,189}}(,|$)){_ATOM}(\.{_ATOM})*@({_LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9]"
)
"""One address, as part of a list with commas between; for Python's and for Java's (CloudFormation's) regular expressions."""

_ADDRESS = re.compile(ADDRESS_PATTERN, re.ASCII)
_NUMBER = re.compile(r"(whatsapp:\+\d{1,3})\d+(\d{2})(?!\d)")
_FOUND = re.compile(r"([^\s@<>\"'(),;:])[^\s@<>\"(),;:]*@([^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+)")


def mail_address(value: str) -> str:
    """The address, if it is one that can be mailed; raises ValueError that says why it cannot, and does not hold it whole."""
    if _ADDRESS.fullmatch(value):
        return value
    name, at, domain = value.rpartition("@")
    if at and not domain.isascii() and name.isascii():
        raise ValueError(f"{masked(value)!r}: write the domain in punycode (xn--...), as SES takes mail addresses")
    raise ValueError(
        f"{masked(value)!r} is no mail address; write name@shop.example.com, in ASCII, with nothing around it"
    )


def mailbox(address: str) -> str:
    """What two spellings of one mailbox have in common: mail systems do not tell upper case from lower."""
    return address.lower()


def unique_mailboxes(addresses: Iterable[str]) -> tuple[str, ...]:
    """The addresses in order, each mailbox once, in its first spelling."""
    found: dict[str, str] = {}
    for address in addresses:
        found.setdefault(mailbox(address), address)
    return tuple(found.values())


def masked(text: str) -> str:
    """The text with its addresses and numbers made unreadable, for where people read who need not know them: m…@shop.example.com.

    The domain stays, and so does the first letter, so that an operator can tell which of the parameters' addresses is meant.
    """
    return _FOUND.sub(r"\1…@\2", _NUMBER.sub(r"\1…\2", text))
