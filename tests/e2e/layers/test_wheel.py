"""The project as a wheel (`uvx --from . salesflow-ops demo`): everything that a checkout has for it, fonts and locked versions included."""

import re
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[3]


def test_the_wheel_holds_what_the_demo_needs_and_asks_for_the_locked_packages(tmp_path: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    build = [uv, "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as held:
        names = set(held.namelist())
        (metadata,) = (message_from_bytes(held.read(name)) for name in names if name.endswith(".dist-info/METADATA"))
        (script,) = (held.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    assert "salesflow-ops = ops.app:main" in script
    tracked = subprocess.run(
        ["git", "ls-files", "ops", "local", "functions", "layers/pipeline/salesflow", "template.yaml"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert set(tracked) - names == set()
    assert {"salesflow_fonts/NotoSans-Regular.ttf", "salesflow_fonts/__init__.py"} <= names
    locked = re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements" / "demo.txt").read_text())
    assert sorted(re.split("==", one)[0] for one in metadata.get_all("Requires-Dist", [])) == sorted(locked)
