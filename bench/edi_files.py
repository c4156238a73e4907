"""Makes the EDI files of `edi.py`: a night of ship notices as X12 856 and as EDIFACT DESADV.

Seeded, so that every run and every machine reads the same bytes. What a file consists of is counted
while it is written; nothing of ours reads it for that.
"""

import argparse
import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

SEED = 20261121
KINDS = {"856": "X12 856", "DESADV": "EDIFACT DESADV"}
MESSAGES = 500  # in a group
GROUPS = 4  # in an interchange
NAMES = ("JANE DOE", "A B SMITH LLC", "MARIA LOPEZ", "O. NGUYEN", "THE CORNER SHOP")
NAMEN = ("Jörg Müller", "Anna Schmidt", "Café Zur Brücke", "M. Groß & Söhne", "Li Wei")
CITIES = ("SPRINGFIELD*IL*62701*US", "ALBANY*NY*12207*US", "AUSTIN*TX*78701*US")
ORTE = ("Köln++50667+DE", "Wien++1010+AT", "München++80331+DE", "Bern++3011+CH")
SCACS = ("UPSN", "FDEG", "USPS")
CARRIERS = ("DHL", "GLS", "UPS")


@dataclass(slots=True)
class Counted:
    """What a file has. `elements` do not count tags; in EDIFACT each component is one."""

    segments: int = 0
    elements: int = 0
    messages: int = 0
    rows: int = 0
    pieces: int = 0  # the sum of all quantities


@dataclass(slots=True)
class Chance:
    """Random numbers from a list made before: half of the time would be theirs."""

    numbers: list[int]
    at: int = 0

    def upto(self, limit: int) -> int:
        """A number from 0 to below the limit."""
        self.at = (self.at + 1) % len(self.numbers)
        return self.numbers[self.at] % limit


def ship_notice(number: int, chance: Chance, counted: Counted) -> list[str]:
    """An 856: shipment, one to three orders, their cartons, the items in them (S-O-P-I)."""
    said = [
        f"ST*856*{number:06}", f"BSN*00*S{number:08}*20261119*020{number % 10}*0001", "HL*1**S",
        f"TD1*CTN*{1 + chance.upto(9)}****G*{1 + chance.upto(400) / 10:.1f}*KG",
        f"TD5**2*{SCACS[chance.upto(3)]}*M*GROUND", f"REF*BM*BOL{number:08}", "DTM*011*20261119",
        f"N1*ST*{NAMES[chance.upto(5)]}", f"N3*{1 + chance.upto(900)} MAIN STREET",
        f"N4*{CITIES[chance.upto(3)]}",
    ]  # fmt: skip
    level, line = 1, 0
    for order in range(1 + chance.upto(3)):
        level += 1
        of_order = level
        said += [f"HL*{level}*1*O", f"PRF*WH-{number:07}{order}***20261118", f"REF*CO*C{number:07}"]
        for carton in range(1 + chance.upto(4)):
            level += 1
            of_carton = level
            said += [
                f"HL*{level}*{of_order}*P",
                f"MAN*GM*00340{number:08}{order}{carton}{chance.upto(10**5):05}",
                f"MAN*CP*1Z{number:08}{order}{carton}{chance.upto(10**6):06}",
            ]
            for _ in range(1 + chance.upto(6)):
                level += 1
                line += 1
                quantity = 1 + chance.upto(9)
                counted.pieces += quantity
                said += [
                    f"HL*{level}*{of_carton}*I",
                    f"LIN*{line}*SK*SKU{chance.upto(99999):05}*UP*{chance.upto(10**9):012}",
                    f"SN1**{quantity}*EA",
                ]
    counted.rows += line
    said.append(f"CTT*{level}")
    said.append(f"SE*{len(said) + 1}*{number:06}")
    return said


