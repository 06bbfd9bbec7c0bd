"""The operator's command line: `python -m ops --help`."""

from ops.app import app, main

__all__ = ["app", "main"]

if __name__ == "__main__":
    main()
