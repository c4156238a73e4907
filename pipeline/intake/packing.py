"""Packed files: what is unpacked, within which limits, and what is refused (FAULTS I10).

One level only: a packed file in a packed file is refused. Zip archives are in `archives`.
"""

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.model.stops import SourceUnusable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = [
    "NOT_UNPACKED",
    "PIECE",
    "RATIO_MAX",
    "UNPACKED_MAX",
    "Limits",
    "Packing",
    "expected_content",
    "packing_of",
    "unpacked",
    "unpacked_name",
]

UNPACKED_MAX = 16 << 30  # bytes
# Text exports pack 5 to 50 times smaller; a gzip bomb about 1,000 times, the others far more.
RATIO_MAX = 200
PIECE = 1 << 20  # bytes that are in memory at once
NOT_UNPACKED = (".7z", ".tar", ".tgz", ".tbz2", ".txz", ".rar")

_RATIO_FROM = 8 << 20  # unpacked bytes below which the ratio says nothing yet and harms nobody
# Of what unpacking itself needs: `xz -9` takes 65 MiB, `zstd --long` a window of 128 MiB.
_MEMORY_MAX = 256 << 20
_WINDOW_LOG_MAX = 27


@dataclass(slots=True)
class Limits:
    """How much may come out of a file, and how much has: `packed` and `unpacked` count bytes."""

    unpacked_max: int = UNPACKED_MAX
    ratio_max: int = RATIO_MAX
    packed: int = 0
    unpacked: int = 0

    def check(self, called: str) -> None:
        """Give up as soon as a limit is passed.

        Raises:
            SourceUnusable: it is.
        """
        if self.unpacked > self.unpacked_max:
            raise SourceUnusable(
                f"{called} unpacks to more than {self.unpacked_max} bytes",
                help="ask for smaller files; if the size is right, unpack it first",
            )
        if self.unpacked > _RATIO_FROM and self.unpacked > self.ratio_max * self.packed:
            raise SourceUnusable(
                f"{called} unpacks to more than {self.ratio_max} times its size, which no export does",
                help="ask its sender; if the file is right, unpack it first",
            )


class _Unpacker(Protocol):
    """What the standard library's decompressors have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """One member of a gzip file, with the face of the other decompressors."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def needs_input(self) -> bool:
        return not self._member.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._member.decompress(self._member.unconsumed_tail + data, max_length)


@dataclass(frozen=True, slots=True)
class Packing:
    """A way of packing one file; `padded` where zeros may follow its data."""

    suffix: str
    title: str
    magic: bytes
    unpacker: Callable[[], _Unpacker]
    failure: type[Exception]
    padded: bool = False


_PACKINGS = (
    Packing(".gz", "gzip", b"\x1f\x8b", _Gzip, zlib.error, padded=True),
    Packing(".bz2", "bzip2", b"BZh", bz2.BZ2Decompressor, OSError),
    Packing(
        ".xz", "xz", b"\xfd7zXZ\0",
        lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY_MAX), lzma.LZMAError, padded=True,
    ),
    Packing(
        ".zst", "Zstandard", b"\x28\xb5\x2f\xfd",
        lambda: zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX}
        ), zstd.ZstdError,
    ),
)  # fmt: skip
ZIP = ".zip"
_SUFFIXES = (*(each.suffix for each in _PACKINGS), ZIP)


def packing_of(name: str) -> Packing | None:
    """How a file of this name is packed, if it is; a .zip is no packing of one file."""
    return next((each for each in _PACKINGS if name.lower().endswith(each.suffix)), None)


def unpacked_name(name: str) -> str:
    """Give the name of what is in a packed file.

    >>> unpacked_name("orders.csv.ZST"), unpacked_name("orders.csv"), unpacked_name("in/night.zip")
    ('orders.csv', 'orders.csv', 'in/night')
    """
    suffix = Path(name).suffix
    return name[: -len(suffix)] if suffix.lower() in _SUFFIXES else name


def is_packed(name: str) -> bool:
    """Tell whether a file of this name holds another one, or several."""
    return name.lower().endswith((*_SUFFIXES, *NOT_UNPACKED))


def unpacked(
    pieces: Iterator[bytes], packing: Packing, called: str, limits: Limits
) -> Iterator[bytes]:
    """Unpack data that may consist of several parts one after the other; all of it, or an error.

    Raises:
        SourceUnusable: it is damaged, cut off, or more than the limits allow.
    """
    unpacker: _Unpacker | None = None
    try:
        for piece in pieces:
            limits.packed += len(piece)
            rest = piece
            while rest or (unpacker is not None and not unpacker.needs_input):
                if unpacker is None:
                    rest = rest.lstrip(b"\0") if packing.padded else rest
                    if not rest:
                        break
                    unpacker = packing.unpacker()
                text = unpacker.decompress(rest, PIECE)
                limits.unpacked += len(text)
                limits.check(called)
                yield text
                rest = b""
                if unpacker.eof:
                    rest, unpacker = unpacker.unused_data, None
    except packing.failure as error:
        raise SourceUnusable(
            f"{called} is not readable as {packing.title}: {error}", help="ask for the file again"
        ) from error
    if unpacker is not None or not limits.packed:
        raise SourceUnusable(
            f"{called} is cut off: its {packing.title} data has no end",
            help="ask for the file again",
        )


# -- what a file is that should be text ------------------------------------------------------------

_OTHERS = (
    (b"PK\x03\x04", "a zip archive or a workbook"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"%PDF-", "a PDF document"),
)
_BZIP2_BLOCK = b"1AY&SY"  # follows "BZh9", which alone could begin a header
_HTML = (b"<!doctype html", b"<html")
_LOOKED_AT = 512  # bytes


def expected_content(pieces: Iterator[bytes], called: str, *, was_packed: bool) -> Iterator[bytes]:
    """Let a file through unless its first bytes say that it is something else than an export.

    Raises:
        SourceUnusable: it is packed under a name that does not say so, packed twice, or a web page.
    """
    first = next(pieces, b"")
    what = _other_kind(first[:_LOOKED_AT])
    if what is not None:
        inside = "in it is" if was_packed else "is"
        raise SourceUnusable(
            f"{called}: {inside} {what}, not an export"
            if was_packed
            else f"{called} is {what}, not an export",
            help="only one level is unpacked: send the export itself, packed once at most"
            if was_packed
            else _instead(what),
        )
    if first:
        yield first
    yield from pieces


def _instead(what: str) -> str:
    if what == "a web page":
        return "a server has sent a page instead of the file, often a login or an error: fetch it again"
    return "name it by what it is (such as .csv.gz or .zip), or unpack it first"


def _other_kind(first: bytes) -> str | None:
    for packing in _PACKINGS:
        if first.startswith(packing.magic) and (
            packing.suffix != ".bz2" or first[4:10] == _BZIP2_BLOCK
        ):
            return f"packed with {packing.title}"
    for magic, what in _OTHERS:
        if first.startswith(magic):
            return what
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    # an XML declaration or a comment may stand before it
    page = start.startswith(b"<") and any(tag in start for tag in _HTML)
    return "a web page" if page else None
