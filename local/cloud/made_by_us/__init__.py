"""CloudFormation resource types that moto's CloudFormation passes over, made through their own APIs.

moto finds its resource types among the direct subclasses of its `CloudFormationModel`. The classes here join them, so that moto's own engine
resolves the intrinsics, evaluates the conditions and keeps the order; each class then does what CloudFormation would do: it calls the
service's API (moto's, over HTTP) with the resolved properties. botocore checks every call against the service's model, so a property that
the service does not know fails the deployment.

This module is for the AWS process (`local.cloud.aws_process`) alone: importing it teaches moto the types.
"""

from local.cloud.made_by_us import running, standing
from local.cloud.made_by_us.base import MadeThroughApi

__all__ = ["MadeThroughApi", "running", "standing"]
