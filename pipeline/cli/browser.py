"""Showing a page in the browser of the desktop, without a word of the programs that find it."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click

_FAILS_WITHIN_S = 3.0
# Without one of them xdg-open falls back to browsers for the terminal, whose page nobody would see.
_DESKTOPS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def show_page(page: Path, environ: Mapping[str, str]) -> bool:
    """Open a page in the browser; False where there is none."""
    uri = page.absolute().as_uri()
    if sys.platform == "win32":
        return click.launch(uri) == 0  # the shell of Windows opens it; nothing is printed
    opener = shutil.which(
        "open" if sys.platform == "darwin" else "xdg-open", path=environ.get("PATH")
    )
    if opener is None or (sys.platform != "darwin" and not any(map(environ.get, _DESKTOPS))):
        return False
    nowhere = subprocess.DEVNULL  # what browsers say is not what this command says
    try:
        started = subprocess.Popen(  # noqa: S603 - the opener of the system, with an address of ours
            [opener, uri], stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True,
            env=dict(environ),
        )  # fmt: skip
    except OSError:
        return False
    with suppress(subprocess.TimeoutExpired):
        return started.wait(_FAILS_WITHIN_S) == 0
    return True  # it is the browser itself, and goes on
