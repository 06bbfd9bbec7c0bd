"""The README's pictures, from what a demo has made: `make demo`, then `make pictures`.

python -m tests.e2e.browser.pictures [out]      the newest sales report's mail and page, and the library page, into docs/pictures
"""

import io
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import pypdfium2
from PIL import Image
from playwright.sync_api import Browser

from tests.e2e.browser.looking import chromium, opened, running

INTO: Final = Path(__file__).parents[3] / "docs" / "pictures"
MOST_BYTES: Final = 150_000
WIDTH: Final = 640
TALLEST: Final = 1000


def main(out: Path) -> None:
    """Draw the three."""
    mails = [
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted((out / "mails").glob("*.eml"))
    ]
    reports = [
        (part.get_filename(), mail, part.get_payload(decode=True))
        for mail in mails
        for part in mail.walk()
        if part.get_content_type() == "application/pdf" and "sales-daily" in str(part.get_filename())
    ]
    if not reports:
        sys.exit(f"There is no day's sales report in {out / 'mails'}: make demo makes some.")
    INTO.mkdir(exist_ok=True)
    _, mail, pdf = max(reports, key=lambda report: str(report[0]))
    keep("page", pypdfium2.PdfDocument(pdf)[0].render(scale=1.5).to_pil())
    with running(str(chromium())) as browser:
        keep("mail", shot(browser, html_of(mail)))
        keep("library", shot(browser, (out / "reports" / "index.html").read_bytes(), width=960))


def html_of(mail: EmailMessage) -> bytes:
    """The mail as its reader sees it."""
    body = mail.get_body(("html",))
    if body is None:
        sys.exit("The mail has no HTML.")
    return str(body.get_content()).encode()


def shot(browser: Browser, html: bytes, *, width: int = WIDTH) -> Image.Image:
    """The page's upper part."""
    with opened(browser, html, width=width) as seen:
        data = seen.page.screenshot(full_page=True)
    picture = Image.open(io.BytesIO(data))
    return picture.crop((0, 0, picture.width, min(picture.height, TALLEST * picture.width // WIDTH)))


def keep(name: str, picture: Image.Image) -> None:
    """Write it, as small as it must be, in few colours."""
    tall = round(picture.height * WIDTH / picture.width)
    small = (
        picture.convert("RGB")
        .resize((WIDTH, tall), Image.Resampling.LANCZOS)
        .quantize(96, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    path = INTO / f"{name}.png"
    small.save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        sys.exit(f"{path} has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}.")
    sys.stdout.write(f"{path}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
