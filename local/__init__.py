"""An AWS and a SalesFlow on this machine, for the demo, tests and benchmarks; nothing of it is deployed."""

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("salesflow") is None:
    # In the cloud the pipeline's package comes from a layer; here it is found in that layer's source.
    sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "pipeline"))
