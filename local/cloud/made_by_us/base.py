"""What all resource types share that are made through their own APIs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.cloudformation.exceptions import ValidationError

ACCESS_KEY = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def coerced(value: Any, shape: Any) -> Any:
    """`value` with strings turned into the numbers and booleans that a botocore `shape` asks for, as CloudFormation does.

    Keys that the shape does not know are left for botocore to refuse.
    """
    match shape.type_name:
        case "structure" if isinstance(value, dict):
            return {
                key: coerced(item, shape.members[key]) if key in shape.members else item for key, item in value.items()
            }
        case "list" if isinstance(value, list):
            return [coerced(item, shape.member) for item in value]
        case "map" if isinstance(value, dict):
            return {key: coerced(item, shape.value) for key, item in value.items()}
        case "integer" | "long" if isinstance(value, str):
            return int(value)
        case "float" | "double" if isinstance(value, str | int) and not isinstance(value, bool):
            return float(value)
        case "boolean" if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        case "string" if isinstance(value, bool | int | float):
            return str(value).lower() if isinstance(value, bool) else str(value)
        case "string" if isinstance(value, dict | list):
            return json.dumps(value)  # policies are JSON documents in a template and JSON strings in the API
        case _:
            return value


def lower_first(value: Any) -> Any:
    """Keys as CloudWatch Logs' API writes them: `FilterName` becomes `filterName`, at every depth."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lower_first(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lower_first(item) for item in value]
    return value


@cache
def _client(service: str, endpoint_url: str, region: str) -> Any:
    # One for all resources: making a client takes longer than most calls.
    return boto3.client(  # type: ignore[call-overload]  # the stubs know services as literals only
        service, endpoint_url=endpoint_url, region_name=region, config=Config(proxies={}), **ACCESS_KEY
    )


class MadeThroughApi:
    """What all types here share: how moto's engine asks for a resource, and how the calls are made.

    A type says its CloudFormation name (`TYPE`), its naming property (`NAME`, "" for none), the attributes that `Fn::GetAtt` may ask for, and
    what removes it (`REMOVED_BY`: service, operation, and the parameter that takes what `Ref` answers; None for what goes with what it
    belongs to). `create` makes it and sets `physical_resource_id` (what `Ref` answers) and `attributes`.
    """

    TYPE: ClassVar[str]
    NAME: ClassVar[str] = ""
    ATTRIBUTES: ClassVar[frozenset[str]] = frozenset()
    REMOVED_BY: ClassVar[tuple[str, str, str] | None] = None
    endpoint_url: ClassVar[str] = ""

    def __init__(self, name: str, properties: dict[str, Any], region: str) -> None:
        self.name = name
        self.properties = properties
        self.region = region
        self.physical_resource_id = name
        self.attributes: dict[str, str] = {}

    def client(self, service: str) -> Any:
        """A client of moto's own server, for the stack's region."""
        return _client(service, self.endpoint_url, self.region)

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call of the service's API in the stack's region; absent values are left out."""
        client = self.client(service)
        shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
        given = {key: value for key, value in parameters.items() if value is not None}
        answer: dict[str, Any] = getattr(client, operation)(**coerced(given, shape))
        return answer

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Turn what the service or the service's model refuses into CloudFormation's own error, which names the resource."""
        try:
            yield
        except (BotoCoreError, ClientError, KeyError, ValueError) as error:
            raise ValidationError(message=f"{self.TYPE} {self.name}: {type(error).__name__}: {error}") from error

    def create(self) -> None:
        """Make the resource."""
        raise NotImplementedError

    def update(self, previous: MadeThroughApi) -> None:
        """Bring the resource up to date; by default what has its own way out is replaced, and the rest put again."""
        if self.REMOVED_BY is not None:
            self.replace(previous)
        else:
            self.create()

    def replace(self, previous: MadeThroughApi) -> None:
        """An `update` of what its API cannot change: the previous one goes, this one comes."""
        previous.remove()
        self.create()

    def remove(self) -> None:
        """Undo `create`."""
        if self.REMOVED_BY is not None:
            service, operation, parameter = self.REMOVED_BY
            self.call(service, operation, **{parameter: self.physical_resource_id})

    # What moto's engine calls.
    @classmethod
    def cloudformation_type(cls) -> str:
        """The CloudFormation type's name."""
        return cls.TYPE

    @classmethod
    def cloudformation_name_type(cls) -> str:
        """The property that names the resource."""
        return cls.NAME

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether `Fn::GetAtt` may ask for `attr`."""
        return attr in cls.ATTRIBUTES

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """What `Fn::GetAtt` answers."""
        return self.attributes[attribute_name]

    def is_created(self) -> bool:
        """Every call here is synchronous."""
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> MadeThroughApi:
        """Make the resource for moto's engine."""
        del account_id, kwargs
        resource = cls(resource_name, cloudformation_json["Properties"], region_name)
        with resource.refusals():
            resource.create()
        return resource

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: MadeThroughApi,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> MadeThroughApi:
        """Update the resource for moto's engine; a name that CloudFormation made up stays."""
        del account_id
        properties = cloudformation_json["Properties"]
        name = new_resource_name if cls.NAME in properties else original_resource.name
        resource = cls(name, properties, region_name)
        resource.physical_resource_id = original_resource.physical_resource_id
        resource.attributes = original_resource.attributes
        with resource.refusals():
            resource.update(original_resource)
        return resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the resource for moto's engine; what went with the resource that it belongs to is gone already."""
        del account_id, region_name
        try:
            self.remove()
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise


_GONE = {"ResourceNotFoundException", "NotFoundException", "NotFound", "NoSuchEntity"}
