"""The sentences about a figure that is not the usual one, in the words of a language.

Sales, pieces and transactions have sentences of their own, because in many languages verbs and participles follow the noun.
metric: revenue, quantity or transactions. values: what stands in the places of the sentence, as printed.
"""

from collections.abc import Mapping

from salesflow.language import Words

type Values = Mapping[str, str]


def below(_: Words, metric: str, values: Values) -> str:
    """Less than on a usual day of the week."""
    match metric:
        case "quantity":
            return _(
                "{weekday}'s pieces sold were {share} below a usual {weekday}: {value} instead of about {usual}.",
                **values,
            )
        case "transactions":
            return _(
                "{weekday}'s transactions were {share} below a usual {weekday}: {value} instead of about {usual}.",
                **values,
            )
        case _:
            return _(
                "{weekday}'s sales were {share} below a usual {weekday}: {value} instead of about {usual}.", **values
            )


def above(_: Words, metric: str, values: Values) -> str:
    """More than on a usual day of the week."""
    match metric:
        case "quantity":
            return _(
                "{weekday}'s pieces sold were {share} above a usual {weekday}: {value} instead of about {usual}.",
                **values,
            )
        case "transactions":
            return _(
                "{weekday}'s transactions were {share} above a usual {weekday}: {value} instead of about {usual}.",
                **values,
            )
        case _:
            return _(
                "{weekday}'s sales were {share} above a usual {weekday}: {value} instead of about {usual}.", **values
            )


def many_times(_: Words, metric: str, values: Values) -> str:
    """At least twice a usual day of the week."""
    match metric:
        case "quantity":
            return _(
                "{weekday}'s pieces sold were {times} times a usual {weekday}: {value} instead of about {usual}.",
                **values,
            )
        case "transactions":
            return _(
                "{weekday}'s transactions were {times} times a usual {weekday}: {value} instead of about {usual}.",
                **values,
            )
        case _:
            return _(
                "{weekday}'s sales were {times} times a usual {weekday}: {value} instead of about {usual}.", **values
            )


def far_above(_: Words, metric: str, values: Values) -> str:
    """So much more that a ratio says nothing."""
    match metric:
        case "quantity":
            return _(
                "{weekday}'s pieces sold were far above a usual {weekday}: {value} instead of about {usual}.", **values
            )
        case "transactions":
            return _(
                "{weekday}'s transactions were far above a usual {weekday}: {value} instead of about {usual}.", **values
            )
        case _:
            return _("{weekday}'s sales were far above a usual {weekday}: {value} instead of about {usual}.", **values)


def none_usual(_: Words, metric: str, values: Values) -> str:
    """Something where there is usually nothing."""
    match metric:
        case "quantity":
            return _("{weekday}'s pieces sold came to {value}, on a day that usually has none.", **values)
        case "transactions":
            return _("{weekday}'s transactions came to {value}, on a day that usually has none.", **values)
        case _:
            return _("{weekday}'s sales came to {value}, on a day that usually has none.", **values)


def nothing(_: Words, metric: str, values: Values) -> str:
    """Nothing where there is usually something."""
    match metric:
        case "quantity":
            return _("No pieces sold on {weekday}, where about {usual} are usual.", **values)
        case "transactions":
            return _("No transactions on {weekday}, where about {usual} are usual.", **values)
        case _:
            return _("No sales on {weekday}, where about {usual} are usual.", **values)


def shift(_: Words, metric: str, values: Values, *, higher: bool) -> str:
    """Another level since a day."""
    match metric, higher:
        case "quantity", True:
            return _("More pieces have been sold since {day}: {value} on {weekday} instead of about {usual}.", **values)
        case "quantity", False:
            return _(
                "Fewer pieces have been sold since {day}: {value} on {weekday} instead of about {usual}.", **values
            )
        case "transactions", True:
            return _(
                "There have been more transactions since {day}: {value} on {weekday} instead of about {usual}.",
                **values,
            )
        case "transactions", False:
            return _(
                "There have been fewer transactions since {day}: {value} on {weekday} instead of about {usual}.",
                **values,
            )
        case _, True:
            return _("Sales have been higher since {day}: {value} on {weekday} instead of about {usual}.", **values)
        case _:
            return _("Sales have been lower since {day}: {value} on {weekday} instead of about {usual}.", **values)


def other_weekday(_: Words, metric: str, values: Values) -> str:
    """What another day of the week usually has."""
    match metric:
        case "quantity":
            return _("{weekday}'s pieces sold were those of a {other}: {value} instead of about {usual}.", **values)
        case "transactions":
            return _("{weekday}'s transactions were those of a {other}: {value} instead of about {usual}.", **values)
        case _:
            return _("{weekday}'s sales were those of a {other}: {value} instead of about {usual}.", **values)


def period(_: Words, metric: str, values: Values, *, higher: bool) -> str:
    """A week, or four weeks, above or below the weeks before."""
    match metric, higher:
        case "quantity", True:
            return _(
                "Pieces sold in the {n} days to {day} were {share} above the usual: {value} instead of about {usual}.",
                **values,
            )
        case "quantity", False:
            return _(
                "Pieces sold in the {n} days to {day} were {share} below the usual: {value} instead of about {usual}.",
                **values,
            )
        case "transactions", True:
            return _(
                "Transactions in the {n} days to {day} were {share} above the usual: {value} instead of about {usual}.",
                **values,
            )
        case "transactions", False:
            return _(
                "Transactions in the {n} days to {day} were {share} below the usual: {value} instead of about {usual}.",
                **values,
            )
        case _, True:
            return _(
                "Sales in the {n} days to {day} were {share} above the usual: {value} instead of about {usual}.",
                **values,
            )
        case _:
            return _(
                "Sales in the {n} days to {day} were {share} below the usual: {value} instead of about {usual}.",
                **values,
            )


def period_times(_: Words, metric: str, values: Values) -> str:
    """A week, or four weeks, of at least twice the usual."""
    match metric:
        case "quantity":
            return _(
                "Pieces sold in the {n} days to {day} were {times} times the usual: {value} instead of about {usual}.",
                **values,
            )
        case "transactions":
            return _(
                "Transactions in the {n} days to {day} were {times} times the usual: {value} instead of about {usual}.",
                **values,
            )
        case _:
            return _(
                "Sales in the {n} days to {day} were {times} times the usual: {value} instead of about {usual}.",
                **values,
            )
