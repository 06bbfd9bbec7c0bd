"""Is what was built what the locks name, for the right processor, and compiled so that Lambda uses it?"""

import importlib.util
import marshal
import re
import shutil
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from build_layer import Recipe, build_layer
from tests.e2e.layers.built_stack import MACHINE, ROOT, BuiltStack, files

UNCHECKED_HASH = 0b01
"""The flags of a .pyc that is taken as it is, whatever its source's time (PEP 552)."""

GIVEN_BY_THE_RUNTIME = re.compile(
    r"(ld-linux-(x86-64|aarch64)|libc|libdl|libgcc_s|libm|libpthread|librt|libstdc\+\+|libutil|libz)\.so\.\d+"
)
"""Of the libraries that manylinux wheels may expect (PEP 600), those that Amazon Linux 2023 brings."""


@pytest.fixture
def python_folders(built: BuiltStack) -> dict[str, Path]:
    return {name: folder / "python" for name, folder in built.layers.items()}


def test_every_module_has_bytecode_that_lambda_takes_as_it_is(python_folders: dict[str, Path]) -> None:
    for layer, python in python_folders.items():
        sources = [path for path in files(python) if path.suffix == ".py"]
        assert sources, layer
        for source in sources:
            compiled = Path(importlib.util.cache_from_source(str(source)))
            assert compiled.is_file(), f"{layer}: {source} is not compiled"
            head = compiled.read_bytes()[:16]
            assert head[:4] == importlib.util.MAGIC_NUMBER, compiled
            assert int.from_bytes(head[4:8], "little") == UNCHECKED_HASH, (
                f"{compiled} would be checked against its source"
            )
            assert head[8:] == importlib.util.source_hash(source.read_bytes()), f"{compiled} is of another source"


def test_every_bytecode_file_has_its_source(python_folders: dict[str, Path]) -> None:
    for python in python_folders.values():
        for compiled in files(python):
            if compiled.suffix == ".pyc":
                assert Path(importlib.util.source_from_cache(str(compiled))).is_file(), compiled


def test_tracebacks_name_files_as_lambda_has_them(python_folders: dict[str, Path]) -> None:
    python = python_folders["PipelineLayer"]
    for source in python.rglob("*.py"):
        code = marshal.loads(Path(importlib.util.cache_from_source(str(source))).read_bytes()[16:])
        assert code.co_filename == f"/opt/python/{source.relative_to(python)}"


def test_layers_hold_exactly_the_locked_versions(python_folders: dict[str, Path]) -> None:
    for layer, python in python_folders.items():
        locked = _locked(ROOT / "layers" / layer.removesuffix("Layer").lower() / "requirements.txt")
        built = {_normal(d.metadata["Name"]): d.version for d in Distribution.discover(path=[str(python)])}
        assert built == locked, layer


def test_nothing_is_in_two_layers(python_folders: dict[str, Path]) -> None:
    owners: dict[str, str] = {}
    for layer, python in python_folders.items():
        # Lambda unpacks the layers over each other: a folder of bytecode of single modules may be in several, its files may not.
        for path in (*python.glob("__pycache__/*"), *(path for path in python.iterdir() if path.name != "__pycache__")):
            assert path.name not in owners, f"{path.name} is in {owners.get(path.name)} and in {layer}"
            owners[path.name] = layer


def test_every_library_is_for_the_architecture_and_finds_what_it_needs(built: BuiltStack) -> None:
    for function in built.functions:
        libraries = [
            path
            for folder in built.layers_of(function).values()
            for path in files(folder)
            if path.suffix == ".so" or ".so." in path.name
        ]
        assert libraries, function
        present = {path.name for path in libraries}
        for path in libraries:
            with path.open("rb") as file:
                elf = ELFFile(file)
                assert elf["e_machine"] == MACHINE[built.architecture], path
                needed = {
                    tag.needed  # type: ignore[attr-defined]  # of a DT_NEEDED tag
                    for segment in elf.iter_segments("PT_DYNAMIC")
                    if isinstance(segment, DynamicSegment)
                    for tag in segment.iter_tags("DT_NEEDED")
                }
            missing = {name for name in needed - present if not GIVEN_BY_THE_RUNTIME.fullmatch(name)}
            assert not missing, f"{path.name} needs {missing}"


def test_every_segment_of_a_library_can_be_mapped(python_folders: dict[str, Path]) -> None:
    """What `strip` breaks in some libraries: a segment cut short, or no longer aligned with its place in memory."""
    for python in python_folders.values():
        for path in files(python):
            if path.suffix != ".so" and ".so." not in path.name:
                continue
            with path.open("rb") as file:
                for segment in ELFFile(file).iter_segments("PT_LOAD"):
                    assert segment["p_offset"] % segment["p_align"] == segment["p_vaddr"] % segment["p_align"], path
                    assert segment["p_offset"] + segment["p_filesz"] <= path.stat().st_size, path


def test_lambda_s_user_may_read_everything(built: BuiltStack) -> None:
    for folder in built.layers.values():
        for path in folder.rglob("*"):
            assert path.stat().st_mode & 0o004, path


def test_each_font_comes_with_its_licence(python_folders: dict[str, Path]) -> None:
    fonts = python_folders["ReportLayer"] / "salesflow_fonts"
    names = {path.stem for path in fonts.glob("*.ttf")}
    assert {"NotoSans-Regular", "NotoSans-Bold", "NotoSansSC-Regular"} <= names
    for name in names:
        licence = (fonts / f"{name.partition(chr(45))[0]}-licence.txt").read_text(encoding="utf-8")
        assert "SIL OPEN FONT LICENSE" in licence or "Bitstream Vera" in licence


def test_the_other_architecture_s_guard_is_empty(built: BuiltStack) -> None:
    """An empty layer is what Lambda refuses: so a stack for the other architecture is not made from this build."""
    guards = {"x86_64": "LayersBuiltForX86", "arm64": "LayersBuiltForArm64"}
    filled = {name for name in guards.values() if files(built.folder / name)}
    assert filled == {guards[built.architecture]}
    assert all((built.folder / name).is_dir() for name in guards.values())


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    recipe = Recipe.read(ROOT / "layers" / "pipeline")
    for name in ("first", "second"):
        copy = tmp_path / f"clone-{name}"
        shutil.copytree(recipe.folder, copy)
        build_layer(Recipe.read(copy), "x86_64", tmp_path / name)
    first, second = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in files(tmp_path / n)} for n in ("first", "second")
    )
    assert first == second
    assert len({path.stat().st_mtime for path in files(tmp_path / "first")}) == 1


def _locked(requirements: Path) -> dict[str, str]:
    if not requirements.is_file():
        return {}
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    assert pins
    return {_normal(name): version for name, version in pins}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
