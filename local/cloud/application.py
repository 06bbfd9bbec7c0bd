"""moto's application, without what it would work out anew at each call."""

from __future__ import annotations

import base64
import functools
from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

_structure = BaseJSONSerializer._serialize_type_structure  # noqa: SLF001 - moto has no other place for it


def moto_application() -> DomainDispatcherApplication:
    """The WSGI application that answers as every service that moto knows."""
    application = DomainDispatcherApplication(create_backend_app)
    # moto lists its folder of services at each call: a fifth of the time that an answer takes
    application.get_backend_for_host = functools.cache(application.get_backend_for_host)  # type: ignore[method-assign]
    BaseJSONSerializer._serialize_type_structure = _serialize_structure  # type: ignore[method-assign]  # noqa: SLF001
    return application


def _serialize_structure(self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:
    """A value of DynamoDB's goes as it is; moto looks for all ten types in each, under five names: 60 ms for twenty rows."""
    if shape.name == "AttributeValue" and isinstance(value, dict):
        self._default_serialize(serialized, _plain(value), shape, key)
    else:
        _structure(self, serialized, value, shape, key)


def _plain(value: Any) -> Any:
    """The same, with bytes in base64."""
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return value
