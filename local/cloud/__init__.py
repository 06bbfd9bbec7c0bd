"""AWS on this machine, made from the template itself: what is deployed here is what is deployed there.

`LocalCloud.start()` runs the AWS APIs (moto) on a free loopback port; `deploy` makes a stack of `template.yaml`; `invoke` and `invoke_async`
run its functions as Lambda does; `Scheduler` fires its schedules over a simulated span of time.
"""

from local.cloud.aws import LocalAws, LocalCloudError, Mail
from local.cloud.clock import SimulatedClock
from local.cloud.cloud import AsyncResult, LocalCloud
from local.cloud.containers import Function, FunctionSettings, Invocation
from local.cloud.deployment import Deployment, Resource
from local.cloud.scheduler import Firing, Scheduler

__all__ = [
    "AsyncResult",
    "Deployment",
    "Firing",
    "Function",
    "FunctionSettings",
    "Invocation",
    "LocalAws",
    "LocalCloud",
    "LocalCloudError",
    "Mail",
    "Resource",
    "Scheduler",
    "SimulatedClock",
]
