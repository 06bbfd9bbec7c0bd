"""samconfig.toml: what the SAM CLI deploys, one configuration environment a stack; written with everything else in the file left as it was.

The first stack is the environment `default`. Another stack has one of its own name (`sam deploy --config-env NAME`): nothing of the first
stack's parameters, its recipients above all, is ever taken for it.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops.complaints import Misused
from ops.local_cloud import REPOSITORY

if TYPE_CHECKING:
    import tomlkit

PLACE = REPOSITORY / "samconfig.toml"
USUAL_STACK = "salesflow"
DEFAULT = "default"
NEW = "version = 0.1\n"
OVERRIDES = "parameter_overrides"
KEPT = "-before"
"""How the environments end that keep a stack's parameters as they were: no command is about these but `upgrade --back`."""
ALIKE = ("capabilities", "confirm_changeset", "resolve_s3")
"""What every stack of this template is deployed with."""


def environment_of(stack: str | None, path: Path = PLACE) -> str:
    """The configuration environment of a stack; `default` for the first one, and where no stack was said. Raises Misused."""
    if stack is None:
        return DEFAULT
    configuration = _parsed(path)
    for name, environment in configuration.items():
        if not isinstance(environment, dict) or name.endswith(KEPT):
            continue
        if _said(environment).get("stack_name") == stack:
            return name
    has_none = "stack_name" not in _said(configuration.get(DEFAULT, {}))
    return DEFAULT if has_none or stack == USUAL_STACK else stack


def deployment_settings(stack: str | None, path: Path = PLACE) -> Mapping[str, str]:
    """What the file says of a stack's `stack_name`, `region` and `profile`, and of its parameters as they stand there. Raises Misused."""
    said = _said(_parsed(path).get(environment_of(stack, path), {}))
    return {name: str(value) for name, value in said.items() if isinstance(value, str)}


def before_of(stack: str | None, path: Path = PLACE) -> str:
    """The environment that keeps a stack's parameters as they were before it was upgraded."""
    return f"{environment_of(stack, path)}{KEPT}"


def read_parameters(path: Path = PLACE, stack: str | None = None, *, environment: str | None = None) -> dict[str, str]:
    """What the file gives for the template's parameters, by name; {} where it knows no such stack. Raises Misused."""
    given = _said(_parsed(path).get(environment or environment_of(stack, path), {})).get(OVERRIDES, "")
    pieces = [str(piece) for piece in given] if isinstance(given, list) else shlex.split(str(given))
    return dict(_pair(piece, path) for piece in pieces)


def write_parameters(
    path: Path,
    parameters: Mapping[str, str],
    *,
    stack: str | None = None,
    region: str | None = None,
    replacing: bool = False,
) -> str:
    """Set these parameters of a stack (and its name and region, where they are said), keep all others unless these are `replacing` them;
    the environment's name.

    Raises Misused.
    """
    environment = environment_of(stack, path)
    merged = dict(parameters) if replacing else read_parameters(path, stack) | dict(parameters)
    _write(path, environment, merged, {"stack_name": stack, "region": region})
    return environment


def kept_for_later(path: Path, parameters: Mapping[str, str], *, stack: str | None = None) -> str:
    """Keep a stack's parameters in an environment of their own, from which the version before can be deployed; its name."""
    environment, said = before_of(stack, path), deployment_settings(stack, path)
    _write(path, environment, parameters, {"stack_name": said.get("stack_name") or stack, "region": said.get("region")})
    return environment


def _write(path: Path, environment: str, merged: Mapping[str, str], said: Mapping[str, str | None]) -> None:
    """Write an environment's parameters, and what else is said of it, into the file; everything else in it stays as it is."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(path.read_text("utf-8") if path.exists() else NEW)
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise Misused(f"{path.name} cannot be read: {error}.", action="Correct it, or move it away.") from None
    deploy = _tables(document, environment, "deploy")
    deploy[OVERRIDES] = " ".join(f"{name}={_quoted(value)}" for name, value in merged.items())
    if environment != DEFAULT:
        first = _said(_parsed(path).get(DEFAULT, {}))
        for name in ALIKE:
            if name in first and name not in deploy:
                deploy[name] = first[name]
    for name, value in said.items():
        if value:
            _tables(document, environment, "global")[name] = value
    new = path.with_name(f".{path.name}.new")
    new.write_text(tomlkit.dumps(document), "utf-8")
    new.replace(path)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misused(f"{path.name} cannot be read: {error}.", action="Correct it, or move it away.") from None


def _said(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What an environment says for deploying: for that command, else for all of them."""
    return {
        name: value
        for command in ("global", "deploy")
        for name, value in environment.get(command, {}).get("parameters", {}).items()
    }


def _tables(document: tomlkit.TOMLDocument, environment: str, command: str) -> Any:
    """The table of a command's parameters, made where it lacks."""
    import tomlkit

    table: Any = document
    for name in (environment, command, "parameters"):
        if name not in table:
            table[name] = tomlkit.table(is_super_table=name != "parameters")
        table = table[name]
    return table


def _pair(piece: str, path: Path) -> tuple[str, str]:
    name, equals, value = piece.partition("=")
    if not equals:
        raise Misused(f"{path.name}: {piece!r} in {OVERRIDES} is not Name=Value.", action="Correct it.")
    return name, value.strip('"')


def _quoted(value: str) -> str:
    """The value as `sam deploy --guided` writes it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
