"""The fonts of the reports, as plain static TrueType files that a PDF can embed.

`FONT_DIRECTORY` holds NotoSans-Regular.ttf and NotoSans-Bold.ttf (Latin, Greek, Cyrillic, Vietnamese, Devanagari), NotoSansSC-Regular.ttf
(Chinese, kana), NotoSansArabic-Regular.ttf, NotoSansHebrew-Regular.ttf, and the licence of each. Made by layers/build_fonts.py.
"""

from pathlib import Path

FONT_DIRECTORY = Path(__file__).parent
