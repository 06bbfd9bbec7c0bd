"""Small tables as gzip CSV, by a schema: the same rows give the same bytes, and what was written is read back exactly."""

import gzip
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import Enum, auto
from typing import Any, Final

import numpy as np
import pandas as pd

from salesflow.source.amounts import minor_units
from salesflow.windows import MIDNIGHT

MEDIA_TYPE: Final = "application/gzip"


class Kind(Enum):
    """What a column holds: in memory, and in the file."""

    DAY = auto()
    """datetime64[s], midnight; an ISO date."""
    TEXT = auto()
    """str; as it is."""
    LABEL = auto()
    """str, missing where unknown; empty where unknown."""
    COUNT = auto()
    """int64; as it is. Amounts of the stock too are kept as integer minor units."""
    KNOWN_COUNT = auto()
    """Int64, missing where unknown; empty where unknown."""
    AMOUNT = auto()
    """int64 minor units; major units, exact to the minor unit."""
    CLOCK = auto()
    """datetime64[s]; the time of day. A time before the end of the day is in the night after the row's date."""


class TooManyDigits(ValueError):
    """An amount of the file has more digits after the point than the currency."""


_MOMENT: Final = np.dtype("datetime64[s]")
_READ_AS: Final[Mapping[Kind, Any]] = {
    Kind.DAY: np.dtype(object),
    Kind.TEXT: "str",
    Kind.LABEL: "str",
    Kind.COUNT: np.dtype(np.int64),
    Kind.KNOWN_COUNT: pd.Int64Dtype(),
    Kind.AMOUNT: np.dtype(np.float64),
    Kind.CLOCK: np.dtype(object),
}
"""Types, where there are: pandas looks a type's name up for each column of each file."""
_EMPTY: Final = {Kind.DAY: _MOMENT, Kind.CLOCK: _MOMENT, Kind.AMOUNT: np.dtype(np.int64)}


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A table's columns by name, the digits of its currency, where its days end, and what an older file lacks.

    absent: what stands in memory for a column that came later, in the rows of files without it.
    """

    columns: Mapping[str, Kind]
    digits: int
    day_ends_at: time = MIDNIGHT
    absent: Mapping[str, int] = field(default_factory=dict)

    def encode(self, rows: pd.DataFrame) -> bytes:
        """The file of some rows."""
        text = {name: self._to_file(rows[name], kind) for name, kind in self.columns.items()}
        csv = pd.DataFrame(text).to_csv(index=False, columns=list(self.columns), lineterminator="\n").encode()
        return gzip.compress(csv, mtime=0)  # no time of day: the same rows give the same bytes

    def decode(self, body: bytes) -> pd.DataFrame:
        """The rows of a file, as `encode` took them. Raises TooManyDigits, or anything for a damaged file."""
        unknown = {name: [""] for name, kind in self.columns.items() if kind is Kind.KNOWN_COUNT}
        text = pd.read_csv(
            io.BytesIO(gzip.decompress(body)),
            dtype={name: _READ_AS[kind] for name, kind in self.columns.items()},
            keep_default_na=False,
            na_values=unknown,
        )
        return pd.DataFrame({name: self._from_file(text, name, kind) for name, kind in self.columns.items()})

    def empty(self) -> pd.DataFrame:
        """The table without a row."""
        return pd.DataFrame(
            {name: pd.Series(dtype=_EMPTY.get(kind, _READ_AS[kind])) for name, kind in self.columns.items()}
        )

    def _to_file(self, column: pd.Series, kind: Kind) -> Any:
        match kind:
            case Kind.DAY:
                return column.to_numpy().astype("datetime64[D]").astype(str)
            case Kind.AMOUNT:
                return np.array(list(_decimals(column.tolist(), self.digits)), dtype=object)
            case Kind.CLOCK:
                return column.dt.strftime("%H:%M:%S").to_numpy(dtype=object)
            case _:
                return column.array

    def _from_file(self, text: pd.DataFrame, name: str, kind: Kind) -> Any:
        """A column as it is in memory: an array, as columns with an index of their own are aligned with each other."""
        if name not in text and name in self.absent:
            return np.full(len(text), self.absent[name], dtype=np.int64)
        column = text[name]
        match kind:
            case Kind.DAY:
                return column.to_numpy().astype("datetime64[D]").astype(_MOMENT)
            case Kind.AMOUNT:
                return self._exactly(column.to_numpy())
            case Kind.CLOCK:
                clock = column.to_numpy()
                moments = (text["date"].to_numpy() + "T" + clock).astype(_MOMENT)
                at_night = (clock < f"{self.day_ends_at:%H:%M:%S}").astype(bool)
                return moments + at_night * np.timedelta64(1, "D")
            case Kind.LABEL:
                return column.where(column != "").array
            case _:
                return column.array

    def _exactly(self, amounts: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
        minor = minor_units(amounts, self.digits)
        if np.any(np.abs(amounts * 10.0**self.digits - minor) > 0.01 + np.abs(minor) * 2.0**-50):
            raise TooManyDigits(f"amounts with more than {self.digits} digits after the point")
        return minor


def _decimals(amounts: Iterable[int], digits: int) -> Iterable[str]:
    """Each amount in major units, exactly."""
    for amount in amounts:
        whole, fraction = divmod(abs(amount), 10**digits)
        text = f"{whole}.{fraction:0{digits}d}" if digits else str(whole)
        yield f"-{text}" if amount < 0 else text
