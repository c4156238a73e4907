"""Small EDI files, written for these tests."""

from collections.abc import Iterable, Sequence
from pathlib import Path

NOTICE = (
    "BSN*00*S77*20261119*0801*0001", "DTM*011*20261119",
    "HL*1**S", "TD5**2*UPSN", "N1*ST*ADA MEYER", "N3*LONG LANE 4", "N4*HULL*QC*G1K8Y2*CA",
    "PER*IC*ADA MEYER*TE*5550100",
    "HL*2*1*O", "PRF*PO-1",
    "HL*3*2*P", "MAN*GM*00000715670002152360",
    "HL*4*3*I", "LIN*1*UP*0000000000642", "SN1**12*EA",
    "HL*5*1*O", "PRF*PO-2",
    "HL*6*2*P", "MAN*GM*00000715670002152377",
    "CTT*6",
)  # fmt: skip


def x12_message(kind: str, reference: str, body: Iterable[str]) -> list[str]:
    """ST to SE, with the right count."""
    lines = [f"ST*{kind}*{reference}", *body]
    return [*lines, f"SE*{len(lines) + 1}*{reference}"]


def x12(
    *messages: Sequence[str], reference: int = 7, end: str = "~\n", groups: int = 1,
    sender: str = "WAREHOUSE", kind: str = "SH",
) -> str:  # fmt: skip
    """An interchange whose messages are spread over groups."""
    lines = [
        f"ISA*00*          *00*          *ZZ*{sender:<15}*ZZ*{'SHOP':<15}*261119*0205*U*00401"
        f"*{reference:09}*0*T*>"
    ]
    for group in range(groups):
        mine = messages[group::groups]
        lines.append(f"GS*{kind}*WH*SHOP*20261119*0205*{reference}{group}*X*004010")
        lines += [line for message in mine for line in message]
        lines.append(f"GE*{len(mine)}*{reference}{group}")
    return "".join(line + end for line in [*lines, f"IEA*{groups}*{reference:09}"])


def ship_notice(reference: str = "0001") -> list[str]:
    """A message without a fault."""
    return x12_message("856", reference, NOTICE)


DESADV = (
    "BGM+351+DES-1+9", "DTM+137:20261119:102",
    "NAD+DP+++JÖRG O?'HARA+M?+M STRASSE 1+KÖLN++50667+DE", "CTA+IC+:ADA", "COM+ada@example.com:EM",
    "CPS+1", "PAC+1++CT", "CPS+2+1", "LIN+1++4006381333931:EN", "QTY+12:5",
)  # fmt: skip


def edifact_message(kind: str, reference: str, body: Iterable[str]) -> list[str]:
    """UNH to UNT, with the right count."""
    lines = [f"UNH+{reference}+{kind}:D:96A:UN", *body]
    return [*lines, f"UNT+{len(lines) + 1}+{reference}"]


def edifact(
    *messages: Sequence[str], reference: str = "R?+1", charset: str = "UNOC:3", advice: str = "",
    end: str = "'\r\n",
) -> str:  # fmt: skip
    """An interchange without groups."""
    lines = [f"UNB+{charset}+SHOP:14+CARRIER:14+261119:0205+{reference}"]
    lines += [line for message in messages for line in message]
    lines.append(f"UNZ+{len(messages)}+{reference}")
    return (f"{advice}\r\n" if advice else "") + "".join(line + end for line in lines)


def written(folder: Path, text: str, *, name: str = "night.edi", encoding: str = "latin-1") -> Path:
    """Put a file into a folder."""
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path
