"""One Chromium for all pages. Without one on this machine, these tests are skipped and say so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser.looking import chromium, running

HERE = Path(__file__).parent
SCREENSHOTS = HERE.parents[2] / ".build" / "screenshots"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium; nothing is downloaded."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with running(path) as browser:
        yield browser


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where the pictures of the run are kept, to be looked at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS
