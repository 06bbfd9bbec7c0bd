"""`make` on a machine that lacks something: what it gets by itself, and what it says where it cannot."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("bash", "cp", "echo", "env", "getconf", "grep", "make", "mkdir", "rm", "sh", "test", "touch")
ANY_PYTHON = """#!/bin/sh
# Any Python, pip and uv in one: each environment that it is asked for holds all three; what it was asked stands in the log.
echo "${0##*/} $* (UV_SYSTEM_CERTS=$UV_SYSTEM_CERTS)" >> "$LOG"
case "${0##*/} $*" in
  *"uv venv "*) test "$NETWORK" = yes || { echo "no download found" >&2; exit 2; } ;;
esac
case "$*" in
  *"venv "*) for last; do :; done; mkdir -p "$last/bin"; for one in python pip uv; do cp "$0" "$last/bin/$one"; done ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in a path with a space, of which nothing is installed."""
    place = tmp_path / "my shop"
    place.mkdir()
    for name in ("Makefile", "requirements", "layers", "ops"):
        (place / name).symlink_to(ROOT / name)
    return place


def made(clone: Path, *pythons: str, network: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """What `make` says there when it wants the environment, on a machine with these Pythons alone; and what they were asked."""
    programs, log = clone.parent / "bin", clone.parent / "log"
    programs.mkdir()
    log.touch()
    for name in PROGRAMS:
        (programs / name).symlink_to(str(shutil.which(name)))
    for name in pythons:
        (programs / name).write_text(ANY_PYTHON)
        (programs / name).chmod(0o755)
    environment = {"PATH": str(programs), "HOME": str(clone.parent), "LOG": str(log), "NETWORK": network}
    done = subprocess.run(
        ["make", ".venv/.light"], cwd=clone, env=environment, capture_output=True, text=True, check=False
    )
    return done, log.read_text().splitlines()


def test_where_there_is_no_python_3_13_uv_fetches_one(clone: Path) -> None:
    done, asked = made(clone, "python3", network="yes")
    assert done.returncode == 0, done.stderr
    assert "python3.13 is no Python 3.13 here: uv looks for one, or fetches it for you" in done.stdout
    assert "uv venv --quiet --seed --python 3.13 .venv (UV_SYSTEM_CERTS=1)" in asked
    assert asked[-1].startswith("python -m ops.install_script")


@pytest.mark.parametrize("pythons", [("python3",), ()])
def test_where_none_comes_it_says_what_to_do(clone: Path, pythons: tuple[str, ...]) -> None:
    done, _ = made(clone, *pythons, network="no")
    assert done.returncode != 0
    assert "none came: install Python 3.13, or say make PYTHON=/path/to/python3.13 ..." in done.stdout
    assert not (clone / ".venv").exists(), "the next try begins anew"


def test_where_there_is_one_it_is_taken(clone: Path) -> None:
    done, asked = made(clone, "python3.13", network="no")
    assert done.returncode == 0, done.stderr
    assert any(one.startswith("python3.13 -m venv .venv") for one in asked)


def test_packages_come_through_what_the_machine_trusts(clone: Path) -> None:
    """uv has CAs of its own otherwise, and refuses a proxy whose CA the machine knows."""
    uv = Path(sys.executable).with_name("uv")
    says = subprocess.run([uv, "pip", "install", "--help"], capture_output=True, text=True, check=True).stdout
    assert "env: UV_SYSTEM_CERTS=" in says, "what the Makefile sets is what the locked uv reads"
