"""Small interchanges of every message that can be read, written for these tests."""

from collections.abc import Sequence

_ISA = (
    "ISA*00*          *00*          *ZZ*WAREHOUSE      *ZZ*SHOP           "
    "*261120*0200*U*00401*000000001*0*P*>~"
)
_GROUPS = {"850": "PO", "860": "PC", "856": "SH", "940": "OW", "945": "SW", "214": "QM"}


def x12(kind: str, *messages: Sequence[str]) -> str:
    """An interchange of one group; a message is its segments without ST and SE."""
    lines = [_ISA, f"GS*{_GROUPS[kind]}*WAREHOUSE*SHOP*20261120*0200*1*X*004010~"]
    for number, segments in enumerate(messages, 1):
        lines += [f"ST*{kind}*{number:04}~", *(f"{each}~" for each in segments)]
        lines.append(f"SE*{len(segments) + 2}*{number:04}~")
    return "\n".join([*lines, f"GE*{len(messages)}*1~", "IEA*1*000000001~", ""])


def edifact(kind: str, *messages: Sequence[str]) -> str:
    """An interchange without groups; a message is its segments without UNH and UNT."""
    lines = ["UNA:+.? '", "UNB+UNOC:3+WAREHOUSE:14+SHOP:14+261120:0200+1'"]
    for number, segments in enumerate(messages, 1):
        lines += [f"UNH+{number}+{kind}:D:96A:UN'", *(f"{each}'" for each in segments)]
        lines.append(f"UNT+{len(segments) + 2}+{number}'")
    return "\n".join([*lines, f"UNZ+{len(messages)}+1'", ""])


SHIP_TO = ("N1*ST*Jana Meyer", "N3*Hafenweg 7*Hof 2", "N4*Kiel**24103*DE", "PER*RE**TE*+49431555123*EM*jana@example.com")  # fmt: skip
DELIVERY = "NAD+DP+++Jana Meyer+Hafenweg 7+Kiel++24103+DE"

X12_850 = (
    "BEG*00*SA*WH-1**20261119", "REF*CO*C-77", "REF*ZZ*9", "DTM*002*20261125", *SHIP_TO,
    "PO1*1*2*EA*19.90**SK*SKU-1*UP*400638133393", "PO1*2*1*EA*5**VN*V-2", "CTT*2",
)  # fmt: skip
X12_860 = (
    "BCH*04*SA*WH-1**2*20261119**1**20261120",
    "POC*1*DI*0*0*EA*19.90**SK*SKU-1", "POC*2*QD*1*2*EA***SK*SKU-2",
    "POC*3*AI*4**EA***SK*SKU-3", "CTT*3",
)  # fmt: skip
X12_856 = (
    "BSN*00*SHIP-1*20261120*0130", "HL*1**S", "TD5**2*UPSN", "DTM*011*20261120", *SHIP_TO,
    "HL*2*1*O", "PRF*WH-1",
    "HL*3*2*P", "MAN*CP*1Z999AA10123456784", "HL*4*3*I", "LIN*1*SK*SKU-1", "SN1**2*EA",
    "HL*5*2*P", "MAN*CP*1Z999AA10123456795", "HL*6*5*I", "LIN*2*SK*SKU-2", "SN1**1*EA", "CTT*6",
)  # fmt: skip
X12_940 = (
    "W05*N*WH-1", *SHIP_TO, "G62*02*20261125", "W66*PP*M***UPS GROUND",
    "LX*1", "W01*2*EA**SK*SKU-1", "G69*Blue jacket", "LX*2", "W01*1*EA**SK*SKU-2",
)  # fmt: skip
X12_945 = (
    "W06*F*WH-1*20261120*SHIP-1", *SHIP_TO, "W27*M*UPSN",
    "LX*1", "MAN*CP*1Z999AA10123456784", "W12*CC*2*2**EA**SK*SKU-1",
    "LX*2", "MAN*CP*1Z999AA10123456795", "W12*CC*1*1**EA**SK*SKU-2", "W03*3*4*LB",
)  # fmt: skip
X12_214 = (
    "B10*1Z999AA10123456784*SHIP-1*UPSN", "L11*WH-1*PO", "LX*1",
    "AT7*D1*NS***20261121*1015*LT", "MS1*KIEL**DE",
)  # fmt: skip
ORDERS = (
    "BGM+220+WH-1+9", "DTM+137:202611191430:203", "RFF+CR:C-77", DELIVERY,
    "LIN+1++4006381333931:EN", "PIA+1+SKU-1:SA", "QTY+21:2", "PRI+AAA:19.90",
    "LIN+2++4006381333948:EN", "QTY+21:1", "UNS+S", "CNT+2:2",
)  # fmt: skip
ORDCHG = (
    "BGM+230+CHG-1+4", "DTM+137:20261120:102", "RFF+ON:WH-1",
    "LIN+1+2+4006381333931:EN", "LIN+2+3+4006381333948:EN", "QTY+21:3",
    "LIN+3+1+4006381333955:EN", "QTY+21:1", "UNS+S", "CNT+2:3",
)  # fmt: skip
DESADV = (
    "BGM+351+DN-1+9", "DTM+11:20261120:102", "RFF+ON:WH-1", DELIVERY, "TDT+20++30+31+UPSN",
    "CPS+1", "CPS+2+1", "PAC+1", "PCI+33E", "GIN+BJ+340123450000000018",
    "LIN+1++4006381333931:EN", "PIA+1+SKU-1:SA", "QTY+12:2",
    "CPS+3+1", "PAC+1", "PCI+33E", "GIN+BJ+340123450000000025",
    "LIN+2++4006381333948:EN", "QTY+12:1", "CNT+2:2",
)  # fmt: skip
IFTMIN = (
    "BGM+610+TR-1+9", "DTM+137:20261119:102", "RFF+ON:WH-1", DELIVERY, "GID+1+2:CT",
)  # fmt: skip
IFTSTA = (
    "BGM+77+ST-1+9", "DTM+137:20261121:102", "CNI+1+CONS-1", "STS+1+21", "RFF+CN:00340434",
    "RFF+ON:WH-1", "DTM+334:202611211015:203", "NAD+CA+UPSN",
)  # fmt: skip

FILES = {
    "850": x12("850", X12_850), "860": x12("860", X12_860), "856": x12("856", X12_856),
    "940": x12("940", X12_940), "945": x12("945", X12_945), "214": x12("214", X12_214),
    "ORDERS": edifact("ORDERS", ORDERS), "ORDCHG": edifact("ORDCHG", ORDCHG),
    "DESADV": edifact("DESADV", DESADV), "IFTMIN": edifact("IFTMIN", IFTMIN),
    "IFTSTA": edifact("IFTSTA", IFTSTA),
}  # fmt: skip
