"""Settings that an operator changes, killed, disturbed and overtaken."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from tests.integration.reliability.conftest import told
from tests.reliability.desk import change_a_few


def test_settings_whose_change_is_killed_disturbed_or_overtaken_are_neither_lost_nor_half_changed() -> None:
    """The short form of the section "settings", in a process of its own: its stack's functions are moto's, not the local cloud's."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        changed, overwritten = pool.submit(change_a_few).result()
    assert told(changed.findings) == []
    assert changed.counts == {"crash points swept": 4, "faults injected": 4, "times overtaken": 4}
    assert any(f.kind == "lost" and "and in a row as" in f.what for f in overwritten.findings)
