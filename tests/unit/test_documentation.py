"""The README names what is there: parameters, commands, files, statuses."""

import re
from pathlib import Path

import pytest
import typer.main

from ops.__main__ import app
from salesflow.ledger import RunStatus

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PARAMETERS = re.findall(
    r"^  ([A-Z]\w+):\n    Type:", (ROOT / "template.yaml").read_text().partition("\nResources:")[0], flags=re.MULTILINE
)
FAMILIES = ("State", "Hour", "Minute", "Memory", "Timeout")


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_every_parameter_is_named(parameter: str) -> None:
    family = next((ending for ending in FAMILIES if parameter.endswith(ending)), None)
    by_family = family is not None and f"`…{family}`" in README and f"`{parameter.removesuffix(family)}`" in README
    assert f"`{parameter}`" in README or by_family


def test_every_command_exists() -> None:
    group = typer.main.get_command(app)
    for line in re.findall(r"python -m ops ([a-z][a-z-]*(?: [a-z][a-z-]*)*)", README):
        command = group
        for word in line.split():
            found = getattr(command, "commands", {}).get(word)
            assert found is not None, f"python -m ops {line}"
            command = found


def test_every_benchmark_and_make_target_exists() -> None:
    for name in re.findall(r"python -m tests\.benchmarks\.(\w+)", README):
        folder = ROOT / "tests" / "benchmarks"
        assert (folder / f"{name}.py").exists() or (folder / name / "__main__.py").exists()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", README, flags=re.MULTILINE)) <= set(targets)


def test_every_status_is_explained() -> None:
    for status in RunStatus:
        if status is not RunStatus.RUNNING:
            assert f"`{status}`" in README


def test_every_event_and_function_is_there() -> None:
    for path in re.findall(r"events/[\w-]+\.json", README):
        assert (ROOT / path).exists()
    for folder in (ROOT / "functions").iterdir():
        assert f"| `{folder.name}` |" in README
