"""What the other side says of a message afterwards, whichever way it went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from salesflow.delivery.addresses import Mark


@dataclass(frozen=True, slots=True)
class Reported:
    """A message that came to trouble: of what kind, its id, whose shop's it was, whom it was for, and whom to mark, each with what was said."""

    event_type: str
    message_id: str
    shop: str
    destination: Sequence[str]
    bad: Mapping[str, tuple[Mark, str]]
