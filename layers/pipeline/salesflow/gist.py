"""The gist of a message: what it says in a few plain parts, for every way that is not a mail, in the words that the mail has.

A mail's HTML and plain text are laid out from the same values; chats and programs lay out these.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Gist:
    """What a message says.

    title: what it is about (shop, report, days); "" where the headline says it. lead: what stands right below the headline. figures: each
    with its label. sections: a title and lines each, what to do among them. links: a label and an address each. footer: where the
    figures come from, what is lacking, and the reference. Every part is one line of plain text.
    """

    headline: str
    title: str = ""
    lead: tuple[str, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    footer: tuple[str, ...] = ()

    @classmethod
    def of_text(cls, subject: str, text: str) -> Self:
        """The gist of a message of which only the words are known, as an older release kept them."""
        lines = tuple(line.strip() for line in text.splitlines() if line.strip())
        return cls(subject, sections=(("", lines),))

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """What `as_dict` made."""
        return cls(
            headline=kept["headline"],
            title=kept["title"],
            lead=tuple(kept["lead"]),
            figures=_pairs(kept["figures"]),
            sections=tuple((title, tuple(lines)) for title, lines in kept["sections"]),
            links=_pairs(kept["links"]),
            footer=tuple(kept["footer"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    def linked(self, addresses: Mapping[str, str]) -> Self:
        """The same with the reader's own addresses in the links' places; a link without one is left out."""
        found = ((label, addresses.get(place, place)) for label, place in self.links)
        return replace(self, links=tuple((label, address) for label, address in found if address))


def _pairs(kept: Any) -> tuple[tuple[str, str], ...]:
    return tuple((label, text) for label, text in kept)
