"""The figures behind the reports: pure functions from tables to results."""
