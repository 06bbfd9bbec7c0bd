"""Make the package `salesflow_fonts`: static fonts, cut from the variable Noto fonts that PyPI carries.

A PDF needs plain TrueType: one weight, no variations. The layout tables go too, because the PDF writer maps characters to glyphs one to one;
so do the glyphs that only they can reach. Every character that a font covers stays.

    python3.13 build_fonts.py TARGET      writes TARGET/salesflow_fonts

The result is kept under .build/fonts by the hash of what it is made from (the locked packages and this file): 25 seconds the first time.
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

LAYOUT_AND_HINTING = ["BASE", "DSIG", "GDEF", "GPOS", "GSUB", "MVAR", "STAT", "VVAR", "gasp", "prep", "vhea", "vmtx"]


@dataclass(frozen=True)
class StaticFont:
    """One file to make: its name, the variable font it is cut from (below a pack's folder), and where on each axis."""

    name: str
    source: str
    axes: dict[str, float] = field(default_factory=dict)


FONTS = (
    StaticFont(
        "NotoSans-Regular",
        "justmytype_western_core/fonts/ofl/notosans/NotoSans[wdth,wght].ttf",
        {"wght": 400, "wdth": 100},
    ),
    StaticFont(
        "NotoSans-Bold",
        "justmytype_western_core/fonts/ofl/notosans/NotoSans[wdth,wght].ttf",
        {"wght": 700, "wdth": 100},
    ),
    StaticFont("NotoSansSC-Regular", "justmytype_intl_cjk/fonts/ofl/notosanssc/NotoSansSC[wght].ttf", {"wght": 400}),
    StaticFont(
        "NotoSansArabic-Regular",
        "justmytype_intl_rtl/fonts/ofl/notosansarabic/NotoSansArabic[wdth,wght].ttf",
        {"wght": 400, "wdth": 100},
    ),
    StaticFont(
        "NotoSansHebrew-Regular",
        "justmytype_intl_rtl/fonts/ofl/notosanshebrew/NotoSansHebrew[wdth,wght].ttf",
        {"wght": 400, "wdth": 100},
    ),
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
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
    ]
    subprocess.run(  # noqa: S603 - a fixed command
        [*pip, "--only-binary", ":all:", "--require-hashes", "--requirement", REQUIREMENTS, "--target", tools],
        check=True,
    )


def _make_all(tools: Path, package: Path) -> None:
    # A fresh interpreter: fontTools is there for this and nothing else, and must not stay in the caller's process.
    environment = {**os.environ, "PYTHONPATH": str(tools)}
    subprocess.run([sys.executable, __file__, "--make", tools, package], check=True, env=environment)  # noqa: S603 - our own file


def _make(tools: Path, package: Path) -> None:
    for font in FONTS:
        source = tools / font.source
        _cut(source, font.axes, package / f"{font.name}.ttf")
        family = font.name.partition("-")[0]
        shutil.copyfile(source.with_name("OFL.txt"), package / f"{family}-OFL.txt")


def _cut(source: Path, axes: dict[str, float], target: Path) -> None:
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    # lazy=False: the instancer walks tables that a lazy font changes while it reads them. No new time stamps: same input, same bytes.
    font = TTFont(source, lazy=False, recalcTimestamp=False)
    options = Options(
        hinting=False,
        glyph_names=False,
        notdef_outline=True,
        layout_features=[],
        name_IDs=["*"],
        recalc_timestamp=False,
    )
    options.drop_tables += LAYOUT_AND_HINTING
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=font.getBestCmap().keys())
    subsetter.subset(font)
    instancer.instantiateVariableFont(
        font, axes, inplace=True, optimize=False, overlap=instancer.OverlapMode.KEEP_AND_SET_FLAGS
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
