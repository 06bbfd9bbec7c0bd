"""The fonts of the reports, as plain static TrueType files that a PDF can embed.

`FONT_DIRECTORY` holds Noto Sans, regular and bold (Latin, Greek, Cyrillic, Vietnamese, Devanagari), and the regular face of Noto Sans SC
(Chinese, kana), KR (Hangul alone), of 18 scripts that have a Noto font of their own, of Symbols 2, and Noto Emoji (one colour); and the
licence of each. Made by layers/build_fonts.py.
"""

from pathlib import Path

FONT_DIRECTORY = Path(__file__).parent
