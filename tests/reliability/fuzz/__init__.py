"""Hostile input: events, answers of the API, and secrets, made up by hypothesis; thousands of cases of each kind.

Whatever comes in, there is a good outcome or one of the system's own errors; the secret is nowhere to be read; nothing in
a file or a mail is a formula, a tag or a header that somebody put into a product's name; every key lies below the
contract's prefixes; and nobody is mailed whom the parameters do not name.
"""

from collections.abc import Callable

from tests.reliability.fuzz.bodies import fuzz_bodies
from tests.reliability.fuzz.cases import Fuzzed
from tests.reliability.fuzz.events import fuzz_events
from tests.reliability.fuzz.secrets import fuzz_secrets

KINDS: dict[str, Callable[[int, int], Fuzzed]] = {
    "events": fuzz_events,
    "API bodies": fuzz_bodies,
    "secrets": fuzz_secrets,
}
"""By name: fuzzes so many cases with a seed."""
