"""ministack's own server, run by the Python of .build/second-opinion, without what it cannot make: each is left out by its name.

What it cannot make are alarms on a sum or a share of several metrics. It would fail the whole stack for one of them.
"""

from typing import Any

from ministack.app import main  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

ALARMS = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
HERE = "left-out-"
make, remove = ALARMS["create"], ALARMS["delete"]


def make_or_leave_out(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
    """An alarm's physical id and attributes."""
    if "Metrics" not in properties:
        return make(logical_id, properties, stack)
    print(f"left out: {logical_id}", flush=True)
    return f"{HERE}{logical_id}", {}


def remove_if_made(physical_id: str, properties: dict[str, Any]) -> None:
    """Remove an alarm with its stack."""
    if not physical_id.startswith(HERE):
        remove(physical_id, properties)


if __name__ == "__main__":
    ALARMS |= {"create": make_or_leave_out, "delete": remove_if_made}
    main()
