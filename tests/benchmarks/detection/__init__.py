"""Benchmark of the anomaly detection against the methods that a shop would otherwise use."""
