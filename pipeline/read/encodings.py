"""Which encoding a file is read in: its byte order mark's, else the declared one, else a declared fallback.

Nothing is guessed. A fallback counts only where the whole file is not in the declared encoding and the
whole file is in the fallback. A file in UTF-8 with some broken bytes would pass as almost any other
encoding, with all its accents changed; so where more characters are sound than broken, it stays UTF-8,
and the rows with broken bytes are findings (R102).
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.mapping.plan import Source
from pipeline.read.decoding import text_encoding
from pipeline.read.header import open_source

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARK_SIZE = 4
_PIECE = 1 << 20
_BROKEN = re.compile("[\udc80-\udcff]")


def marked(begin: bytes) -> str | None:
    """The encoding that the first bytes of a file name by a byte order mark."""
    return next((encoding for mark, encoding in MARKS if begin.startswith(mark)), None)


def settled(path: Path, source: Source, name: str) -> Source:
    """Give `source` with the one encoding in which the file is to be read.

    Raises:
        SourceUnusable: the file cannot be opened, or an encoding is unknown.
    """
    with open_source(path, name) as file:
        begin = file.read(_MARK_SIZE)
    for each in (source.encoding, *source.fallbacks):
        text_encoding(each)
    found = marked(begin)
    if found is not None:
        own = next(mark for mark, _ in MARKS if begin.startswith(mark))
        if _strictly(own, source.encoding) in ("", "\ufeff"):
            found = source.encoding  # it says the same in its own words
        return replace(source, encoding=found, fallbacks=())
    if not source.fallbacks or _is_in(path, source.encoding, name):
        return replace(source, fallbacks=()) if source.fallbacks else source
    chosen = source.encoding
    if codecs.lookup(chosen).name != "utf-8" or not _rather_utf8(path, name):
        chosen = next((each for each in source.fallbacks if _is_in(path, each, name)), chosen)
    return replace(source, encoding=chosen, fallbacks=())


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _pieces(path: Path, name: str) -> Iterator[bytes]:
    with open_source(path, name) as file:
        while piece := file.read(_PIECE):
            yield piece


def _is_in(path: Path, encoding: str, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in _pieces(path, name):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _rather_utf8(path: Path, name: str) -> bool:
    """Whether a file that is not wholly in UTF-8 has more characters of it than broken bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    sound = broken = 0
    for piece in _pieces(path, name):
        text = decoder.decode(piece)
        bad = len(_BROKEN.findall(text))
        broken += bad
        sound += len(text) - len(text.encode("ascii", "ignore")) - bad
    return sound > broken
