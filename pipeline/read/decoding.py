"""Any declared text encoding to UTF-8, piece by piece, with undecodable bytes marked and none lost.

A byte that the encoding does not have becomes the surrogate U+DC00 + byte, written in UTF-8's own
pattern: two bytes ED A0..BF that no valid text of any encoding can lead to. So the mark cannot be
mistaken for text, and an honest U+FFFD in the file is not mistaken for a mark.
"""

import codecs
import re
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Self

import polars as pl

from pipeline.model.stops import SourceUnusable

# A surrogate in UTF-8's pattern: the first two of its three bytes.
MARK = re.compile(rb"\xed[\xa0-\xbf]")
MARKED_CHARACTER = re.compile("[\ud800-\udfff]")

_MARK_LOW, _MARK_HIGH = 0xDC00, 0xDCFF
REPLACED = "\ufffd"  # what programs show in place of a byte that they cannot read
KEEP_BYTES = "pipeline.read.keep_bytes"
PUT_BACK = "pipeline.read.put_back"
_BOM = "\ufeff"
_NEXT_LINE = "\x85"  # in EBCDIC the usual line end, 0x15; 0x25 is Python's "\n"
# The first byte of a character of two, three and four bytes, and the lowest of those that follow.
_LEADS, _LEADS_THREE, _LEADS_FOUR, _FOLLOWS = 0xC0, 0xE0, 0xF0, 0x80
_PIECE = 1 << 18  # bytes decoded at a time: what stays in the processor's cache

# Python calls these text encodings too, but they write names or program text, not files.
_NOT_FOR_FILES = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
)


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    """Stand in for undecodable bytes, one mark per byte (an error handler of `codecs`)."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(_MARK_LOW + byte) for byte in bad), error.end


def _put_back(error: UnicodeError) -> tuple[bytes, int]:
    """Write marks as the bytes they stand for; anything else cannot be written (for `codecs`)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    marks = [ord(each) - _MARK_LOW for each in error.object[error.start : error.end]]
    if not all(0 <= byte <= _MARK_HIGH - _MARK_LOW for byte in marks):
        raise error
    return bytes(marks), error.end


codecs.register_error(KEEP_BYTES, _keep_bytes)
codecs.register_error(PUT_BACK, _put_back)


def undecodable(text: str) -> str | None:
    """Name the first undecodable byte of a text of `Utf8Stream`, or give None.

    >>> undecodable("M" + chr(0xDC81) + "ller")
    '0x81'
    """
    found = MARKED_CHARACTER.search(text)
    if found is None:
        return None
    point = ord(found.group())
    if _MARK_LOW <= point <= _MARK_HIGH:
        return f"0x{point - _MARK_LOW:02X}"
    return f"U+{point:04X}"  # half a character that UTF-7 spells out


def text_of(utf8: bytes) -> str:
    """Give the text of bytes of `Utf8Stream`, marks as single surrogates."""
    return utf8.decode("utf-8", "surrogatepass")


def bytes_of(text: str, encoding: str) -> int:
    """How many bytes of a file a text of `Utf8Stream` has been, a byte for each mark.

    >>> bytes_of("M" + chr(0xDC81) + "ü", "utf-8"), bytes_of("Mü", "utf-16")
    (4, 4)
    """
    order_mark = len("".encode(encoding))
    try:
        return len(text.encode(encoding, PUT_BACK)) - order_mark
    except UnicodeError:
        return len(text)


def shown(text: str) -> str:
    """Replace marks by U+FFFD, so that the text can stand in a table or a message."""
    return MARKED_CHARACTER.sub(REPLACED, text)


def text_encoding(name: str) -> codecs.CodecInfo:
    """Look up an encoding for files.

    Raises:
        SourceUnusable: Python knows no text encoding of this name, or it is none for files.
    """
    try:
        info = codecs.lookup(name)
        "a".encode(name)  # refuses codecs that are no text encodings: hex, zip, rot13
    except (LookupError, ValueError):
        info = None
    if info is None or info.name.replace("_", "-") in _NOT_FOR_FILES:
        raise SourceUnusable(
            f'"{name}" is not an encoding of text files',
            help="set `source.encoding` in the mapping to utf-8, cp1252, iso-8859-15, utf-16 or "
            "another encoding that Python knows",
        )
    return info


def is_ebcdic(encoding: str) -> bool:
    """Tell whether an encoding is one of IBM's hosts.

    >>> is_ebcdic("cp037"), is_ebcdic("cp1252"), is_ebcdic("utf-16")
    (True, False, False)
    """
    return "a".encode(encoding) == b"\x81"