def despatch_advice(number: int, chance: Chance, counted: Counted) -> list[str]:
    """A DESADV D.96A: shipment, pallets, cartons with their SSCC, lines of one to three orders."""
    said = [
        f"UNH+{number}+DESADV:D:96A:UN:EAN005", f"BGM+351+DES{number:08}+9",
        f"DTM+137:20261119020{number % 10}:203", "DTM+11:20261119:102",
        f"NAD+SU+4012345{number % 10**6:06}::9",
        f"NAD+DP+++{NAMEN[chance.upto(5)]}+Hauptstraße {1 + chance.upto(200)}+{ORTE[chance.upto(4)]}",
        f"TDT+20+{number}+30++{CARRIERS[chance.upto(3)]}:172:20", "CPS+1", "PAC+1++201",
    ]  # fmt: skip
    pack, line = 1, 0
    orders = 1 + chance.upto(3)
    for _ in range(1 + chance.upto(2)):
        pack += 1
        pallet = pack
        said += [f"CPS+{pack}+1", "PAC+1++201", "PCI+33E",
                 f"GIN+BJ+3401{number:08}{pack:06}"]  # fmt: skip
        for _ in range(1 + chance.upto(5)):
            pack += 1
            said += [f"CPS+{pack}+{pallet}", "PAC+1++CT", "PCI+33E",
                     f"GIN+BJ+3402{number:08}{pack:06}"]  # fmt: skip
            for _ in range(1 + chance.upto(5)):
                line += 1
                quantity = 1 + chance.upto(9)
                counted.pieces += quantity
                said += [
                    f"LIN+{line}++4006381{chance.upto(10**6):06}:EN",
                    f"PIA+1+SKU{chance.upto(99999):05}:SA",
                ]
                if chance.upto(20) == 0:
                    said.append("IMD+F++:::Kinder?'s Hemd, grün")
                said += [
                    f"QTY+12:{quantity}:PCE",
                    f"RFF+ON:WH-{number:07}{chance.upto(orders)}:{line}",
                ]
    counted.rows += line
    said.append(f"CNT+2:{line}")
    said.append(f"UNT+{len(said) + 1}+{number}")
    return said


class _Writer:
    """A file that counts what is written to it."""

    def __init__(self, file: BinaryIO, counted: Counted, marks: str, terminator: str) -> None:
        self.file, self.counted, self.marks, self.terminator = file, counted, marks, terminator
        self.size = 0

    def write(self, *segments: str) -> None:
        """Write segments; their texts hold no mark that is not a separator."""
        text = self.terminator.join((*segments, ""))
        self.counted.segments += len(segments)
        self.counted.elements += sum(map(text.count, self.marks))
        data = text.encode("iso-8859-1")
        self.size += self.file.write(data)


def _x12(file: BinaryIO, size: int, chance: Chance, counted: Counted) -> None:
    out = _Writer(file, counted, "*", "~")
    interchange = group = 0
    while out.size < size:
        interchange += 1
        out.write("ISA*00*          *00*          *ZZ*WAREHOUSE      *ZZ*SHOP           *261119*"
                  f"0200*U*00401*{interchange:09}*0*P*>")  # fmt: skip
        first = group
        while out.size < size and group - first < GROUPS:
            group += 1
            out.write(f"GS*SH*WAREHOUSE*SHOP*20261119*0200*{group}*X*004010")
            inside = 0
            while out.size < size and inside < MESSAGES:
                inside += 1
                counted.messages += 1
                out.write(*ship_notice(counted.messages, chance, counted))
            out.write(f"GE*{inside}*{group}")
        out.write(f"IEA*{group - first}*{interchange:09}")


def _edifact(file: BinaryIO, size: int, chance: Chance, counted: Counted) -> None:
    out = _Writer(file, counted, "+:", "'")
    file.write(b"UNA:+.? '")
    interchange = 0
    while out.size < size:
        interchange += 1
        out.write(f"UNB+UNOC:3+4012345000009:14+4054321000006:14+261119:0200+{interchange}")
        inside = 0
        while out.size < size and inside < GROUPS * MESSAGES:
            inside += 1
            counted.messages += 1
            out.write(*despatch_advice(counted.messages, chance, counted))
        out.write(f"UNZ+{inside}+{interchange}")


def generate(kind: str, path: Path, megabytes: float) -> Counted:
    """Write a file of one of `KINDS`; says what is in it."""
    random.seed(SEED)
    chance = Chance([random.randrange(10**9) for _ in range(99_991)])
    counted = Counted()
    write = _x12 if kind == "856" else _edifact
    with path.open("wb") as file:
        write(file, int(megabytes * 1e6), chance, counted)
    return counted


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("kind", choices=list(KINDS))
    options.add_argument("path", type=Path)
    options.add_argument("--mb", type=float, default=50)
    chosen = options.parse_args()
    print(json.dumps(asdict(generate(chosen.kind, chosen.path, chosen.mb))))


if __name__ == "__main__":
    main()
