"""The forecasts on S3: one JSON document a business date, `forecasts/{business_date}.json`.

| field | meaning |
|---|---|
| business_date | the day whose close the document was made after |
| state | `fresh`: made from that day's history; `fallback`: the last good one, made after an earlier day; `none`: there is none yet |
| made_after | the day whose close the forecast in it was made after; null for `none` |
| reason | why it is not fresh; empty where it is |
| notes | sentences for operators, in English |
| currency, minor_digits, timezone | what amounts are in (whole minor units), and where days begin |
| version | of this software |
| forecast | `salesflow.forecasting.Forecast` as a document; null for `none` |
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salesflow.delivery.store import ReportStore
    from salesflow.ledger import Artifact, Fence

_log = logging.getLogger(__name__)

PREFIX = "forecasts/"


@dataclass(frozen=True, slots=True)
class StoredForecast:
    """A document as it was read, as far as a later night needs it; `forecast` is None where there was none yet."""

    key: str
    made_after: date | None
    reason: str
    notes: tuple[str, ...]
    currency: str
    forecast: Mapping[str, Any] | None


def forecast_key(business_date: date) -> str:
    """The key of a business date's document."""
    return f"{PREFIX}{business_date.isoformat()}.json"


class ForecastStore:
    """The forecasts of a reports bucket. Errors are those of `ReportStore`."""

    def __init__(self, store: "ReportStore") -> None:
        self._store = store

    def save(self, document: Mapping[str, Any], fence: "Fence") -> "Artifact":
        """Save a document (the fields above) under its business date's key, and under a claim."""
        day = date.fromisoformat(document["business_date"])
        return self._store.save_document(forecast_key(day), document, fence)

    def newest_first(self, until: date, days: int) -> Iterator[StoredForecast]:
        """The documents of the `days` days that end with `until`, the newest first; one that cannot be read is passed over."""
        begin = forecast_key(until - timedelta(days=days))
        for key in reversed(self._store.keys_after(PREFIX, begin)):
            if key <= forecast_key(until) and (found := self._read(key)) is not None:
                yield found

    def _read(self, key: str) -> StoredForecast | None:
        data = self._store.read(key)
        if data is None:
            return None
        try:
            document = json.loads(data)
            found = StoredForecast(
                key=key,
                made_after=date.fromisoformat(document["made_after"]) if document["made_after"] else None,
                reason=document["reason"],
                notes=tuple(document["notes"]),
                currency=document["currency"],
                forecast=document["forecast"],
            )
        except (ValueError, KeyError, TypeError):
            _log.warning("%s is no forecast and is passed over", key)
            return None
        return found
