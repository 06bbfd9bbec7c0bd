"""A shop's colour and logo on its pages, and which files are a logo."""

import base64
import io
import zlib
from dataclasses import replace

import pikepdf
import pytest
from PIL import Image
from pydantic import ValidationError

from salesflow.analytics.results import Brand
from salesflow.formats import Format
from salesflow.reports import render
from salesflow.settings import ShopSettings
from tests.unit.reports.samples import mail_of
from tests.unit.reports.whole import whole_content

COLOR = "#7A1FA2"


def logo(width: int = 240, height: int = 80, mode: str = "RGBA") -> str:
    """A PNG as Pillow writes it, in base64."""
    body = io.BytesIO()
    Image.new(mode, (width, height), 1 if mode == "P" else None).save(body, "PNG")
    return base64.b64encode(body.getvalue()).decode()


def page_of(content: Brand, fmt: Format) -> bytes:
    return render(replace(whole_content(), brand=content), fmt)


def judged(value: str) -> str:
    try:
        ShopSettings.model_validate({"logo": value})
    except ValidationError as error:
        return next((one["msg"] for one in error.errors() if one["loc"] == ("logo",)), "")
    return ""


def test_the_page_on_paper_has_the_logo_and_the_colour() -> None:
    with pikepdf.open(io.BytesIO(page_of(Brand(COLOR, logo()), Format.PDF))) as pdf:
        page = pdf.pages[0]
        (image,) = page.get_images().values()
        assert (int(image.Width), int(image.Height)) == (240, 80)
        drawn = page.Contents.read_bytes().decode("latin-1")
        assert ".478431 .121569 .635294 RG" in drawn
        assert len(pdf.pages) == 1
    assert page_of(Brand(COLOR, logo()), Format.PDF) == page_of(Brand(COLOR, logo()), Format.PDF)
    with pikepdf.open(io.BytesIO(page_of(Brand(), Format.PDF))) as pdf:
        assert not pdf.pages[0].get_images()


def test_the_page_on_a_screen_and_the_mail_have_them() -> None:
    page = page_of(Brand(COLOR, logo()), Format.HTML).decode()
    assert f'<img class="logo" alt="" src="data:image/png;base64,{logo()}">' in page
    assert f'fill="{COLOR}"' in page
    assert COLOR not in page_of(Brand(), Format.HTML).decode()
    assert f'bgcolor="{COLOR}"' in mail_of(replace(whole_content(), brand=Brand(COLOR, logo()))).html
    assert page_of(Brand(COLOR, logo()), Format.JSON) == page_of(Brand(), Format.JSON)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_a_logo(mode: str) -> None:
    assert judged(logo(mode=mode)) == ""
    assert page_of(Brand(logo=logo(mode=mode)), Format.PDF)


def broken(at: int, *, length: int | None = None) -> str:
    body = bytearray(base64.b64decode(logo()))
    body[at] ^= 0xFF
    return base64.b64encode(bytes(body[:length])).decode()


def huge() -> str:
    """A few bytes that would become a gigabyte of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)

    head = (800).to_bytes(4) + (300).to_bytes(4) + bytes([16, 6, 0, 0, 0])
    pixels = zlib.compress(bytes(20_000_000))
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return base64.b64encode(body).decode()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no base64!", "no whole PNG"),
        (base64.b64encode(b"GIF89a").decode(), "no whole PNG"),
        (logo()[:-16], "no whole PNG"),
        (broken(20), "no whole PNG"),
        (broken(60), "no whole PNG"),
        (huge(), "no whole PNG"),
        (logo(801, 10), "801 x 10 pixels; at most 800 x 300"),
        (logo(10, 301), "10 x 301 pixels"),
        ("A" * 43_700, "at most 43692"),
    ],
)
def test_what_no_page_could_show_is_no_logo(value: str, said: str) -> None:
    assert said in judged(value)
