"""Names in every script on a PDF page: in the right order, with joined letters, and copied out as they were written."""

import io
import unicodedata

import pikepdf
import pypdf
import pypdfium2
import pytest
from bidi import get_display
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from salesflow.bidi import is_right_to_left, stretches
from salesflow.reports.pdf import fonts
from salesflow.reports.pdf.text import broken, draw_text


def page_of(*lines: str, font: str = fonts.REGULAR) -> bytes:
    """A page of those lines."""
    fonts.load_families()
    buffer = io.BytesIO()
    canvas = Canvas(buffer, initialFontName=fonts.REGULAR)
    for n, line in enumerate(lines):
        draw_text(canvas, 50, 800 - 30 * n, line, 12, font)
    canvas.save()
    return buffer.getvalue()


def copied(data: bytes) -> list[str]:
    """What a reader copies out of the page (PDFium, the reader in Chrome)."""
    text: str = pypdfium2.PdfDocument(data)[0].get_textpage().get_text_range()
    return text.splitlines()


@given(
    st.text(
        alphabet="ab \u05d0\u05d1\u05d2\u062f\u062a\u064515\u0663\u0664 ,.:%-+/'\xa5$()[]\u3008\u232a\u0301",
        max_size=20,
    )
)
def test_the_order_is_that_of_the_unicode_algorithm(text: str) -> None:
    drawn = "".join(text[s.start : s.end][:: -1 if s.right_to_left else 1] for s in stretches(text))
    assert drawn == get_display(text, base_dir="R" if is_right_to_left(text) else "L")


@pytest.mark.parametrize(
    "name",
    [
        "\u062a\u0645\u0631 \u0645\u062c\u0647\u0648\u0644 \u0641\u0627\u062e\u0631",  # Arabic
        "\u05d7\u05dc\u05d1 \u05d8\u05e8\u05d9 3%",  # Hebrew
        "Dates \u062a\u0645\u0631 fresh",  # in a Latin line
        "\uae40\uce58 \ub77c\uba74 5\uac1c\uc785",  # Korean
        "\u0939\u093f\u0928\u094d\u0926\u0940 \u0928\u092e\u0915\u0940\u0928",  # Hindi
        "Apple \U0001f34e juice \U0001f9c3 1 l",
        "family \U0001f468\u200d\U0001f469\u200d\U0001f467 pack",
        "\u5317\u4eac\u70e4\u9e2d\u9171\uff08\u5927\u74f6\uff09",
        "Tr\xe0 sen T\xe2y H\u1ed3",
        "\u0e02\u0e49\u0e32\u0e27\u0e2b\u0e2d\u0e21\u0e21\u0e30\u0e25\u0e34",  # Thai
        "\u0b85\u0bb0\u0bbf\u0b9a\u0bbf 5 kg",  # Tamil
        "\u099a\u09be\u09b2",  # Bengali
        "\u0c2c\u0c3f\u0c2f\u0c4d\u0c2f\u0c02",  # Telugu
        "\u1261\u1293 250 g",  # Ethiopic
        "\u0a96\u0abe\u0a82\u0aa1 \u0ab6\u0acd\u0ab0\u0ac0\u0a96\u0a82\u0aa1",  # Gujarati
        "\u0a2a\u0a70\u0a1c\u0a3e\u0a2c\u0a40 \u0a15\u0a41\u0a32\u0a4d\u0a39\u0a3e",  # Gurmukhi
        "\u0c95\u0cbe\u0cab\u0cbf \u0caa\u0cc1\u0ca1\u0cbf \u0c85\u0c95\u0ccd\u0c95\u0cbf",  # Kannada
        "\u0d1a\u0d3e\u0d2f \u0d2a\u0d4d\u0d2a\u0d4a\u0d1f\u0d3f",  # Malayalam
        "\u0b1a\u0b3e\u0b09\u0b33 \u0b38\u0b4d\u0b5f",  # Odia
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3 \u0dad\u0dda",  # Sinhala
        "\u10e7\u10d0\u10d5\u10d0",  # Georgian
        "\u054d\u0578\u0582\u0580\u0573",  # Armenian
        "\u0ec0\u0e82\u0ebb\u0ec9\u0eb2",  # Lao
        "\u17a2\u1784\u17d2\u1780\u179a",  # Khmer
        "\u1011\u1019\u1004\u103a\u1038",  # Burmese
    ],
)
@pytest.mark.parametrize("font", [fonts.REGULAR, fonts.BOLD])
def test_a_name_is_copied_out_as_it_was_written(name: str, font: str) -> None:
    assert copied(page_of(name, font=font)) == [name]


