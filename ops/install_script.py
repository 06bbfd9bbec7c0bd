"""Puts `salesflow-ops` beside the Python that runs this: `python -m ops.install_script` (part of `make setup`).

Nothing of this repository is installed: the script runs the command line from this folder, from whatever folder it is called in.
"""

from __future__ import annotations

import sys
from pathlib import Path

NAME = "salesflow-ops"
# Read by a shell first, then by Python: a path may hold spaces or be too long for a first line with the interpreter.
SCRIPT = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

sys.path.insert(0, {repository!r})
from ops.app import main

main()
"""


def install(folder: Path, repository: Path) -> Path:
    """Write the script into a folder; its path."""
    script = folder / NAME
    script.write_text(SCRIPT.format(python=folder / "python", repository=str(repository)))
    script.chmod(0o755)
    return script


if __name__ == "__main__":
    sys.stdout.write(f"{install(Path(sys.executable).parent, Path(__file__).resolve().parents[1])}\n")
