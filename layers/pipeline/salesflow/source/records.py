"""What the source hands out: tables, and the records that had to be set aside."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from salesflow.source.spool import SpooledSales


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """One record of an answer that could not be used.

    call: the API call that answered it. record: its id ("id 4711"), or its position in the answer from 0 on
    ("position 17") where the id cannot be told. field: a path such as `items[2].quantity`. reason: what is wrong with
    it. moment: of the sale, on the server's clock, where its day can be told; noon where its time cannot.
    """

    call: str
    record: str
    field: str
    reason: str
    moment: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SalesBatch:
    """Sales of one call, put away in `sales` and read back for some days at a time.

    records: how many sales the API answered, those set aside included. duplicates: how many of them were dropped because
    they were the same as another one of the answer. future: how many were set aside as dated later than the read.
    clock_trouble: what speaks against the server's clock or zone, in a sentence; empty where nothing does.
    """

    sales: SpooledSales
    rejected: tuple[RejectedRecord, ...]
    records: int
    duplicates: int = 0
    future: int = 0
    clock_trouble: str = ""

    @property
    def lines(self) -> pd.DataFrame:
        """All of them: the table of `salesflow.analytics.lines`, one row a sale line, sorted."""
        return self.sales.lines(*self.sales.span)


@dataclass(frozen=True, slots=True, eq=False)
class StockBatch:
    """The stock of all products. items: the table of `salesflow.analytics.stock`, one row a product, sorted by SKU.

    A SKU that only the inventory knows has product_id 0 and threshold 0. costs_known: whether the system account may read
    the inventory; without it every cost and category is missing. records: products and inventory items answered, those
    set aside included. duplicates: records dropped because a later one was the same.
    """

    items: pd.DataFrame
    rejected: tuple[RejectedRecord, ...]
    records: int
    costs_known: bool
    duplicates: int = 0
