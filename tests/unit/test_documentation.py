"""README and docs/ name what is there: parameters, commands, files, roles, statuses; and nothing that is not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ops import reference
from ops.app import COMMANDS, loaded
from ops.first_answers import declared
from salesflow.ledger import RunStatus
from tests.unit.template.stack import as_list, of_type, resources, statements

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCS = {path.name: path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}
EVERY_PAGE = "\n".join([README, *DOCS.values()])
PARAMETERS = list(declared())
WHAT_THE_PRODUCT_SAYS = "\n".join(
    path.read_text() for path in (ROOT / "template.yaml", *sorted((ROOT / "layers" / "pipeline").rglob("*.py")))
)


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_every_parameter_is_named(parameter: str) -> None:
    assert f"`{parameter}`" in DOCS["parameters.md"]


def test_every_command_exists() -> None:
    known = {name for commands in COMMANDS.values() for name in commands}
    said = EVERY_PAGE + WHAT_THE_PRODUCT_SAYS
    lines = re.findall(r"(?m)(?:`|^|^\$ | - )salesflow-ops ([a-z][a-z-]*(?: [a-z][a-z-]*)*)", said)
    assert "redrive" in lines
    assert "python -m ops" not in WHAT_THE_PRODUCT_SAYS, "one name for one program"
    for line in lines:
        first, *rest = line.split()
        assert first in known, line
        command: Any = loaded(first)
        for word in rest:
            if not getattr(command, "commands", None):
                break  # what follows are the command's own arguments
            assert word in command.commands, line
            command = command.commands[word]


def test_every_benchmark_and_make_target_exists() -> None:
    for name in re.findall(r"python -m tests\.benchmarks\.(\w+)", EVERY_PAGE):
        folder = ROOT / "tests" / "benchmarks"
        assert (folder / f"{name}.py").exists() or (folder / name / "__main__.py").exists()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"(?:`|^|^\$ )make ([a-z-]+)", EVERY_PAGE, flags=re.MULTILINE)) <= set(targets)


def test_every_status_is_explained() -> None:
    for status in RunStatus:
        if status is not RunStatus.RUNNING:
            assert f"`{status}`" in README


def test_no_page_names_a_parameter_that_has_become_a_setting() -> None:
    once = set(json.loads((ROOT / "tests/integration/ops/parameters-1.0.0.json").read_text())) - set(PARAMETERS)
    pages = {"README": README, **{name: text for name, text in DOCS.items() if name != "upgrade.md"}}
    for name, text in pages.items():
        assert not {word for word in once if re.search(rf"\b{word}\b", text) and re.search("[a-z][A-Z]", word)}, name


def test_every_event_and_function_is_there() -> None:
    for path in re.findall(r"events/[\w-]+\.json", EVERY_PAGE):
        assert (ROOT / path).exists()
    for folder in (ROOT / "functions").iterdir():
        assert f"| `{folder.name}` |" in README


def test_every_link_leads_somewhere() -> None:
    for page, folder in [(README, ROOT), *((text, ROOT / "docs") for text in DOCS.values())]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page):
            assert (folder / target).exists(), target


def test_every_page_is_reached_from_the_readme() -> None:
    assert {f"docs/{name}" for name in DOCS} <= set(re.findall(r"\]\((docs/[^)#]+)\)", README))


def test_the_table_of_roles_names_every_permission_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+Role)` \| ([^|]+) \|", DOCS["security.md"], flags=re.MULTILINE)
    named: dict[str, set[str]] = {}
    for role, actions in rows:
        named.setdefault(role, set()).update(re.findall(r"`([a-z0-9-]+:\w+)`", actions))
    granted = {
        role: {action for statement in statements(role) for action in as_list(statement["Action"])}
        for role in of_type("AWS::IAM::Role")
    }
    assert named == granted


def test_who_deploys_may_make_every_kind_of_resource_and_give_away_every_role() -> None:
    policy = json.loads((ROOT / "docs" / "deployer-policy.json").read_text())["Statement"]
    allowed = {action.partition(":")[0] for statement in policy for action in as_list(statement["Action"])}
    services = {resource["Type"].split("::")[1].lower() for resource in resources().values()}
    assert {"states" if service == "stepfunctions" else service for service in services} <= allowed
    trusts = [role["AssumeRolePolicyDocument"]["Statement"] for role in of_type("AWS::IAM::Role").values()]
    taken_on_by = {one["Principal"]["Service"] for trust in trusts for one in trust if "Service" in one["Principal"]}
    (given,) = (statement for statement in policy if statement["Action"] == "iam:PassRole")
    assert set(given["Condition"]["StringEquals"]["iam:PassedToService"]) == taken_on_by


def test_the_reference_of_the_command_line_is_what_the_program_says() -> None:
    assert DOCS["cli.md"] == reference.page(), "run make docs"


def test_the_reference_of_the_settings_is_what_the_model_says() -> None:
    assert DOCS["settings.md"] == reference.settings_page(), "run make docs"


def test_the_reference_of_the_parameters_is_what_the_template_says() -> None:
    assert DOCS["parameters.md"] == reference.parameters_page(), "run make docs"
