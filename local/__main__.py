"""An AWS and a SalesFlow on this machine: `python -m local --help`."""

from local.app import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
