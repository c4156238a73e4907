"""The two streams: the result on stdout, everything else on stderr (CLI §0.3, §5).

All text goes through `Console`: control characters are taken out (FAULTS S6), secrets are hidden
(S1), and characters that the stream cannot write are spelled in ASCII.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from pipeline.cli.exits import name_of
from pipeline.config import Look, environment, system_timezone
from pipeline.mapping.mistakes import MappingRefused
from pipeline.model.stops import StopRun

LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")
_CHUNK = 1 << 15  # characters of a long result that are written together
# C0 and C1 except newline, and what changes the direction of text.
_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ASCII = str.maketrans({
    "━": "-", "╸": "-", "─": "-", "│": "|", "✖": "x", "✓": "ok", "…": "...", "–": "-", "—": "-",
    "→": "->", "•": "*", "×": "x", "’": "'", "‘": "'", "“": '"', "”": '"', "≥": ">=", "≤": "<=",
    "⟨": "<", "⟩": ">", "·": ";", "\u00a0": " ", "\u202f": " ",
})  # fmt: skip
_PAINT = (
    (re.compile(r"^(error(?:\[[A-Z0-9]+\])?:|Error:|FAIL\b)", re.MULTILINE), "1;31"),
    (re.compile(r"^(warning(?:\[[A-Z0-9]+\])?:|warn\b|!)", re.MULTILINE), "33"),
    (re.compile(r"^(ok\b)", re.MULTILINE), "32"),
    (re.compile(r"^(\s*=? ?help:)", re.MULTILINE), "36"),
)


def clean(text: str) -> str:
    r"""Take out what a terminal would obey instead of show.

    >>> clean("a\x1b[31mb\r\nc\x9bd")
    'a[31mb\ncd'
    """
    return _UNSAFE.sub("", text)


def ascii_for(text: str, encoding: str | None) -> str:
    """Spell the characters that a stream cannot write.

    >>> ascii_for("✖ 3 rows …", "cp1252"), ascii_for("✖ ü …", "ascii")
    ('x 3 rows ...', 'x ? ...')
    """
    name = encoding or "ascii"
    try:
        text.encode(name)
    except LookupError:
        name = "ascii"
    except UnicodeEncodeError:
        pass
    else:
        return text
    return text.translate(_ASCII).encode(name, "replace").decode(name)


class Console:
    """Where a command prints. `look` says how; `hide` names texts that must never appear."""

    def __init__(self, look: Look, zone: str | None = None) -> None:
        self.look = look
        self.zone = ZoneInfo(zone or system_timezone(environment()))
        self.run = ""  # whose events these are, once there is one
        self._hidden: list[str] = []

    def hide(self, secret: str) -> None:
        """Print dots instead of this text from now on."""
        if len(secret) >= 4:
            self._hidden.append(secret)

    # -- stdout -----------------------------------------------------------------------------

    def result(self, text: str) -> None:
        """Print the result of the command, in words."""
        self._write(sys.stdout, text if text.endswith("\n") else text + "\n")

    def json_result(self, code: int, fields: Mapping[str, object]) -> None:
        """Print the result of the command as its one JSON object."""
        document = {"exit": {"code": int(code), "name": name_of(code)}, **fields}
        self._write(sys.stdout, json.dumps(document, default=str) + "\n")

    def place(self, name: str, path: Path) -> None:
        """Print where the file is that is the result of the command; `name` is for JSON."""
        if self.look.json:
            self.json_result(0, {name: path})
        else:
            self.result(str(path))

    def parts(self, parts: Iterable[tuple[str, str]]) -> None:
        """Print a long result as it is made: texts, each with its style, "" for none.

        Stops when nobody reads on. Line ends are the caller's.
        """
        painted = self.paints(sys.stdout) and not self.look.json
        encoding = getattr(sys.stdout, "encoding", None)
        held: list[str] = []
        size = 0
        for text, style in parts:
            if painted:
                shown = ascii_for(self.safe(text), encoding)
                held.append(f"\x1b[{style}m{shown}\x1b[0m" if style else shown)
            else:
                held.append(text)
            size += len(text)
            if size > _CHUNK:
                if not self._put(sys.stdout, self._joined(held, encoding, painted=painted)):
                    return
                held, size = [], 0
        self._put(sys.stdout, self._joined(held, encoding, painted=painted))

    def _joined(self, held: list[str], encoding: str | None, *, painted: bool) -> str:
        text = "".join(held)
        return text if painted else ascii_for(self.safe(text), encoding)

    # -- stderr -----------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Print words on stderr."""
        self._write(sys.stderr, text if text.endswith("\n") else text + "\n")

    def shows(self, level: str) -> bool:
        """Whether events of this level are printed."""
        least = 3 if self.look.quiet else 0 if self.look.verbose else 1
        return LEVELS.index(level) >= least

    def log(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Print one event as a line: time, level, words, then key=value."""
        if not self.shows(level):
            return
        if self.run:
            fields = {**fields, "run": self.run}
        if self.look.log_format == "json":
            at = self.now().astimezone(UTC).isoformat(timespec="seconds")
            line = {"time": at, "level": level, "event": event, **fields}
            self.note(json.dumps(line, default=str, ensure_ascii=False))
            return
        at = self.now().isoformat(timespec="seconds")
        self.note(f"{at} {level:<5} {in_words(event, fields)}")

    def warn(self, text: str) -> None:
        """Print a warning: a line of the log, or a plain one for a person."""
        if self.interactive():
            self.note(f"warning: {text}")
        else:
            self.log("WARN", "warning", {"text": text})

    def error(self, stop: StopRun) -> None:
        """Print why the command stopped: sentence, place, one action (CLI §4)."""
        if self.look.log_format == "json":
            self.log("ERROR", "stopped", described(stop))
        elif isinstance(stop, MappingRefused):
            # where the file may be to blame, it says so besides
            more = f"\n\nerror: {stop.message}\n  help: {stop.help}" if stop.help else ""
            self.note(stop.render() + more)
        else:
            code = f"[{stop.code}]" if stop.code else ""
            lines = [f"error{code}: {stop.message}"]
            if stop.place:
                lines.append(f"  --> {stop.place}")
            if stop.help:
                lines.append(f"  help: {stop.help}")
            self.note("\n".join(lines))

    def interactive(self) -> bool:
        """Whether a person looks at stderr, so that bars and prompts make sense (CLI §5)."""
        look = self.look
        plain = look.dumb or look.quiet or look.json or look.log_format == "json"
        return not plain and sys.stderr.isatty()

    def now(self) -> datetime:
        """The present moment in the time zone of the log."""
        return datetime.fromtimestamp(time.time(), self.zone)

    # -- the way out ------------------------------------------------------------------------

    def safe(self, text: str) -> str:
        """Make text printable: no control characters, no secrets."""
        text = clean(text)
        for secret in self._hidden:
            text = text.replace(secret, "•••")
        return text

    def paints(self, stream: TextIO) -> bool:
        """Whether a stream gets colours."""
        if self.look.color == "auto":
            return stream.isatty() and not self.look.dumb
        return self.look.color == "always"

    def _write(self, stream: TextIO, text: str) -> None:
        text = ascii_for(self.safe(text), getattr(stream, "encoding", None))
        if self.paints(stream) and not (stream is sys.stdout and self.look.json):
            for pattern, style in _PAINT:
                text = pattern.sub(f"\x1b[{style}m\\1\x1b[0m", text)
        self._put(stream, text)

    def _put(self, stream: TextIO, text: str) -> bool:
        """Write text that is ready; False when the stream takes no more."""
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            silence(stream)
            return False
        except OSError as error:
            # a log on a full disk must not stop a run that sends; a lost result is told
            silence(stream)
            if stream is sys.stdout:
                self.note(f"error: stdout cannot be written: {error.strerror}")
            return False
        return True


def silence(stream: TextIO) -> None:
    """Send the rest of a stream nowhere: its reader has gone, and that is not an error."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def in_words(event: str, fields: Mapping[str, object]) -> str:
    """Write an event and its fields on one line.

    >>> in_words("done", {"exit": 3, "report": "a b"})
    'done exit=3 report="a b"'
    >>> in_words("waiting", {"text": "rate limited (429)"})
    'rate limited (429)'
    """
    rest = dict(fields)
    words = rest.pop("text", None) or rest.pop("message", None) or event
    pairs = [f"{name}={_plain(value)}" for name, value in rest.items() if value is not None]
    return " ".join([str(words).replace("\n", " "), *pairs])


def _plain(value: object) -> str:
    text = str(value)
    return text if re.fullmatch(r"[^\s=\"]+", text) else json.dumps(text, ensure_ascii=False)


def described(stop: StopRun) -> dict[str, object]:
    """Give an error as JSON carries it."""
    fields: dict[str, object] = {
        "code": stop.code,
        "message": stop.message,
        "place": stop.place,
        "help": stop.help or None,
    }
    if isinstance(stop, MappingRefused):
        fields["mistakes"] = [asdict(mistake) for mistake in stop.mistakes]
    return fields


def crash_file(folder: Path, at: datetime, text: str) -> Path | None:
    """Keep a traceback for the people who mend the program; None when it cannot be kept."""
    path = folder / f"crash-{at:%Y%m%dT%H%M%S}-{os.getpid()}.log"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError:
        return None
    return path
