"""The project as a wheel, so that `uvx --from . salesflow-ops demo` and `uv tool install .` work: hatchling's hooks (pyproject.toml).

The programs find the template, the functions and the layers beside their own packages, as in a checkout; the wheel holds them so. It asks
for the locked versions of requirements/demo.txt and brings the reports' fonts (layers/build_fonts.py).
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).resolve().parents[1]
LOCKED = re.compile(r"^([\w.-]+==[^\s;\\]+(?:\s*;[^\\]+)?)", re.MULTILINE)


class Locked(MetadataHookInterface):
    """Dependencies: what requirements/demo.txt locks."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Write the dependencies."""
        text = (ROOT / "requirements" / "demo.txt").read_text(encoding="utf-8")
        metadata["dependencies"] = [found.strip() for found in LOCKED.findall(text)]


class Fonts(BuildHookInterface[Any]):
    """The package `salesflow_fonts`, with its fonts."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the fonts and put them in. An editable install takes none: it has no place for them."""
        if version == "editable":
            return
        sys.path.insert(0, str(ROOT / "layers"))
        from build_fonts import build_fonts

        self._folder = tempfile.TemporaryDirectory()
        build_data["force_include"][str(build_fonts(Path(self._folder.name)))] = "salesflow_fonts"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Take the folder away."""
        del version, build_data, artifact_path
        self._folder.cleanup()
