"""What holds for every test."""

import gc
import os
import signal
from datetime import datetime

import pytest
import time_machine
from hypothesis import settings

# No time limit for one case: these machines are noisy, and speed is measured in tests/benchmarks.
settings.register_profile("salesflow", deadline=None, print_blob=True, max_examples=40)
settings.load_profile("salesflow")

# A shell's background job is born deaf to Ctrl+C, and so are its children, some of which are to be interrupted here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests pass on any day and at any hour: `.ci/run` lets them take place at moments of its choosing, from which time goes on.
elsewhen = None
if moment := os.environ.get("TESTS_TAKE_PLACE_AT"):
    elsewhen = time_machine.travel(datetime.fromisoformat(moment), tick=True).start()

gc.disable()  # until everything is imported: a sixth of the time that collecting tests takes

LONGEST_FIRST = (
    "integration/reliability/",
    "integration/permissions/",
    "integration/test_",
    "integration/",
    "e2e/browser/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: workers take one after the other (`make test`), and at the end what is short leaves none idle."""

    def rank(item: pytest.Item) -> int:
        return next((n for n, place in enumerate(LONGEST_FIRST) if f"tests/{place}" in item.nodeid), len(LONGEST_FIRST))

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """The first test begins at its moment; what is imported by now the garbage collector need not look through again and again."""
    if elsewhen is not None and moment is not None:
        elsewhen.move_to(datetime.fromisoformat(moment))
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    gc.enable()
