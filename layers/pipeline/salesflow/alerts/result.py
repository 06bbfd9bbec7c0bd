"""The file of a check: `anomalies/{scope}/{business_date}.json`, with everything that the mail says.

    anomalies/GLOBAL/2026-11-22.json                       the whole shop and its products
    anomalies/PRODUCT/2026-11-22.json                      all products
    anomalies/PRODUCT/sku=RIZ-005/2026-11-22.json          one product
    anomalies/PRODUCT/sku=XSS_01.09c4a7be83d2f011/...      one whose SKU has other characters than A-Z a-z 0-9 _ - (or over 64):
                                                           those become _, and the first 16 digits of its SHA-256 follow a point
    anomalies/GLOBAL/weekly/2026-11-22.json                a week, or (monthly) four weeks, ending on that date

| field | meaning |
|---|---|
| state | open, closed, missing or partial: what kind of day it was |
| learning | there is too little history to judge by |
| findings | one a subject and direction, the whole shop first: event (amounts in minor units), facet, alert, muted, also |
| told | what was to be told of this date: change (opened, worse, resolved), statement, event, recent (what it was compared with) |
| left_out | changes of products that were less important than those told |
| open | the alerts that are open after the date |
| statement | what is to be said, as data: `salesflow.findings.wording` says it in any language, as the mail does |
| text | the same in English, for operators |
| recorded | false: a date before the newest one checked (or asked for with notify none), which opens and ends nothing |

A rerun of the same inputs writes the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from salesflow.alerts.book import Told
from salesflow.alerts.lifecycle import Rules
from salesflow.alerts.wording import open_sentence, told_sentence
from salesflow.figures import Figures
from salesflow.findings.subjects import event_as_dict
from salesflow.findings.wording import sentence
from salesflow.job_events import Scope, safe_segment
from salesflow.windows import Period

if TYPE_CHECKING:
    from salesflow.alerts.judging import Judgement

PREFIX = "anomalies/"
MOST_FINDINGS = 1_000


def result_key(scope: Scope, sku: str | None, period: Period, business_date: date) -> str:
    """The key of a check's file."""
    parts = [scope.value]
    if sku is not None:
        parts.append(f"sku={safe_segment(sku)}")
    if period is not Period.DAILY:
        parts.append(period.value)
    return PREFIX + "/".join([*parts, f"{business_date.isoformat()}.json"])


def result_document(
    judgement: Judgement, told: Iterable[Told], rules: Rules, head: Mapping[str, Any]
) -> dict[str, Any]:
    """The file's content. head: scope, product, period, zone, `currency` and where the data comes from."""
    result, parts = judgement.result, list(told)
    english = Figures(head["currency"])
    findings = [
        {
            "alert": finding.id,
            "text": sentence(finding.event.statement, english),
            "facet": finding.facet,
            "muted": rules.is_muted(finding.subject),
            "also": [said.as_dict() for said in finding.also],
            "event": event_as_dict(finding.event),
        }
        for finding in judgement.findings
    ]
    document = {
        **head,
        "state": result.state,
        "holiday": result.holiday,
        "learning": result.learning,
        "day_factor": result.day_factor,
        "threshold_shop": result.threshold_shop,
        "threshold_products": result.threshold_products,
        "products_scored": result.products_scored,
        "findings": findings[:MOST_FINDINGS],
        "findings_cut": max(len(findings) - MOST_FINDINGS, 0),
        "told": [entry.as_dict() | {"text": told_sentence(entry, english)} for part in parts for entry in part.said],
        "left_out": sum(part.left_out for part in parts),
        "open": [
            alert.as_dict() | {"statement": alert.statement.as_dict(), "text": open_sentence(alert.statement, english)}
            for part in parts
            for alert in part.open
        ],
        "recorded": bool(parts) and all(part.recorded for part in parts),
    }
    cleaned: dict[str, Any] = _json_values(document)
    return cleaned


def _json_values(value: Any) -> Any:
    """The value with null for numbers that JSON does not have."""
    match value:
        case Mapping():
            return {name: _json_values(item) for name, item in value.items()}
        case list() | tuple():
            return [_json_values(item) for item in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
