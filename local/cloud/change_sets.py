"""What moto's CloudFormation lacks for `sam deploy`: SAM's transform, and a change set that makes all that a stack has."""

from __future__ import annotations

import json
from collections.abc import Callable

from moto.cloudformation.models import ChangeSet
from moto.cloudformation.responses import CloudFormationResponse


def install() -> None:
    """Put it into moto, in the process that serves it."""
    CloudFormationResponse._get_stack_from_s3_url = _transformed(CloudFormationResponse._get_stack_from_s3_url)  # type: ignore[method-assign]
    ChangeSet.apply = _apply  # type: ignore[method-assign]


def _transformed(read: Callable[[CloudFormationResponse, str], str]) -> Callable[[CloudFormationResponse, str], str]:
    """Reading a template as CloudFormation does, which makes plain resources of SAM's; moto would pass those over."""

    def found(response: CloudFormationResponse, url: str) -> str:
        from local.cloud.template import (
            load_text,
            translate,
        )  # AWS's translator: half a second that no other call needs

        # Of a host's name moto thinks that it begins with the bucket's, unless it is this one.
        template = load_text(read(response, url.replace("127.0.0.1", "localhost", 1)))
        if "Transform" in template:
            given = {
                one["ParameterKey"]: one.get("ParameterValue", "") for one in response._get_param("Parameters", [])
            }
            template = translate(template, given, response.region)
        return json.dumps(template)

    return found


def _apply(change_set: ChangeSet) -> None:
    """Make what the change set says, the outputs too; in a new stack, what is referred to comes first."""
    stack = change_set.stack
    if change_set.change_set_type == "CREATE":
        stack.template = change_set.template
        stack._parse_template()
        stack.resource_map = stack._create_resource_map()
        stack.resource_map.create(stack.template_dict)
    else:
        stack.resource_map.update(change_set.template_dict, change_set.parameters)
        stack.template = change_set.template
        stack._parse_template()
    stack.output_map = stack._create_output_map()
