"""The operator's command line: `python -m ops --help`."""

from ops.cli.app import app, main

__all__ = ["app", "main"]

if __name__ == "__main__":
    main()
