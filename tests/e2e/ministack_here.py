"""ministack's own server, run by the Python of .build/second-opinion, with what it cannot make told by its name.

What it cannot make are alarms on a sum or a share of several metrics, for one of which it would fail the whole stack. Each is made on the
first of its metrics alone: it is there, and what it watches is not proven here.
"""

from typing import Any

from ministack.app import main  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

ALARMS = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
make = ALARMS["create"]


def make_simply(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
    """An alarm's physical id and attributes."""
    metrics = [one["MetricStat"] for one in properties.get("Metrics", ()) if "MetricStat" in one]
    if metrics:
        print(f"on one metric alone: {logical_id}", flush=True)
        first = metrics[0]
        properties = {name: value for name, value in properties.items() if name != "Metrics"}
        properties |= first["Metric"] | {"Statistic": first["Stat"], "Period": first["Period"]}
    return make(logical_id, properties, stack)


if __name__ == "__main__":
    ALARMS["create"] = make_simply
    main()
