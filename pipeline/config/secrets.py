"""Secrets: from the environment, a file or a command, and in no message of ours (FAULTS S1)."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pipeline.config.nouns import BadConfig, Origin, place_of

_FILE_MAX = 1 << 16  # bytes
_COMMAND_S = 30  # seconds a command may take


def secret_of_file(path: Path, what: str, origin: Origin) -> tuple[str, str]:
    """Read a secret; also gives the warning that others can read it too, or "".

    Raises:
        BadConfig: it cannot be read; `what` names it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_FILE_MAX).decode("utf-8")
    except (OSError, UnicodeError) as error:
        words = getattr(error, "strerror", None) or "it is not text"
        raise BadConfig(
            f"the {what} file {path} cannot be read: {words}",
            help="check the path and the rights of this user",
            code="C108",
            place=place_of(origin),
        ) from None
    open_to_all = f"the {what} file {path} can be read by other users; chmod 600 closes it"
    return text, open_to_all if mode & 0o077 else ""


def secret_of_command(
    command: tuple[str, ...], what: str, origin: Origin, *, cwd: Path, environ: Mapping[str, str]
) -> str:
    """Give what a command prints.

    Raises:
        BadConfig: it fails; `what` names it. Its words stay out: they may hold what must not be
            shown.
    """
    name = f"{what}_command {command[0]}"
    try:
        done = subprocess.run(  # noqa: S603 - the user's own configuration names it; no shell
            command, capture_output=True, timeout=_COMMAND_S, check=False, cwd=cwd,
            env=dict(environ), text=True,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired, UnicodeError) as error:
        words = getattr(error, "strerror", None) or "it did not end or printed no text"
        raise _command_failed(name, words, what, origin) from None
    if done.returncode != 0:
        raise _command_failed(name, f"exit code {done.returncode}", what, origin)
    return done.stdout


def _command_failed(name: str, words: str, what: str, origin: Origin) -> BadConfig:
    return BadConfig(
        f"{name} failed: {words}",
        help=f"run it by hand; it must print the {what} and nothing else",
        code="C108",
        place=place_of(origin),
    )
