"""How much memory something takes while it works, whatever else the process holds."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def peak_of_memory() -> Iterator[Callable[[], int]]:
    """Count what is allocated within; the answer says how many bytes there were of it at the most, once it is over."""
    tracemalloc.start()
    peaks: list[int] = []
    try:
        yield lambda: peaks[0]
    finally:
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
