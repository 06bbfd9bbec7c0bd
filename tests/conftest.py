"""What holds for every test."""

import signal

from hypothesis import settings

# No time limit for one case: these machines are noisy, and speed is measured in tests/benchmarks.
settings.register_profile("salesflow", deadline=None, print_blob=True)
settings.load_profile("salesflow")

# A shell's background job is born deaf to Ctrl+C, and so are its children, some of which are to be interrupted here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
