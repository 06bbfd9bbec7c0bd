"""The operator's command line: `python -m ops --help`."""

import sys

try:
    from ops.app import main
except ModuleNotFoundError as error:
    sys.exit(
        f"This Python ({sys.executable}) has no {error.name}. Run `make setup`, then `source .venv/bin/activate`, or .venv/bin/salesflow-ops."
    )

__all__ = ["main"]

if __name__ == "__main__":
    main()
