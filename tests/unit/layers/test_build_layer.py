"""What the layer build refuses, and what it leaves out."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from build_layer import LayerNotBuilt, Recipe, build_layer

LAYERS = Path(__file__).parents[3] / "layers"
X86_64, AARCH64 = 62, 183


def library(machine: int, *, symbols: bytes = b"symbols") -> bytes:
    """A library of one segment, which is the whole file but `symbols`."""
    length = 64 + 56 + 8
    header = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, length, 0, 64, 56, 1, 64, 1, 0)
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, length, length, 4096)
    return header + segment + b"contents" + symbols


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A layer with one package of our own."""
    package = tmp_path / "layer" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("till = 1\n")
    return tmp_path / "layer"


def build(layer: Path, tmp_path: Path, *, recipe: str = 'packages = ["shop"]', architecture: str = "x86_64") -> Path:
    (layer / "layer.toml").write_text(recipe)
    build_layer(Recipe.read(layer), architecture, tmp_path / "built")
    return tmp_path / "built" / "python"


def test_a_layer_replaces_what_was_built_before(layer: Path, tmp_path: Path) -> None:
    old = tmp_path / "built" / "python" / "gone.py"
    old.parent.mkdir(parents=True)
    old.touch()
    python = build(layer, tmp_path)
    assert not old.exists()
    assert (python / "shop" / "__init__.py").is_file()


@pytest.mark.parametrize(("machine", "architecture"), [(X86_64, "arm64"), (AARCH64, "x86_64")])
def test_a_library_for_the_other_architecture_is_refused(
    layer: Path, tmp_path: Path, machine: int, architecture: str
) -> None:
    (layer / "shop" / "fast.so").write_bytes(library(machine))
    with pytest.raises(LayerNotBuilt, match=rf"shop/fast\.so is not a library for {architecture}"):
        build(layer, tmp_path, architecture=architecture)


def test_symbols_behind_the_last_segment_go_and_nothing_else(layer: Path, tmp_path: Path) -> None:
    (layer / "shop" / "fast.so").write_bytes(library(X86_64))
    cut = (build(layer, tmp_path) / "shop" / "fast.so").read_bytes()
    assert cut.endswith(b"contents")
    assert struct.unpack_from("<Q", cut, 40) == (0,), "no section headers are left to point at"
    assert struct.unpack_from("<HH", cut, 60) == (0, 0)
    whole = library(X86_64)
    assert (cut[:40], cut[48:60], cut[64:]) == (whole[:40], whole[48:60], whole[64 : len(cut)])


def test_what_a_recipe_leaves_out_must_be_there(layer: Path, tmp_path: Path) -> None:
    """Else a rule outlives the package that it was written for, and the layer grows unseen."""
    with pytest.raises(LayerNotBuilt, match=r"nothing fits shop/samples/\*\*: did the packages change\?"):
        build(layer, tmp_path, recipe='packages = ["shop"]\ndrop = ["shop/samples/**"]')


def test_a_misspelt_recipe_is_refused(layer: Path, tmp_path: Path) -> None:
    with pytest.raises(LayerNotBuilt, match="unknown dorp"):
        build(layer, tmp_path, recipe='dorp = ["shop/samples/**"]')


def test_sources_that_do_not_compile_are_refused(layer: Path, tmp_path: Path) -> None:
    (layer / "shop" / "till.py").write_text("def open(:\n")
    with pytest.raises(LayerNotBuilt, match="do not compile"):
        build(layer, tmp_path)


@pytest.mark.parametrize(("architecture", "guard"), [("x86_64", "LayersBuiltForX86"), ("arm64", "LayersBuiltForArm64")])
def test_make_builds_a_layer_as_sam_asks_for_it_in_a_folder_with_spaces(
    architecture: str, guard: str, layer: Path, tmp_path: Path
) -> None:
    """`sam build` calls make in a copy of the layer's folder, and says where the Makefile is and where the result goes."""
    place, built = tmp_path / "my shop  here" / "layers", tmp_path / "the result"
    shutil.copytree(layer, place / "pipeline")
    (place / "pipeline" / "layer.toml").write_text('packages = ["shop"]')
    for name in ("build_layer.py", "build_fonts.py", "layers.mk", f"{architecture}/Makefile"):
        (place / name).parent.mkdir(exist_ok=True)
        shutil.copy(LAYERS / name, place / name)
    built.mkdir()
    makefile = str(place / architecture / "Makefile")
    make = ["make", "--makefile", makefile, f"PYTHON={sys.executable}", f"ARTIFACTS_DIR={built}"]
    subprocess.run([*make, "build-PipelineLayer", f"build-{guard}"], cwd=layer, check=True, capture_output=True)
    assert (built / "python" / "shop" / "__init__.py").is_file()
    assert (built / "architecture").read_text() == f"{architecture}\n"
