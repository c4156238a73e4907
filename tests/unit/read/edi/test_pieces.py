"""What cannot be a sample, because it would be too large for one."""

import io

from pipeline.read.edi.envelopes import EnvelopeReader
from pipeline.read.edi.pieces import Pieces

ISA = b"ISA*00*          *00*          *ZZ*EXAMPLESHOP    *ZZ*EXAMPLEDROP    *261119*2205*U*00401*000000001*0*P*>~"
GS = b"GS*PO*EXAMPLESHOP*EXAMPLEDROP*20261119*2205*1*X*004010~"


def test_a_message_beyond_the_limit_is_not_held_in_memory() -> None:
    """E119: the message is left, and so is what follows; the interchange stays open (E104)."""
    message = b"ST*850*0001~" + b"PO1*1*1*EA***SK*COAT~" * 120_000
    before = b"ST*850*0000~BEG*00*DS*A0**20261119~SE*3*0000~" * 2000
    whole = ISA + GS + before + message + b"SE*120002*0001~GE*1*1~IEA*1*000000001~"
    reader = EnvelopeReader()
    pieces = Pieces(io.BytesIO(whole), "", 1 << 16, message_max=2 << 20)
    for piece in pieces:
        reader.take(piece)
    found = reader.finish(pieces.rest()).problems

    assert [(each.code, each.value) for each in found if each.code == "E119"] == [("E119", "2")]
    assert "E104" in {each.code for each in found}
