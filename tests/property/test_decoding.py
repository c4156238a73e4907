"""UTF-8 in pieces of any size: the same text as if decoded at once, undecodable bytes as marks."""

import io

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.read import decoding
from pipeline.read.decoding import KEEP_BYTES, ReadAhead, Utf8Stream

# Characters of one to four bytes whole and cut, bytes that begin or follow nothing, and surrogates.
PIECES = st.sampled_from(
    [b"a", b"\n", *("ß€😀"[at].encode()[:end] for at in range(3) for end in range(1, at + 3)),
     b"\x80", b"\xbf", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff",
     b"\xef\xbb\xbf"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map(b"".join), st.integers(1, 9), st.integers(1, 9))
@example(b"a\xe2\x82", 2, 1)
@example(b"\xf0\x9f\x98", 1, 3)
@example(b"\xe0\x80", 1, 2)
def test_any_bytes_in_any_pieces_are_decoded_as_python_decodes_them_at_once(
    written: bytes, piece: int, ahead: int
) -> None:
    expected = (
        written.decode("utf-8", KEEP_BYTES).removeprefix("\ufeff").encode("utf-8", "surrogatepass")
    )
    before, decoding._PIECE = decoding._PIECE, piece
    try:
        with ReadAhead(Utf8Stream(io.BytesIO(written), "utf-8", name="x"), ahead) as stream:
            found = b""
            while not stream.ended():
                found += stream.read(ahead + piece)
    finally:
        decoding._PIECE = before
    assert found == expected
