"""Found first by a function's process: its clock is a day ahead, so that the schedules, which were made just now, have been due."""

from datetime import datetime, timedelta

from salesflow import clock

_now = clock.now


def _a_day_later() -> datetime:
    return _now() + timedelta(hours=25)


clock.now = _a_day_later
