"""What operators and developers run on their own machines; nothing of it is deployed."""

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("salesflow") is None:
    # In the cloud the pipeline's package comes from a layer; here `python -m ops...` finds it in that layer's source.
    sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "pipeline"))
