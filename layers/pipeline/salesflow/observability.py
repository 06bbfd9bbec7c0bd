"""Structured logs and metrics, the same for every job; Powertools reads its settings from its own environment variables.

What many may read holds nothing private: whole addresses are masked in every line, wherever they come from (an error of SES
names one), and of a run's details the counts alone are logged. The figures of the shop are in the ledger and the files.
"""

import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit

from salesflow.mail_address import masked


class _Discreet(LambdaPowertoolsFormatter):
    """Powertools' lines, without addresses."""

    def serialize(self, log: Any) -> str:
        """The line as text."""
        return super().serialize(_without_addresses(log))


def _without_addresses(value: Any) -> Any:
    match value:
        case str():
            return masked(value)
        case Mapping():
            return {key: _without_addresses(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_without_addresses(inner) for inner in value]
        case _:
            return value


def counts(details: Mapping[str, Any]) -> dict[str, int]:
    """Of a run's details those that are counts (or yes and no), and no figures of the shop."""
    return {name: value for name, value in details.items() if isinstance(value, int)}


logger = Logger(logger_formatter=_Discreet())
# Without a namespace Powertools refuses to write metrics, and a run must not fail for want of one.
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "SalesFlow"))

__all__ = ["MetricUnit", "counts", "logger", "metrics"]
