"""Answers that come in pages, as one."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urljoin

from salesflow.source.envelope import More, joined, opened
from salesflow.source.refusals import one_page
from salesflow.source.transport import Answer

FEW_PAGES = 20
"""Beyond so many pages they are asked for in the largest that Spring gives unless it is told otherwise."""
LARGE_PAGE = 2000
MOST_PAGES = 5000


def whole_answer(
    ask: Callable[[str], Answer], path: str, *, call: str, base_url: str, ensure_bearable: Callable[[int, str], None]
) -> Answer:
    """What `ask` answers for a path; where that is a page and says how the next is asked for, with the list of all pages.

    Pages are followed by number (Spring's `number` and `totalPages`: `?page=N`) and by `next` links that stay below
    `base_url`. ensure_bearable: raises for so many bytes. Raises SourceContractBroken for a page that cannot be gone on from,
    and where in the end something is missing.
    """
    answer = ask(path)
    page = opened(answer.body, call, answer.headers)
    received = page.count() if page.claims else 0
    more = page.more(received) if page.claims else None
    if more is None:
        return answer
    arrays = [page.array]
    if more.pages > FEW_PAGES:
        path, arrays, received, more = _with_query(path, f"size={LARGE_PAGE}"), [], 0, replace(more, page=0)
    asked = {path}
    while more is not None:
        address = _address(base_url, path, more)
        if address is None or address in asked or len(asked) > MOST_PAGES:
            raise one_page(call, more.said)
        asked.add(address)
        answer = ask(address)
        page = opened(answer.body, call, answer.headers)
        arrays.append(page.array)
        received += page.count()
        ensure_bearable(sum(len(memoryview(array)) for array in arrays), call)
        more = page.more(received, page=len(arrays) - 1)
    return replace(answer, body=joined(arrays))


def _address(base_url: str, path: str, more: More) -> str | None:
    """The next page's path and query below the base URL; None where it is unknown, or not the API's own."""
    if more.page is not None:
        return _with_query(path, f"page={more.page}")
    if more.link is None:
        return None
    address = urljoin(f"{base_url}{path}", more.link)
    return address.removeprefix(base_url) if address.startswith(f"{base_url}/") else None


def _with_query(path: str, field: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{field}"
