"""What `sam build` left behind for one architecture, as Lambda would see it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[3]
ARCHITECTURES = ("x86_64", "arm64")
MACHINE = {"x86_64": "EM_X86_64", "arm64": "EM_AARCH64"}


@dataclass(frozen=True)
class BuiltStack:
    """One build; folders are found through the template that it wrote, as `sam deploy` finds them."""

    architecture: str

    @property
    def folder(self) -> Path:
        return ROOT / ".build" / "sam" / self.architecture

    @cached_property
    def template(self) -> dict[str, Any]:
        template = self.folder / "template.yaml"
        assert template.is_file(), f"{template} is missing: run `make layers-check`, which builds it"
        found: dict[str, Any] = yaml_parse(template.read_text(encoding="utf-8"))
        return found

    @property
    def resources(self) -> dict[str, Any]:
        found: dict[str, Any] = self.template["Resources"]
        return found

    def of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        return {name: r["Properties"] for name, r in self.resources.items() if r["Type"] == resource_type}

    @property
    def functions(self) -> dict[str, Path]:
        """Code folder by logical id."""
        return {
            name: self.folder / properties["CodeUri"]
            for name, properties in self.of_type("AWS::Serverless::Function").items()
        }

    @property
    def layers(self) -> dict[str, Path]:
        """Folder by logical id, without the two that guard the architecture."""
        return {
            name: self.folder / properties["ContentUri"]
            for name, properties in self.of_type("AWS::Serverless::LayerVersion").items()
            if not name.startswith("LayersBuiltFor")
        }

    def layers_of(self, function: str) -> dict[str, Path]:
        """The function's layers in the order of the template, by logical id."""
        references = self.of_type("AWS::Serverless::Function")[function]["Layers"]
        return {reference["Ref"]: self.layers[reference["Ref"]] for reference in references}


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in files(folder))
