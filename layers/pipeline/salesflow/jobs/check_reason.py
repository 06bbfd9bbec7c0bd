"""What a check says of its outcome, for operators: in its answer, in the ledger, and in `salesflow-ops runs`."""

from datetime import date, timedelta

import pandas as pd

from salesflow.alerts.book import Told
from salesflow.alerts.judging import Judgement
from salesflow.alerts.lifecycle import Entry
from salesflow.detection.timeline import MIN_SALES_DAYS, WINDOW, gross
from salesflow.findings.event import Severity
from salesflow.job_events import Notify


def reason_of(
    judgement: Judgement, entries: tuple[Entry, ...], notified: tuple[str, ...], told: list[Told], notify: Notify
) -> str:
    """Why the run ended as it did: what was found, and who was told."""
    result = judgement.result
    if result.learning and not entries:
        return "There is too little history to judge by; the check is learning and tells nobody."
    if entries:
        changes = f"{len(entries)} change{'' if len(entries) == 1 else 's'} of alerts"
        return f"{changes} told to {len(notified)} recipient{'' if len(notified) == 1 else 's'}."
    number = len([f for f in judgement.findings if f.event.severity is not Severity.LOW])
    found = f"{number} finding{'' if number == 1 else 's'}"
    if told and not all(part.recorded for part in told):
        return f"{found}, and nobody told: a later date was checked already, so this one opens and ends nothing."
    if notify is Notify.NONE:
        return f"{found}; notify is none, so nobody was told and no alert was opened or ended."
    return f"{found}, none of them new, worse or over."


def seldom_sold(products: pd.DataFrame, sku: str | None, day: date) -> str:
    """Why a product that was asked for could not be judged; empty where it could, or where many were."""
    if sku is None:
        return ""
    weeks = WINDOW // 7
    since = pd.Timestamp(day - timedelta(days=WINDOW))
    rows = gross(products[products["sku"] == sku])
    days_sold = int(rows.loc[(rows["date"] > since) & (rows["quantity"] > 0), "date"].nunique())
    if days_sold >= MIN_SALES_DAYS:
        return ""
    if not days_sold:
        return f" The product has not sold in the {weeks} weeks before; there is nothing to judge it by."
    return (
        f" The product sold on {days_sold} day{'' if days_sold == 1 else 's'} of the last {weeks} weeks: too seldom to "
        "judge a single day by."
    )
