"""The SalesFlow Lite API on this machine, for tests, the demo and benchmarks; never deployed.

store = sample_sales(seed=7, end_date=date(2026, 11, 22), days=400)
with SalesFlowServer(store, clock=lambda: datetime(2026, 11, 23, 6)) as server:
    server.faults.inject("/sales/history", Status(503), times=2)
    ...  # a client with server.url and server.issue_token()
    assert server.count("/sales/history") == 3
"""

from local.api.accounts import SystemAccount
from local.api.faults import (
    EMPTY_BODY,
    HTML_PAGE,
    INVALID_JSON,
    BadRecords,
    Body,
    Call,
    Faults,
    Forbidden,
    Reset,
    Slow,
    Status,
    Trickle,
    Truncated,
    Unauthorized,
)
from local.api.records import DateStyle, Product, Sale, SaleItem, Wrapping
from local.api.retail import online_retail_store
from local.api.sample import Surprise, sample_sales
from local.api.server import SalesFlowServer
from local.api.store import SalesStore

__all__ = [
    "EMPTY_BODY",
    "HTML_PAGE",
    "INVALID_JSON",
    "BadRecords",
    "Body",
    "Call",
    "DateStyle",
    "Faults",
    "Forbidden",
    "Product",
    "Reset",
    "Sale",
    "SaleItem",
    "SalesFlowServer",
    "SalesStore",
    "Slow",
    "Status",
    "Surprise",
    "SystemAccount",
    "Trickle",
    "Truncated",
    "Unauthorized",
    "Wrapping",
    "online_retail_store",
    "sample_sales",
]