def test_a_right_to_left_line_is_written_in_reading_order() -> None:
    """For programs that read the file as it is written: each word in its turn, numbers among them."""
    name = "\u062d\u0644\u064a\u0628 \u0637\u0627\u0632\u062c 2 \u0644\u062a\u0631"
    text = pypdf.PdfReader(io.BytesIO(page_of(name))).pages[0].extract_text()
    assert text.split() == name.split()


def test_arabic_letters_join() -> None:
    """The same letter twice takes the forms of a beginning and an end, neither of them its own."""
    joined = "".join(run.text for run in fonts.line_of("\u0647\u0647").runs)
    assert len(set(joined)) == 2
    assert "\u0647" not in joined


@pytest.mark.parametrize(
    "conjunct",
    [
        "\u0915\u094d\u0937",  # Devanagari
        "\u0995\u09cd\u09b7",  # Bengali
        "\u0aa6\u0acd\u0ab5",  # Gujarati
        "\u0a2a\u0a4d\u0a30",  # Gurmukhi
        "\u0c95\u0ccd\u0cb7",  # Kannada
        "\u0d15\u0d4d\u0d37",  # Malayalam
        "\u0b15\u0b4d\u0b37",  # Odia
        "\u0dc1\u0dca\u200d\u0dbb",  # Sinhala
        "\u0bb8\u0bcd\u0bb0\u0bc0",  # Tamil
        "\u0c38\u0c4d\u0c24",  # Telugu
    ],
)
def test_consonants_without_a_vowel_between_them_join(conjunct: str) -> None:
    """The sign that takes the vowel away is not seen where its script joins the letters instead."""
    drawn = "".join(run.text for run in fonts.line_of(conjunct).runs)
    assert len(drawn) < len(conjunct)
    assert not [char for char in drawn if unicodedata.combining(char) == 9]


def test_an_emoji_sequence_is_one_picture() -> None:
    (run,) = fonts.line_of("\U0001f468\u200d\U0001f469\u200d\U0001f467").runs
    assert (run.font, len(run.text)) == ("NotoEmoji-Regular", 1)


def test_a_right_to_left_name_reads_from_right_to_left() -> None:
    parts = fonts.line_of("\u05d7\u05dc\u05d1 \u05d8\u05e8\u05d9 3%").runs
    assert parts[0].text == "3%"
    assert {part.font for part in parts} == {fonts.REGULAR, "NotoSansHebrew-Regular"}
    assert "".join(part.text for part in parts[1:]).strip().endswith("\u05d1\u05dc\u05d7")


def test_what_no_font_has_is_named_or_a_visible_box_and_the_rest_stays() -> None:
    line = fonts.line_of("tea \U0001d11e \u1407\u1405 5 \ue000")
    assert line.text == "tea [musical symbol g clef] \u25a1\u25a1 5 \u25a1"
    formulas = fonts.line_of("\U0001d4af\U0001d4ee\U0001d4b6 5 \u07d2\u07de \u1820")
    assert formulas.text == "Tea 5 \u25a1\u25a1 \u25a1"
    for run in (*line.runs, *formulas.runs):
        assert {ord(char) for char in run.text} <= fonts.coverage(run.font)


@given(st.text(max_size=30))
def test_any_text_can_be_drawn(text: str) -> None:
    """Unassigned characters, halves of sequences, marks without a base: the page stays valid."""
    line = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cs"))
    with pikepdf.open(io.BytesIO(page_of(line))) as pdf:
        assert pdf.check_pdf_syntax() == []


@given(st.text(alphabet="ab \u5317\u4eac\u3002\uff0c\u062a\u0645", max_size=60), st.floats(12, 120))
def test_broken_lines_fit_and_lose_nothing_but_spaces(text: str, room: float) -> None:
    lines = broken(text, fonts.REGULAR, 8, room)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(fonts.width(line, fonts.REGULAR, 8) <= room + 0.02 or len(line) < 2 for line in lines)


def test_a_line_does_not_begin_with_what_closes_a_chinese_sentence() -> None:
    lines = broken("\u4eca\u5929\u5356\u51fa\u4e86\u5f88\u591a\u3002" * 4, fonts.REGULAR, 10, 80)
    assert len(lines) > 3
    assert not any(line.startswith("\u3002") for line in lines)
