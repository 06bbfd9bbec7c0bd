"""Proof by experiment that nothing is lost, nothing done twice, and nothing silent: every fault is made to happen.

`python -m tests.reliability` runs it all and prints a table; see `tests/reliability/__main__.py`.
"""

import ops  # noqa: F401 - puts the pipeline's package on the path
