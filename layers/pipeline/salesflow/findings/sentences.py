"""The sentences about a figure that is not the usual one, by how far it is off and by metric, and those about what there is beside it.

Sales, pieces and transactions have sentences of their own, because in many languages verbs and participles follow the noun.
"""

from collections.abc import Mapping
from typing import Final

from salesflow.findings.event import NoteKind
from salesflow.language import Text

SENTENCES: Final[Mapping[tuple[str, str], Text]] = {
    ("below", "revenue"): Text("{weekday}'s sales were {share} below a usual {weekday}: {value} instead of about {usual}."),
    ("below", "quantity"): Text("{weekday}'s pieces sold were {share} below a usual {weekday}: {value} instead of about {usual}."),
    ("below", "transactions"): Text("{weekday}'s transactions were {share} below a usual {weekday}: {value} instead of about {usual}."),
    ("above", "revenue"): Text("{weekday}'s sales were {share} above a usual {weekday}: {value} instead of about {usual}."),
    ("above", "quantity"): Text("{weekday}'s pieces sold were {share} above a usual {weekday}: {value} instead of about {usual}."),
    ("above", "transactions"): Text("{weekday}'s transactions were {share} above a usual {weekday}: {value} instead of about {usual}."),
    ("times", "revenue"): Text("{weekday}'s sales were {times} times a usual {weekday}: {value} instead of about {usual}."),
    ("times", "quantity"): Text("{weekday}'s pieces sold were {times} times a usual {weekday}: {value} instead of about {usual}."),
    ("times", "transactions"): Text("{weekday}'s transactions were {times} times a usual {weekday}: {value} instead of about {usual}."),
    ("far", "revenue"): Text("{weekday}'s sales were far above a usual {weekday}: {value} instead of about {usual}."),
    ("far", "quantity"): Text("{weekday}'s pieces sold were far above a usual {weekday}: {value} instead of about {usual}."),
    ("far", "transactions"): Text("{weekday}'s transactions were far above a usual {weekday}: {value} instead of about {usual}."),
    ("negative", "revenue"): Text("On {weekday} more was given back than sold: {value} instead of about {usual}."),
    ("none usual", "revenue"): Text("{weekday}'s sales came to {value}, on a day that usually has none."),
    ("none usual", "quantity"): Text("{weekday}'s pieces sold came to {value}, on a day that usually has none."),
    ("none usual", "transactions"): Text("{weekday}'s transactions came to {value}, on a day that usually has none."),
    ("nothing", "revenue"): Text("No sales on {weekday}, where about {usual} are usual."),
    ("nothing", "quantity"): Text("No pieces sold on {weekday}, where about {usual} are usual."),
    ("nothing", "transactions"): Text("No transactions on {weekday}, where about {usual} are usual."),
    ("higher", "revenue"): Text("Sales have been higher since {day}: {value} on {weekday} instead of about {usual}."),
    ("higher", "quantity"): Text("More pieces have been sold since {day}: {value} on {weekday} instead of about {usual}."),
    ("higher", "transactions"): Text("There have been more transactions since {day}: {value} on {weekday} instead of about {usual}."),
    ("lower", "revenue"): Text("Sales have been lower since {day}: {value} on {weekday} instead of about {usual}."),
    ("lower", "quantity"): Text("Fewer pieces have been sold since {day}: {value} on {weekday} instead of about {usual}."),
    ("lower", "transactions"): Text("There have been fewer transactions since {day}: {value} on {weekday} instead of about {usual}."),
    ("weekday", "revenue"): Text("{weekday}'s sales were those of a {other}: {value} instead of about {usual}."),
    ("weekday", "quantity"): Text("{weekday}'s pieces sold were those of a {other}: {value} instead of about {usual}."),
    ("weekday", "transactions"): Text("{weekday}'s transactions were those of a {other}: {value} instead of about {usual}."),
    ("above, period", "revenue"): Text("Sales in the {n} days to {day} were {share} above the usual: {value} instead of about {usual}."),
    ("above, period", "quantity"): Text("Pieces sold in the {n} days to {day} were {share} above the usual: {value} instead of about {usual}."),
    ("above, period", "transactions"): Text("Transactions in the {n} days to {day} were {share} above the usual: {value} instead of about {usual}."),
    ("below, period", "revenue"): Text("Sales in the {n} days to {day} were {share} below the usual: {value} instead of about {usual}."),
    ("below, period", "quantity"): Text("Pieces sold in the {n} days to {day} were {share} below the usual: {value} instead of about {usual}."),
    ("below, period", "transactions"): Text("Transactions in the {n} days to {day} were {share} below the usual: {value} instead of about {usual}."),
    ("negative, period", "revenue"): Text("In the {n} days to {day} more was given back than sold: {value} instead of about {usual}."),
    ("times, period", "revenue"): Text("Sales in the {n} days to {day} were {times} times the usual: {value} instead of about {usual}."),
    ("times, period", "quantity"): Text("Pieces sold in the {n} days to {day} were {times} times the usual: {value} instead of about {usual}."),
    ("times, period", "transactions"): Text("Transactions in the {n} days to {day} were {times} times the usual: {value} instead of about {usual}."),
}  # fmt: skip
"""A day, against what its weekday usually has; a week, or four weeks, against the weeks before."""

BESIDE: Final[Mapping[NoteKind, Text]] = {
    NoteKind.OUT_OF_STOCK: Text("It is out of stock."),
    NoteKind.NOT_LISTED: Text("It is not in the product list any more."),
    NoteKind.BEFORE_RETURNS: Text("This counts before returns, which came to {amount}."),
}

OFF: Final[Mapping[tuple[NoteKind, str], Text]] = {
    (NoteKind.SHOP_LEVEL, "times"): Text("The whole shop was at {times} times its usual level, which is already taken into account."),
    (NoteKind.SHOP_LEVEL, "above"): Text("The whole shop was {share} above its usual level, which is already taken into account."),
    (NoteKind.SHOP_LEVEL, "below"): Text("The whole shop was {share} below its usual level, which is already taken into account."),
    (NoteKind.PRICE, "times"): Text("The average price was {times} times the usual."),
    (NoteKind.PRICE, "above"): Text("The average price was {share} above the usual."),
    (NoteKind.PRICE, "below"): Text("The average price was {share} below the usual."),
}  # fmt: skip
