"""Make the package `salesflow_fonts`: static fonts, cut from the Noto fonts that PyPI carries.

A PDF needs plain TrueType: one weight, no variations. Fonts of scripts whose letters join or stand above each other keep their layout
tables, for HarfBuzz; the others lose them, and the glyphs that only they can reach. Every character that a font covers stays, except
where another font of the package has it.

    python3.13 build_fonts.py TARGET      writes TARGET/salesflow_fonts

HarfBuzz cuts them, in a second. The result is kept under .build/fonts by the hash of what it is made from (the locked packages and this file).
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

LAYERS = Path(__file__).resolve().parent
REQUIREMENTS = LAYERS / "report" / "fonts.txt"
PACKAGE = LAYERS / "report" / "salesflow_fonts"
CACHE = LAYERS.parent / ".build" / "fonts"

PIP = (
    *(sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile", "--no-deps"),
    *("--require-hashes", "--only-binary", ":all:"),
)
"""Installs exactly what a lock names, from wheels."""

LAYOUT = ["GDEF", "GPOS", "GSUB"]
NEVER_READ = ["BASE", "DSIG", "FFTM", "MVAR", "STAT", "VVAR", "gasp", "meta", "prep", "vhea", "vmtx"]
NAMES = range(26)
"""All that OpenType knows; what comes after them names axes and alternative letters."""
LICENCE = "OFL.txt"
HANGUL = ((0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97C), (0xAC00, 0xD7A3), (0xD7B0, 0xD7FB))


@dataclass(frozen=True)
class StaticFont:
    """One file to make: its name, the font it is cut from (below a pack's folder), and where on each axis.

    shaped: whether its layout tables stay. only: the ranges of characters that stay, all where there is none.
    """

    name: str
    source: str
    axes: dict[str, float] = field(default_factory=dict)
    shaped: bool = False
    only: tuple[tuple[int, int], ...] = ()


WESTERN = "justmytype_western_core/fonts/ofl"
EAST_ASIAN = "justmytype_intl_cjk/fonts/ofl"
ALL_OTHERS = "manimgx_fonts"
REGULAR = {"wght": 400.0}
UPRIGHT = REGULAR | {"wdth": 100.0}

FONTS = (
    StaticFont("NotoSans-Regular", f"{WESTERN}/notosans/NotoSans[wdth,wght].ttf", UPRIGHT, shaped=True),
    StaticFont("NotoSans-Bold", f"{WESTERN}/notosans/NotoSans[wdth,wght].ttf", UPRIGHT | {"wght": 700}, shaped=True),
    StaticFont("NotoSansSC-Regular", f"{EAST_ASIAN}/notosanssc/NotoSansSC[wght].ttf", REGULAR),
    StaticFont("NotoSansKR-Regular", f"{EAST_ASIAN}/notosanskr/NotoSansKR[wght].ttf", REGULAR, only=HANGUL),
    *(
        StaticFont(f"Noto{font}-Regular", f"{ALL_OTHERS}/Noto{font}[wght].ttf", REGULAR, shaped=True)
        for font in (
            *("SansArabic", "SansArmenian", "SansBengali", "SansEthiopic", "SansGeorgian", "SansGujarati"),
            *("SansGurmukhi", "SansHebrew", "SansKannada", "SansKhmer", "SansLao", "SansMalayalam", "SansMyanmar"),
            *("SansOriya", "SansSinhala", "SansTamil", "SansTelugu", "SansThai", "Emoji"),
        )
    ),
    StaticFont("NotoSansSymbols2-Regular", f"{WESTERN}/notosanssymbols2/NotoSansSymbols2-Regular.ttf"),
)


def build_fonts(target: Path) -> Path:
    """Write `salesflow_fonts` below `target` (replacing what is there) and return its path.

    Two builds at once do not disturb each other: each works in its own folder and moves the result into place.
    """
    made = CACHE / _fingerprint()
    if not made.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="making-") as workplace:
            tools, package = Path(workplace) / "tools", Path(workplace) / "salesflow_fonts"
            _install(tools)
            shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
            _make_all(tools, package)
            try:
                package.rename(made)
            except OSError:  # another build was first; its result is the same
                if not made.is_dir():
                    raise
    destination = target / "salesflow_fonts"
    shutil.rmtree(destination, ignore_errors=True)
    return Path(shutil.copytree(made, destination))


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in (REQUIREMENTS, Path(__file__), *sorted(PACKAGE.glob("*.*"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _install(tools: Path) -> None:
    subprocess.run([*PIP, "--requirement", REQUIREMENTS, "--target", tools], check=True)  # noqa: S603 - a fixed command


def _make_all(tools: Path, package: Path) -> None:
    # A fresh interpreter: HarfBuzz of the lock, whatever the caller's process has loaded.
    environment = {**os.environ, "PYTHONPATH": str(tools)}
    subprocess.run([sys.executable, __file__, "--make", tools, package], check=True, env=environment)  # noqa: S603 - our own file


def _make(tools: Path, package: Path) -> None:
    for font in FONTS:
        (package / f"{font.name}.ttf").write_bytes(_cut(tools / font.source, font))
        (package / f"{font.name.partition('-')[0]}-licence.txt").write_text(_licence(tools, font), encoding="utf-8")


def _licence(tools: Path, font: StaticFont) -> str:
    """The licence beside the font; where a pack brings none, the same licence under the font's own copyright."""
    import uharfbuzz as hb

    source = tools / font.source
    if (beside := source.with_name(LICENCE)).is_file():
        return beside.read_text(encoding="utf-8")
    face = hb.Face(hb.Blob.from_file_path(source))
    if "SIL Open Font License, Version 1.1" not in (face.get_name(hb.OTNameIdPredefined.LICENSE) or ""):
        raise RuntimeError(f"{font.name} is not under the SIL Open Font License: look at its name table")
    text = (tools / FONTS[0].source).with_name(LICENCE).read_text(encoding="utf-8")
    return "\n".join([face.get_name(hb.OTNameIdPredefined.COPYRIGHT) or "", *text.splitlines()[1:], ""])


def _cut(source: Path, made: StaticFont) -> bytes:
    """The bytes of the static font. Raises RuntimeError where the source has not the axes that are asked for."""
    import uharfbuzz as hb

    face = hb.Face(hb.Blob.from_file_path(source))
    cut = hb.SubsetInput()
    cut.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE
    cut.name_id_set.update(NAMES)
    cut.drop_table_tag_set.update(_tag(name) for name in (*NEVER_READ, *(() if made.shaped else LAYOUT)))
    cut.unicode_set.update(
        code for code in face.unicodes if not made.only or any(first <= code <= last for first, last in made.only)
    )
    for axis, value in made.axes.items():
        if not cut.pin_axis_location(face, axis, value):
            raise RuntimeError(f"{made.name} is cut from a font without the axis {axis}: {source.name}")
    if made.axes:  # strokes that vary lie over each other
        cut.flags |= hb.SubsetFlags.SET_OVERLAPS_FLAG
    data: bytes = cut.subset(face).blob.data
    return data


def _tag(name: str) -> int:
    """The tag of a table, as HarfBuzz counts it."""
    return int.from_bytes(name.ljust(4).encode(), "big")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--make", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("target", nargs="?", type=Path, help="folder to write salesflow_fonts into")
    arguments = parser.parse_args()
    if arguments.make:
        _make(*arguments.make)
    elif arguments.target:
        print(build_fonts(arguments.target))
    else:
        parser.error("name a target folder")


if __name__ == "__main__":
    main()
