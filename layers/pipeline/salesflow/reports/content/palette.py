"""The one palette: a blue and an orange that colour-blind readers tell apart and that print well, and greys.

Text colours reach a contrast of 4.5:1 on their background (WCAG AA), in the light and in the dark.
"""

from types import MappingProxyType
from typing import Final

from salesflow.reports.content.charts import Role
from salesflow.reports.content.document import Tone

INK: Final = "#1A1F26"
QUIET: Final = "#57606B"
RULE: Final = "#D5DAE0"
PAPER: Final = "#FFFFFF"
BLUE: Final = "#1B5E9E"
PALE_BLUE: Final = "#A9C4DF"
ORANGE: Final = "#B34700"
PALE_ORANGE: Final = "#FBE5D3"

LIGHT: Final = MappingProxyType(
    {
        Role.STRONG: BLUE,
        Role.ALIKE: "#6E9CCB",
        Role.PALE: PALE_BLUE,
        Role.EXPECTED: "#8A929C",
        Role.USUAL: INK,
        Role.NEGATIVE: ORANGE,
        Role.GRID: "#E6E9ED",
        Role.AXIS: "#8A929C",
        Role.LABEL: QUIET,
        Role.TEXT: INK,
    }
)
DARK: Final = MappingProxyType(
    {
        Role.STRONG: "#6FA8DC",
        Role.ALIKE: "#5B8BBA",
        Role.PALE: "#3D5C7D",
        Role.EXPECTED: "#77808B",
        Role.USUAL: "#E8EBEF",
        Role.NEGATIVE: "#F0924C",
        Role.GRID: "#2B323B",
        Role.AXIS: "#77808B",
        Role.LABEL: "#A9B2BD",
        Role.TEXT: "#E8EBEF",
    }
)
TONES: Final = MappingProxyType({Tone.NEUTRAL: QUIET, Tone.GOOD: BLUE, Tone.BAD: ORANGE})