def _unfinished(utf8: bytes) -> int:
    """How many bytes at the end are the beginning of a character that goes on behind it.

    >>> _unfinished(b"a"), _unfinished("€".encode()), _unfinished("a€".encode()[:-1])
    (0, 0, 2)
    """
    for back, byte in enumerate(reversed(utf8[-3:]), 1):
        if byte >= _LEADS:
            size = 2 + (byte >= _LEADS_THREE) + (byte >= _LEADS_FOUR)
            return back if size > back else 0
        if byte < _FOLLOWS:
            break
    return 0


def _is_sound(utf8: bytes) -> bool:
    """Tell whether bytes are valid UTF-8; Polars looks at them many at a time, five times as fast."""
    try:
        pl.Series((utf8,), dtype=pl.Binary()).cast(pl.String())
    except pl.exceptions.ComputeError:
        return False
    return True


class Utf8Stream:
    """A file's text as UTF-8, without the byte order mark, in pieces of any size.

    In EBCDIC there are two characters that end a line; here both are one.
    """

    def __init__(self, file: BinaryIO, encoding: str, *, name: str) -> None:
        """Begin at the file's current position; `name` is how messages call the file.

        Raises:
            SourceUnusable: the encoding is unknown.
        """
        self._file = file
        self._encoding = encoding
        self._name = name
        self._decoder = text_encoding(encoding).incrementaldecoder(KEEP_BYTES)
        self._began = False
        self._utf8 = codecs.lookup(encoding).name == "utf-8"
        self._of_host = is_ebcdic(encoding)
        self._cut = b""  # the beginning of a character whose end has not been read yet
        self._ended = False

    def read(self, size: int) -> bytes:
        """Give the text of the next `size` bytes of the file.

        Raises:
            SourceUnusable: the text has not even the outer form of the encoding.
        """
        pieces: list[bytes] = []
        while size > 0 and not self._ended:
            raw = self._file.read(min(size, _PIECE))
            size -= len(raw)
            self._ended = not raw
            pieces.append(self._decode(raw))
        return b"".join(pieces)

    def ended(self) -> bool:
        """Tell whether the file's last byte has been read."""
        return self._ended

    def _decode(self, raw: bytes) -> bytes:
        if self._utf8:
            return self._checked(raw)
        try:
            text = self._decoder.decode(raw, final=not raw)
        except UnicodeError as error:
            raise SourceUnusable(
                f"{self._name} is not readable as {self._encoding}: {error}",
                help="correct `source.encoding` in the mapping",
                code="R102",
            ) from error
        if text and not self._began:
            self._began = True
            text = text.removeprefix(_BOM)
        if self._of_host:
            text = text.replace(_NEXT_LINE, "\n")
        try:
            return text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-8", "surrogatepass")

    def _checked(self, raw: bytes) -> bytes:
        """UTF-8 as it is, where it is sound: half the work of writing it anew."""
        final = not raw
        raw = self._cut + raw if self._cut else raw
        used = len(raw) if final else len(raw) - _unfinished(raw)
        text = raw[:used] if used < len(raw) else raw
        if not _is_sound(text):
            decoded, used = codecs.utf_8_decode(raw, KEEP_BYTES, final)
            text = decoded.encode("utf-8", "surrogatepass")
        self._cut = raw[used:]
        if text and not self._began:
            self._began = True
            text = text.removeprefix(codecs.BOM_UTF8)
        return text


class ReadAhead:
    """Text that is decoded by a second thread while the one before is taken apart.

    It holds one piece more than its reader; leave it as a context manager, so that the thread ends
    before the file is closed.
    """

    def __init__(self, stream: Utf8Stream, size: int) -> None:
        """Read `size` bytes of the file ahead of what is asked for."""
        self._stream = stream
        self._size = size
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
        self._next = self._pool.submit(stream.read, size)
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def read(self, size: int) -> bytes:
        """Give the text of at least the next `size` bytes of the file.

        Raises:
            SourceUnusable: the text has not even the outer form of the encoding.
        """
        text = self._next.result()
        if size > self._size:
            text += self._stream.read(size - self._size)
        self._ended = self._stream.ended()
        if not self._ended:
            self._next = self._pool.submit(self._stream.read, self._size)
        return text

    def ended(self) -> bool:
        """Tell whether the text of the file's last byte has been given."""
        return self._ended
