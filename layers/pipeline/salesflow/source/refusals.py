"""The ways in which an answer is refused as a whole."""

from salesflow.errors import SourceContractBroken

_COMPARE = (
    "Compare the answer with the API's description; SALESFLOW_API_URL may point to something else, or to a newer API."
)
_PAGES = (
    "Let the API answer whole lists, as its description says. Pages are followed where they are Spring's "
    "(`number` and `totalPages`) or linked by `next` on the API's own host."
)


class UnreadableAnswer(SourceContractBroken):
    """The answer is no JSON at all. It may be a proxy's page, and gone with the next try."""


def broken(call: str, problem: str) -> SourceContractBroken:
    """An answer of another shape than the API promises; `problem` goes on after the call's name."""
    return SourceContractBroken(f"{call} {problem}.", action=_COMPARE)


def unreadable(call: str, what: str) -> UnreadableAnswer:
    """An answer that is `what` where a list was due."""
    return UnreadableAnswer(f"{call} answered {what} where a list was due.", action=_COMPARE)


def one_page(call: str, said: str) -> SourceContractBroken:
    """An answer that says, in the words `said`, that it is a part of the whole."""
    return SourceContractBroken(f"{call} answered {said}; one page is not taken for the whole.", action=_PAGES)


def too_large(call: str, most: int, kept_in: str = "memory") -> SourceContractBroken:
    """An answer of which more has to be kept at a time than there is room for."""
    return SourceContractBroken(
        f"{call} answered more than {most:,} bytes that have to be kept at a time, the most that this function's {kept_in} holds.",
        action="Give the function more memory (MemorySize in template.yaml), "
        "or keep a shorter history (setting history_days).",
    )
