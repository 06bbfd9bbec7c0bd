"""Answers that come in pages, as one."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urljoin

from salesflow.source.envelope import Envelope, More
from salesflow.source.refusals import one_page

FEW_PAGES = 20
"""Beyond so many pages they are asked for in the largest that Spring gives unless it is told otherwise."""
LARGE_PAGE = 2000
MOST_PAGES = 5000


def read_pages(
    read: Callable[[str], Envelope], path: str, *, call: str, base_url: str, forget: Callable[[], None]
) -> None:
    """Read a path; where its answer is a page and says how the next is asked for, read all pages.

    read: asks for a path, takes in what comes, and answers what that says of itself. forget: drops what was taken in so far.
    Pages are followed by number (Spring's `number` and `totalPages`: `?page=N`) and by `next` links that stay below
    `base_url`. Raises SourceContractBroken for a page that cannot be gone on from, and where in the end something is missing.
    """
    page = read(path)
    received = page.records
    more, number, asked = page.more(received), 0, {path}
    if more is not None and more.pages > FEW_PAGES:
        forget()
        path, received, more, number = _with_query(path, f"size={LARGE_PAGE}"), 0, replace(more, page=0), -1
    while more is not None:
        address = _address(base_url, path, more)
        if address is None or address in asked or len(asked) > MOST_PAGES:
            raise one_page(call, more.said)
        asked.add(address)
        page = read(address)
        received, number = received + page.records, number + 1
        more = page.more(received, page=number)


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
