"""Structured logs and metrics, the same for every job; Powertools reads its settings from its own environment variables."""

import os

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger()
# Without a namespace Powertools refuses to write metrics, and a run must not fail for want of one.
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "SalesFlow"))

__all__ = ["MetricUnit", "logger", "metrics"]
