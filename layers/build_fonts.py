"""Make the package `salesflow_fonts`: static fonts, cut from the Noto fonts that PyPI carries.

A PDF needs plain TrueType: one weight, no variations. Fonts of scripts whose letters join or stand above each other keep their layout
tables, for HarfBuzz; the others lose them, and the glyphs that only they can reach. Every character that a font covers stays, except
where another font of the package has it.

    python3.13 build_fonts.py TARGET      writes TARGET/salesflow_fonts

The result is kept under .build/fonts by the hash of what it is made from (the locked packages and this file): half a minute the first time.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
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
    # A fresh interpreter: fontTools is there for this and nothing else, and must not stay in the caller's process.
    environment = {**os.environ, "PYTHONPATH": str(tools)}
    subprocess.run([sys.executable, __file__, "--make", tools, package], check=True, env=environment)  # noqa: S603 - our own file


def _make(tools: Path, package: Path) -> None:
    with ProcessPoolExecutor() as pool:
        for made in [pool.submit(_make_one, tools, package, font) for font in FONTS]:
            made.result()


def _make_one(tools: Path, package: Path, font: StaticFont) -> None:
    _cut(tools / font.source, font, package / f"{font.name}.ttf")
    (package / f"{font.name.partition('-')[0]}-licence.txt").write_text(_licence(tools, font), encoding="utf-8")


def _licence(tools: Path, font: StaticFont) -> str:
    """The licence beside the font; where a pack brings none, the same licence under the font's own copyright."""
    from fontTools.ttLib import TTFont

    source = tools / font.source
    if (beside := source.with_name(LICENCE)).is_file():
        return beside.read_text(encoding="utf-8")
    names = TTFont(source, lazy=True)["name"]
    if "SIL Open Font License, Version 1.1" not in names.getDebugName(13):
        raise RuntimeError(f"{font.name} is not under the SIL Open Font License: look at its name table")
    text = (tools / FONTS[0].source).with_name(LICENCE).read_text(encoding="utf-8")
    return "\n".join([names.getDebugName(0), *text.splitlines()[1:], ""])


def _cut(source: Path, made: StaticFont, target: Path) -> None:
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    # lazy=False: the instancer walks tables that a lazy font changes while it reads them. No new time stamps: same input, same bytes.
    font = TTFont(source, lazy=False, recalcTimestamp=False)
    options = Options(
        hinting=False,
        glyph_names=False,
        notdef_outline=True,
        name_IDs=["*"],
        recalc_timestamp=False,
    )
    options.drop_tables += NEVER_READ
    if not made.shaped:
        options.drop_tables += LAYOUT
        options.layout_features = []
    subsetter = Subsetter(options)
    covered = font.getBestCmap().keys()
    stay = [code for code in covered if not made.only or any(first <= code <= last for first, last in made.only)]
    subsetter.populate(unicodes=stay)
    subsetter.subset(font)
    if made.axes:
        instancer.instantiateVariableFont(
            font, made.axes, inplace=True, optimize=False, overlap=instancer.OverlapMode.KEEP_AND_SET_FLAGS
        )
    font.save(target)


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
