"""What holds for every test."""

import os
import signal
from datetime import datetime

import time_machine
from hypothesis import settings

# No time limit for one case: these machines are noisy, and speed is measured in tests/benchmarks.
settings.register_profile("salesflow", deadline=None, print_blob=True)
settings.load_profile("salesflow")

# A shell's background job is born deaf to Ctrl+C, and so are its children, some of which are to be interrupted here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests pass on any day and at any hour: `.ci/run` lets them take place at moments of its choosing, from which time goes on.
if moment := os.environ.get("TESTS_TAKE_PLACE_AT"):
    time_machine.travel(datetime.fromisoformat(moment), tick=True).start()
