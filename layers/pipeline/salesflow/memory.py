"""Memory that was freed, given back to the system between two parts of a job: the peak is then that of the larger one, not of both."""

import ctypes
import sys


def give_back() -> None:
    """Return what this process has freed and still holds.

    glibc keeps freed pages that lie between those in use, and pyarrow a pool of its own: after the months of a large history were read
    that is as much as the history. Where the C library is another one (macOS, musl) nothing is done.
    """
    if (arrow := sys.modules.get("pyarrow")) is not None:
        arrow.default_memory_pool().release_unused()
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
