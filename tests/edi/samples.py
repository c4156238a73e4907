"""Interchanges for the tests, written here segment by segment.

`x12` and `edifact` put envelopes with right totals around messages; what a test wants wrong, it
breaks afterwards.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Message = Sequence[str]  # segments between header and trailer, with * or + and :


@dataclass(frozen=True)
class Marks:
    """Separators of one interchange; `release` "" for none."""

    element: str = "*"
    component: str = ">"
    segment: str = "~"
    release: str = ""
    between: str = "\n"  # behind each terminator


X12 = Marks()
EDIFACT = Marks("+", ":", "'", "?")

SHIPPED_945 = (
    "W06*N*ORD-1001*20260314*SHP-77*77000001*PO-9",
    "N1*ST*Erika Muster*92*4711", "N3*Hauptstr. 5", "N4*Berlin**10115*DE",
    "N9*CN*00340434161094042557", "G62*11*20260314", "W27*U*DHLE*DHL Express",
    "LX*1", "MAN*GM*00340434161094042557", "W12*CC*12*12*0*EA**SK*ART-1", "G69*Kerze rot",
    "LX*2", "MAN*GM*00340434161094042564", "W12*CC*3*3*0*EA**SK*ART-2",
    "W03*15*22*KG",
)  # fmt: skip
NOTICE_856 = (
    "BSN*00*SHP-77*20260314*0815*0001", "DTM*011*20260314",
    "HL*1**S", "TD1*CTN*2****G*22*KG", "TD5*B*2*DHLE*M", "REF*BM*77000001",
    "N1*ST*Erika Muster*92*4711", "N3*Hauptstr. 5", "N4*Berlin**10115*DE",
    "HL*2*1*O", "PRF*PO-9***20260301",
    "HL*3*2*P", "MAN*CP*1Z999AA10123456784", "HL*4*3*I", "LIN*1*SK*ART-1", "SN1*1*12*EA",
    "HL*5*2*P", "MAN*CP*1Z999AA10123456793", "HL*6*5*I", "LIN*2*SK*ART-2", "SN1*2*3*EA",
    "CTT*6",
)  # fmt: skip
ORDER_850 = (
    "BEG*00*SA*PO-9**20260301", "REF*CO*ORD-1001", "DTM*002*20260320",
    "N1*ST*Erika Muster*92*4711", "N3*Hauptstr. 5", "N4*Berlin**10115*DE",
    "PO1*1*12*EA*4.5**SK*ART-1", "PID*F****Kerze rot", "PO1*2*3*EA*9**SK*ART-2",
    "CTT*2",
)  # fmt: skip
DESADV = (
    "BGM+351+SHP-77+9", "DTM+137:20260314:102", "DTM+11:202603141530:203", "RFF+ON:ORD-1001",
    "NAD+DP+4711::92++Erika Muster+Hauptstr. 5?+6+Berlin++10115+DE", "TDT+20++30+31+DHLE:172",
    "CPS+1", "PAC+2++CT", "CPS+2+1", "PAC+1++CT", "PCI+33E", "GIN+BJ+00340434161094042557",
    "LIN+1++4006381333931:EN", "PIA+1+ART-1:SA", "QTY+12:12", "CPS+3+1", "PAC+1++CT", "PCI+33E",
    "GIN+BJ+00340434161094042564", "LIN+2++4006381333948:EN", "QTY+12:3", "CNT+2:2",
)  # fmt: skip
STATUS_IFTSTA = (
    "BGM+23+ST-5+9", "DTM+137:202603141530:203", "NAD+CA+DHLE::172",
    "CNI+1+00340434161094042557", "STS+1+21", "RFF+CN:ORD-1001", "DTM+334:20260314:102",
    "LOC+8+DEBER::6:Berlin?'Mitte", "CNI+2+00340434161094042564", "STS+1+13", "DTM+334:202603141533:203",
)  # fmt: skip
ORDERS = (
    "BGM+220+PO-9+9", "DTM+137:20260301:102", "NAD+BY+4006381000008::9", "NAD+DP+4711::92",
    "LIN+1++4006381333931:EN", "QTY+21:12", "PRI+AAA:4.5", "LIN+2++4006381333948:EN", "QTY+21:3",
    "UNS+S", "CNT+2:2",
)  # fmt: skip

FUNCTIONAL = {"945": "SW", "856": "SH", "850": "PO", "860": "PC", "940": "OW", "214": "QM"}


def written(segments: Iterable[str], marks: Marks, own: Marks) -> str:
    """Segments with their separators replaced by others, released where they are text."""
    changed = {own.element: marks.element, own.component: marks.component}
    out = []
    for segment in segments:
        text = ""
        released = False
        for letter in segment:
            if released or letter not in changed:
                if own.release and letter == own.release and not released:
                    released = True
                    continue
                special = {marks.element, marks.component, marks.segment, marks.release} - {""}
                text += (marks.release + letter) if letter in special else letter
                released = False
            else:
                text += changed[letter]
        out.append(text + marks.segment)
    return marks.between.join(out) + marks.between


def x12(
    *messages: tuple[str, Message], marks: Marks = X12, reference: int = 905, version: str = "00401",
    ahead: str = "",
) -> str:  # fmt: skip
    """An X12 interchange with a group for each message type, in order."""
    out: list[str] = []
    groups = 0
    while messages:
        kind = messages[0][0]
        same = [segments for each, segments in messages if each == kind]
        messages = tuple(each for each in messages if each[0] != kind)
        groups += 1
        out.append(f"GS*{FUNCTIONAL[kind]}*LAGER*HAENDLER*20260314*0815*{groups}*X*004010")
        for number, segments in enumerate(same, start=1):
            out += [f"ST*{kind}*{number:04}", *segments, f"SE*{len(segments) + 2}*{number:04}"]
        out.append(f"GE*{len(same)}*{groups}")
    repetition = "U" if version < "00402" else "^"
    isa = "*".join(
        ["ISA", "00", " " * 10, "00", " " * 10, "ZZ", "LAGER".ljust(15), "ZZ", "HAENDLER".ljust(15),
         "260314", "0815", repetition, version, f"{reference:09}", "0", "P", ""]
    )  # fmt: skip
    head = isa.replace("*", marks.element) + marks.component + marks.segment + marks.between
    return ahead + head + written([*out, f"IEA*{groups}*{reference:09}"], marks, X12)


def edifact(
    *messages: tuple[str, Message], marks: Marks = EDIFACT, reference: str = "4711",
    charset: str = "UNOC", syntax: str = "3", una: bool = True, ahead: str = "",
) -> str:  # fmt: skip
    """An EDIFACT interchange without groups; `una` may be left out with the default separators."""
    out = [f"UNB+{charset}:{syntax}+LAGER:14+HAENDLER:14+260314:0815+{reference}"]
    for number, (kind, segments) in enumerate(messages, start=1):
        out += [f"UNH+{number}+{kind}:D:96A:UN", *segments, f"UNT+{len(segments) + 2}+{number}"]
    out.append(f"UNZ+{len(messages)}+{reference}")
    service = f"UNA{marks.component}{marks.element}.{marks.release or ' '} {marks.segment}"
    head = service + marks.between if una else ""
    return ahead + head + written(out, marks, EDIFACT)


def all_samples() -> list[bytes]:
    """Interchanges of all kinds, alone and together: what mutations start from."""
    text = [
        x12(("945", SHIPPED_945)),
        x12(("856", NOTICE_856), marks=Marks("|", "^", "\n", between="")),
        x12(("850", ORDER_850), ("850", ORDER_850), ("945", SHIPPED_945), version="00501"),
        edifact(("DESADV", DESADV)),
        edifact(("IFTSTA", STATUS_IFTSTA), una=False),
        edifact(("ORDERS", ORDERS), ("ORDERS", ORDERS), marks=Marks(";", "/", "#", "!", "\r\n")),
        x12(("945", SHIPPED_945[:5] + SHIPPED_945[7:]), reference=1)
        + edifact(("DESADV", DESADV), una=False)
        + x12(("850", ORDER_850), reference=2, marks=Marks("|", ":", "'")),
        edifact(("ORDERS", ORDERS), una=False) + edifact(("IFTSTA", STATUS_IFTSTA), reference="2"),
    ]
    return [each.encode() for each in text]
