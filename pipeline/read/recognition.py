"""How a file of ours is written, told by our own columns in its header.

Whoever corrects it may have saved it in a spreadsheet, which writes the delimiter of the country and
a byte order mark. What stands beside our own names is no guess.
"""

import re
from dataclasses import replace
from pathlib import Path

from pipeline.mapping.plan import Source
from pipeline.read.encodings import marked
from pipeline.read.forms import corrected_form
from pipeline.read.header import OUR_COLUMNS, OUR_RUN, open_source

_BEGIN = 1 << 20  # bytes in which the header must end
_HEADER = re.compile(
    rf"(?P<open>[\"']?){OUR_COLUMNS}\w+(?P=open)(?P<delimiter>[^\w\r\n])(?P<quote>[\"']?){OUR_RUN}\b"
)


def recognise(path: Path, name: str) -> Source | None:
    """Tell how a file is written if it has our column before `_import_run`; None otherwise.

    Without a byte order mark the encoding is one in which ASCII can be read: good for finding our
    own columns, not for the export's.

    Raises:
        SourceUnusable: it cannot be opened.
    """
    with open_source(path, name) as file:
        begin = file.read(_BEGIN)
    encoding = marked(begin) or _by_zeros(begin)
    found = _HEADER.search(begin.decode(encoding, "ignore"))
    if found is None:
        return None
    return Source(
        encoding=encoding, delimiter=found["delimiter"], quote=found["quote"] or '"', trim=False
    )


def adapted(path: Path, source: Source, name: str) -> Source:
    """Give `source` as a file of ours is written now: with its own delimiter and its mark's encoding."""
    found = recognise(path, name)
    if found is None:
        return source
    source = corrected_form(source)
    with open_source(path, name) as file:
        own = marked(file.read(4))
    changed = replace(source, encoding=own or source.encoding, fallbacks=())
    if found.delimiter == source.delimiter:
        return changed
    return replace(changed, delimiter=found.delimiter, quote=found.quote)


def _by_zeros(begin: bytes) -> str:
    """ASCII in units of several bytes has zeros, and tells by their place which way round."""
    zeros = [at for at, byte in enumerate(begin[:4]) if byte == 0]
    wide = {
        (1, 3): "utf-16-le",
        (0, 2): "utf-16-be",
        (1, 2, 3): "utf-32-le",
        (0, 1, 2): "utf-32-be",
    }
    return wide.get(tuple(zeros), "latin-1")
