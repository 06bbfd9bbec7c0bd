"""A service outside of AWS that expects a sign of life, on this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.stand_ins.certificates import certificate, of_server


@dataclass
class Outside:
    """A service that expects to be asked: which paths were, and what it answers."""

    url: str
    asked: list[str] = field(default_factory=list)
    status: int = 200


@contextmanager
def listening(folder: Path) -> Iterator[tuple[Outside, Path]]:
    """Such a service until the block ends, and the certificate that vouches for it."""
    pem = certificate(folder)
    found = Outside("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(found.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = of_server(pem).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    found.url = f"https://127.0.0.1:{server.server_port}/ping/of-this-shop"
    yield found, pem
    server.shutdown()
    server.server_close()
