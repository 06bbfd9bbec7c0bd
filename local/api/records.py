"""What the SalesFlow Lite service keeps: sales, products, and the wire shapes that its JSON answers have."""

from collections.abc import Sequence
from datetime import date, datetime, time
from enum import StrEnum

import msgspec


class SaleItem(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One line of a sale, field for field as the API sends it. Amounts are in major units."""

    product_id: int
    product_name: str | None
    sku: str
    quantity: int
    unit_price: float
    subtotal: float


class Sale(msgspec.Struct, frozen=True):
    """One sale. `sold_at` and `synced_at` are naive, in the merchant's zone.

    `synced_at` is when the sale reached the server: later than it was sold where a till was offline, earlier where a till's
    clock is ahead, so that the server answers a sale of the future. None means when it was sold.
    """

    id: int
    sold_at: datetime
    total_amount: float
    items: tuple[SaleItem, ...]
    synced_at: datetime | None = None

    @property
    def known_at(self) -> datetime:
        """The first moment at which the server can answer with this sale."""
        return self.sold_at if self.synced_at is None else self.synced_at


class Product(msgspec.Struct, frozen=True):
    """One product and its inventory record. `price` and `cost` are in major units.

    `levels` is the stock after each movement, as (moment, pieces), ascending; without it the stock is always
    `stock_quantity`. `cost` None: the inventory holds no record of this product.
    """

    id: int
    sku: str
    name: str
    price: float
    stock_quantity: int
    low_stock_threshold: int
    cost: float | None = None
    category: str | None = None
    levels: tuple[tuple[datetime, int], ...] = ()
    created_at: datetime = datetime.combine(date(2024, 1, 1), time.min)


class DateStyle(StrEnum):
    """How the server writes a `LocalDateTime`."""

    JAVA = "java"
    """As `LocalDateTime.toString`: no seconds where they are zero, a fraction of 0, 3, 6 or 9 digits as needed."""
    SECONDS = "seconds"
    MILLIS = "millis"
    MICROS = "micros"
    NANOS = "nanos"
    MIXED = "mixed"
    """Every sale in another of the styles above, by its id."""


class Wrapping(StrEnum):
    """How a list is sent: bare, or under one key of an object."""

    NONE = "none"
    DATA = "data"
    CONTENT = "content"
    ITEMS = "items"
    SALES = "sales"
    RESULT = "result"


_ROTATION = (DateStyle.JAVA, DateStyle.SECONDS, DateStyle.MILLIS, DateStyle.MICROS, DateStyle.NANOS)


def local_date_time(moment: datetime, style: DateStyle = DateStyle.JAVA, *, number: int = 0) -> str:
    """A naive moment as the server writes it.

    `number` (the sale's id) picks the style of `DateStyle.MIXED` and the three digits below the microsecond of
    `DateStyle.NANOS`, which Python's datetime does not hold.
    """
    if style is DateStyle.MIXED:
        style = _ROTATION[number % len(_ROTATION)]
    match style:
        case DateStyle.SECONDS:
            return moment.isoformat(timespec="seconds")
        case DateStyle.MILLIS:
            return moment.isoformat(timespec="milliseconds")
        case DateStyle.MICROS:
            return moment.isoformat(timespec="microseconds")
        case DateStyle.NANOS:
            return f"{moment.isoformat(timespec='microseconds')}{number % 1000:03d}"
        case _:
            if moment.microsecond % 1000:
                return moment.isoformat(timespec="microseconds")
            if moment.microsecond:
                return moment.isoformat(timespec="milliseconds")
            return moment.isoformat(timespec="seconds" if moment.second else "minutes")


class SaleAnswer(msgspec.Struct, rename="camel"):
    """`Sale` of the API."""

    id: int
    sale_date: str
    total_amount: float
    items: Sequence[SaleItem]


class DayAnswer(msgspec.Struct):
    """One day of `/sales/history/by-sku` and `/by-name`."""

    date: date
    quantity: int


class ErrorAnswer(msgspec.Struct):
    """`Error` of the API."""

    code: str
    message: str
    details: str | None
    timestamp: str
