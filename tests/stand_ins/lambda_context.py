"""What Lambda hands a handler beside the event."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Context:
    """Lambda's context object, as far as the functions use it; a new request each. remaining_seconds: of the function's time."""

    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_name: str = "salesflow-report"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:ap-southeast-1:123456789012:function:salesflow-report"
    remaining_seconds: float | Callable[[], float] = 300

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the function's time."""
        left = self.remaining_seconds
        return int((left() if callable(left) else left) * 1000)
