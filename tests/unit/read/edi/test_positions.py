"""Words are found in bytes, and messages that are not in the character set they declare."""

import io

import pytest

from pipeline.read.edi.pieces import Pieces, places_of

UNOC = "UNB+UNOC:3+A+B+261119:0200+1'{}UNZ+{}+1'"
NAMED = "UNH+{0}+ORDERS:D:96A:UN'NAD+BY+++{1}'UNT+3+{0}'"


@pytest.mark.parametrize("low", range(5))
@pytest.mark.parametrize("text", [b"", b"IS", b"ISA", b"xISA", b"UNAUNBUNH", b"UNUNA ISISA"])
def test_words_are_found_at_every_alignment(text: bytes, low: int) -> None:
    words = (b"ISA", b"UNA", b"UNB")

    found = places_of(text, words, low)

    assert found == [at for at in range(low, len(text)) if text[at : at + 3] in words]


@pytest.mark.parametrize(
    ("names", "undecodable"),
    [
        (["Müller", "Groß"], []),
        (["Müller".encode().decode("latin-1"), "Groß"], [2]),
        (["Müller".encode().decode("latin-1"), "ÄÖ".encode().decode("latin-1")], [2, 5]),
        (["ÄÖ ß", "Müller".encode().decode("latin-1") + " Groß"], []),
    ],
)
def test_utf_8_in_a_one_byte_character_set_is_said_per_message(
    names: list[str], undecodable: list[int]
) -> None:
    body = "".join(NAMED.format(number, name) for number, name in enumerate(names, start=1))
    data = UNOC.format(body, len(names)).encode("latin-1")

    (piece,) = Pieces(io.BytesIO(data))

    assert piece.undecodable.tolist() == undecodable
