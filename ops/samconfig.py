"""The parameters that `sam deploy` takes from samconfig.toml: read, and written back with everything else in the file left as it was."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from ops.complaints import Misused

NEW = "version = 0.1\n"
OVERRIDES = "parameter_overrides"


def read_parameters(path: Path) -> dict[str, str]:
    """What the file gives for the template's parameters, by name; {} where there is no file. Raises Misused."""
    given = _tables(_document(path)).get(OVERRIDES, "")
    pieces = [str(piece) for piece in given] if isinstance(given, list) else shlex.split(str(given))
    return dict(_pair(piece, path) for piece in pieces)


def write_parameters(
    path: Path, parameters: Mapping[str, str], *, stack: str | None = None, region: str | None = None
) -> None:
    """Set these parameters (and, where they are given, the stack's name and region), and keep all others. Raises Misused."""
    document = _document(path)
    merged = read_parameters(path) | dict(parameters)
    _tables(document)[OVERRIDES] = " ".join(f"{name}={_quoted(value)}" for name, value in merged.items())
    for name, value in (("stack_name", stack), ("region", region)):
        if value:
            _tables(document, "global")[name] = value
    new = path.with_name(f".{path.name}.new")
    new.write_text(tomlkit.dumps(document), "utf-8")
    new.replace(path)


def _document(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text("utf-8") if path.exists() else NEW)
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise Misused(f"{path.name} cannot be read: {error}.", action="Correct it, or move it away.") from None


def _tables(document: tomlkit.TOMLDocument, command: str = "deploy") -> Any:
    """The table of a command's parameters, made where it lacks."""
    table: Any = document
    for name in ("default", command, "parameters"):
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
