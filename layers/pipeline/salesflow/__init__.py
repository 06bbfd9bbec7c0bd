"""SalesFlow Automation's pipeline: read sales and stock, analyse, report, deliver, and record truthfully what happened."""

__version__ = "1.1.0"
