# ruff: noqa: SLF001 - moto has no other way in
"""What moto's CloudFormation lacks for `sam deploy`: SAM's transform, and a change set that makes all that a stack has."""

from __future__ import annotations

import json

from moto.cloudformation.models import ChangeSet
from moto.cloudformation.responses import CloudFormationResponse

read_template = CloudFormationResponse._get_stack_from_s3_url


def install() -> None:
    """Put it into moto, in the process that serves it."""
    CloudFormationResponse._get_stack_from_s3_url = transformed  # type: ignore[assignment]
    ChangeSet.apply = apply  # type: ignore[assignment]


def transformed(response: CloudFormationResponse, url: str) -> str:
    """The template at an address as CloudFormation takes it, which makes plain resources of SAM's; moto would pass those over."""
    # AWS's translator: half a second that no other call needs.
    from local.cloud.template import load_text, translate

    # Of a host's name moto thinks that it begins with the bucket's, unless it is this one.
    template = load_text(read_template(response, url.replace("127.0.0.1", "localhost", 1)))
    if "Transform" in template:
        template = translate(template, _parameters(response), response.region)
    return json.dumps(template)


def _parameters(response: CloudFormationResponse) -> dict[str, str]:
    """What a request says of the parameters; those that stay as they are come from the stack."""
    given = {one["ParameterKey"]: one for one in response._get_param("Parameters", [])}
    said = {name: one["ParameterValue"] for name, one in given.items() if not one.get("UsePreviousValue")}
    if len(said) == len(given):
        return said
    before = response.cloudformation_backend.get_stack(response._get_param("StackName")).stack_parameters
    return {name: said.get(name, before[name]) for name in given}


def apply(change_set: ChangeSet) -> None:
    """Make what the change set says, the outputs too; in a new stack, what is referred to comes first."""
    stack, template = change_set.stack, change_set.template_dict
    # Defaults are said aloud: moto remembers only what it is told, and takes what it was not told for changed.
    defaults = {name: rule["Default"] for name, rule in template.get("Parameters", {}).items() if "Default" in rule}
    stack.template, stack.template_dict = change_set.template, template
    stack.parameters = {name: str(value) for name, value in (defaults | change_set.parameters).items()}
    if change_set.change_set_type == "CREATE":
        stack.resource_map = stack._create_resource_map()
        stack.resource_map.create(template)
    else:
        stack.resource_map.update(template, stack.parameters)
    stack.output_map = stack._create_output_map()
