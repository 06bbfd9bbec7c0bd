"""What holds for every test."""

from hypothesis import settings

# No time limit for one case: these machines are noisy, and speed is measured in tests/benchmarks.
settings.register_profile("salesflow", deadline=None, print_blob=True)
settings.load_profile("salesflow")
