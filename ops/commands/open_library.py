"""`open`: the library of reports in the browser."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from ops.desk import Desk
from ops.groups import Group
from ops.terminal import Lines


def open_page(
    desk: Desk,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open it in the browser too.")] = True,
) -> None:
    """Show all reports in the browser: the library page, served to this machine alone, with fresh links. Ctrl+C ends it."""
    from ops.library import serving

    with serving(desk.stack, port=port) as address:
        desk.out.show({"address": address}, Lines([address]))
        desk.out.note("Links in it are good for an hour after the click. Ctrl+C ends it.")
        if browser and desk.out.is_terminal:
            typer.launch(address)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            desk.out.note("Ended.")


def register(app: Group) -> None:
    """Put the command into the command line."""
    app.command("open", rich_help_panel="Look", examples=["open", "open --local --no-browser --port 8080"])(open_page)
