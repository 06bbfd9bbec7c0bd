"""What an anomaly check may be asked for, and the keys and identities that follow from it."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.alerts.result import result_key
from salesflow.errors import InvalidJobEvent
from salesflow.job_events import AnomalyCheckFields, JobRequest, Scope, safe_segment
from salesflow.windows import Period

NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
DAY = date(2026, 11, 22)


def read(event: object) -> AnomalyCheckFields:
    return JobRequest.from_event(event, AnomalyCheckFields, now=NOW, zone=ZoneInfo("Asia/Shanghai")).fields


def test_the_default_is_the_whole_shop_for_a_day() -> None:
    fields = read({})
    assert (fields.scope, fields.period, fields.identity) == (Scope.GLOBAL, Period.DAILY, "anomaly_check/GLOBAL/daily")


@pytest.mark.parametrize(
    ("event", "identity"),
    [
        ({"scope": "PRODUCT"}, "anomaly_check/PRODUCT/daily"),
        ({"scope": "PRODUCT", "sku": "RIZ-005"}, "anomaly_check/PRODUCT/sku=RIZ-005/daily"),
        ({"scope": "GLOBAL", "period": "weekly"}, "anomaly_check/GLOBAL/weekly"),
    ],
)
def test_the_identity_tells_scope_product_and_period(event: dict[str, str], identity: str) -> None:
    assert read(event).identity == identity


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({"scope": "PRODUCT", "sku": "A", "name": "B"}, "either sku or name"),
        ({"sku": "A"}, "belong to scope PRODUCT"),
        ({"scope": "GLOBAL", "name": "A"}, "belong to scope PRODUCT"),
        ({"scope": "global"}, "scope 'global' is not allowed (allowed: 'GLOBAL' or 'PRODUCT')"),
        ({"period": "quarterly"}, "'daily', 'weekly' or 'monthly'"),
        ({"scope": "PRODUCT", "sku": ""}, "sku"),
        ({"scope": "PRODUCT", "sku": 5}, "sku"),
        ({"report_type": "sales"}, "report_type is no field of this job"),
    ],
)
def test_what_cannot_be_checked_is_refused_by_name(event: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidJobEvent) as caught:
        read(event)
    assert named in str(caught.value)


def test_the_keys_are_the_contracts() -> None:
    assert result_key(Scope.GLOBAL, None, Period.DAILY, DAY) == "anomalies/GLOBAL/2026-11-22.json"
    assert result_key(Scope.PRODUCT, None, Period.DAILY, DAY) == "anomalies/PRODUCT/2026-11-22.json"
    assert result_key(Scope.PRODUCT, "A1", Period.WEEKLY, DAY) == "anomalies/PRODUCT/sku=A1/weekly/2026-11-22.json"


@given(st.text(min_size=1, max_size=600), st.text(min_size=1, max_size=600))
def test_any_sku_is_one_safe_part_of_a_key_and_its_own(one: str, other: str) -> None:
    key = result_key(Scope.PRODUCT, one, Period.DAILY, DAY)
    assert key.isascii()
    assert len(key) < 200
    assert key.count("/") == 3
    assert ".." not in key
    if one != other:
        assert safe_segment(one) != safe_segment(other)
