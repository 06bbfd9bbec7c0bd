"""`open`: the library of reports in the browser.

The library page served on this machine: as the last run left it, with links that are signed anew at every click.

Only this machine reaches the server, only who knows the address that was printed gets an answer, and only for what lies below
`reports/`. The files themselves come from S3: a click is sent on to an address that is good for an hour.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer
from botocore.exceptions import BotoCoreError, ClientError

from ops.commands.reports import link
from ops.complaints import Misused, NotFound
from ops.desk import Desk
from ops.groups import Group
from ops.target import Stack
from ops.terminal import Lines
from salesflow.errors import SalesFlowError
from salesflow.library.keeper import INDEX_KEY, ROOT

app = Group("The library of reports in the browser.")

LOOPBACK = "127.0.0.1"
_PAGE = INDEX_KEY.removeprefix(ROOT)


def library_page(stack: Stack) -> bytes:
    """The page as the last run left it. Raises NotFound where no run has made one yet."""
    page = stack.files.read(INDEX_KEY)
    if page is None:
        raise NotFound(
            f"{stack.called} has no library page yet.",
            action="Every run makes it: `salesflow-ops run report`, then open it again.",
        )
    return page.body


@contextmanager
def serving(stack: Stack, *, port: int = 0) -> Iterator[str]:
    """Serve the library while the block runs; its address. port: 0 takes any that is free.

    Raises NotFound where there is no page yet, OSError where the port is taken.
    """
    library_page(stack)
    secret = secrets.token_urlsafe(16)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the page, or send on to a file."""
            parts = unquote(urlsplit(self.path).path).split("/")
            wanted = "/".join(parts[2:])
            if self.headers.get("Host") != here or parts[:1] != [""] or parts[1:2] != [secret]:
                self._say(HTTPStatus.FORBIDDEN, b"This address is not the one that was printed.\n")
            elif ".." in parts or any(not part.isprintable() for part in parts):
                self._say(HTTPStatus.NOT_FOUND, b"There is no such file.\n")
            else:
                self._answer(wanted)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
            """Nothing: clicks are nobody's business."""

        def _answer(self, wanted: str) -> None:
            try:
                if wanted in ("", _PAGE):
                    self._say(HTTPStatus.OK, library_page(stack), "text/html; charset=utf-8")
                    return
                address = link(stack, ROOT + wanted)
            except (ClientError, BotoCoreError, SalesFlowError, NotFound) as error:
                self._say(HTTPStatus.BAD_GATEWAY, f"{error}\n".encode())
                return
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", address)
            self.send_header("Content-Length", "0")
            self._end()

        def _say(self, status: HTTPStatus, body: bytes, media_type: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self._end()
            self.wfile.write(body)

        def _end(self) -> None:
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()

    try:
        listening = ThreadingHTTPServer((LOOPBACK, port), Handler)
    except OSError as error:
        raise Misused(
            f"Port {port} cannot be had: {error.strerror}.", action="Say another --port, or 0 for a free one."
        ) from None
    with listening as server:
        here = f"{LOOPBACK}:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{here}/{secret}/{_PAGE}"
        finally:
            server.shutdown()


@app.command("open", examples=["open", "open --local --no-browser --port 8080"])
def open_page(
    desk: Desk,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open it in the browser too.")] = True,
) -> None:
    """Show all reports in the browser: the library page, served to this machine alone, with fresh links. Ctrl+C ends it."""

    with serving(desk.stack, port=port) as address:
        desk.out.show({"address": address}, Lines([address]))
        desk.out.note("Links in it are good for an hour after the click. Ctrl+C ends it.")
        if browser and desk.out.is_terminal:
            typer.launch(address)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            desk.out.note("Ended.")
