"""edi split: the parts hold the same messages, byte for byte, in whole envelopes."""

import stat
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import BadConfig
from pipeline.read.edi.batches import open_edi
from pipeline.read.edi.parts import BYTES, By, items
from pipeline.run import edi_parts
from tests.cli.conftest import Call
from tests.cli.edi_files import (
    DESADV,
    edifact,
    edifact_message,
    ship_notice,
    written,
    x12,
    x12_message,
)

BY = [by.value for by in By]
REMITTANCE = x12_message("820", "0002", ["BPR*I*12", "TRN*1*A"])


def messages_of(path: Path) -> "Counter[tuple[str, str, bytes]]":
    """The messages of a file that has no problem in its envelopes: partner, type, bytes."""
    reading = open_edi(path, path.name, encoding=BYTES)
    assert not reading.envelopes.problems, (path, reading.envelopes.problems)
    return Counter(
        (reading.envelopes.interchanges[item.interchange].reference, item.type, item.body)
        for item in items(reading, By.MESSAGE)
    )


def read_back(folder: Path) -> "Counter[tuple[str, str, bytes]]":
    found: Counter[tuple[str, str, bytes]] = Counter()
    for path in folder.iterdir():
        found += messages_of(path)
    return found


def test_a_message_becomes_a_file_with_its_envelope(call: Call, folder: Path) -> None:
    written(folder, x12(ship_notice(), REMITTANCE))
    said = call("edi", "split", "night.edi", "--into", "parts")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "parts/night.000000007-0001.856.edi  1 × 856, 525 bytes",
        "parts/night.000000007-0002.820.edi  1 × 820, 217 bytes",
        "2 files, 2 messages",
    ]
    assert (folder / "parts/night.000000007-0002.820.edi").read_text() == x12(REMITTANCE)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("interchange", ["night.000000007.edi", "night.000000008.edi"]),
        ("group", ["night.000000007-70.SH.edi", "night.000000007-71.SH.edi", "night.000000008-80.SH.edi"]),
        ("message", ["night.000000007-0001.856.edi", "night.000000007-0002.820.edi",
                     "night.000000007-0003.856.edi", "night.000000008-0001.856.edi"]),
        ("type", ["night.820.edi", "night.856.edi"]),
        ("partner", ["night.OTHER-SHOP.edi", "night.WAREHOUSE-SHOP.edi"]),
    ],
)  # fmt: skip
def test_files_by_what_is_asked_for(call: Call, folder: Path, by: str, names: list[str]) -> None:
    first = x12(ship_notice("0001"), REMITTANCE, ship_notice("0003"), groups=2)
    written(folder, first + x12(ship_notice(), reference=8, sender="OTHER"))
    said = call("edi", "split", "night.edi", "--into", "parts", "--by", by)
    assert said.code == 0
    assert sorted(path.name for path in (folder / "parts").iterdir()) == names
    assert read_back(folder / "parts") == messages_of(folder / "night.edi")


def test_references_that_are_no_names_and_the_same_twice(call: Call, folder: Path) -> None:
    text = edifact(
        edifact_message("DESADV", "../a", DESADV), edifact_message("DESADV", "../A", DESADV)
    )
    written(folder, text)
    assert call("edi", "split", "night.edi", "--into", "parts").code == 0
    assert sorted(path.name for path in (folder / "parts").iterdir()) == [
        "night.R_1-.._A.DESADV-2.edi", "night.R_1-.._a.DESADV.edi",
    ]  # fmt: skip
    assert read_back(folder / "parts") == messages_of(folder / "night.edi")


@pytest.mark.parametrize("by", BY)
def test_bytes_of_other_character_sets_stay(call: Call, folder: Path, by: str) -> None:
    body = [line.replace("DES-1", "ŻÓŁĆ") for line in DESADV]
    second = edifact(edifact_message("DESADV", "2", body), charset="UNOD:3", advice="UNA:+.? '", reference="9")  # fmt: skip
    raw = edifact(edifact_message("DESADV", "1", DESADV), charset="UNOD:3").encode("iso-8859-2", "replace")  # fmt: skip
    (folder / "night.edi").write_bytes(raw + second.encode("iso-8859-2"))
    assert call("edi", "split", "night.edi", "--into", "parts", "--by", by).code == 0
    parts = [path.read_bytes() for path in sorted((folder / "parts").iterdir())]
    assert sum(part.count("BGM+351+ŻÓŁĆ+9'".encode("iso-8859-2")) for part in parts) == 1
    assert sum(part.count(b"UNA:+.? '\r\nUNB+") for part in parts) == 1
    assert read_back(folder / "parts") == messages_of(folder / "night.edi")


def test_an_acknowledgement_of_an_interchange_comes_along(call: Call, folder: Path) -> None:
    text = x12(ship_notice()).replace("GS*SH", "TA1*000000005*261118*0205*A*000~\nGS*SH")
    written(folder, text)
    for by in BY:
        assert call("edi", "split", "night.edi", "--into", by, "--by", by).code == 0
        assert read_back(folder / by) == messages_of(folder / "night.edi")
    assert (folder / "message/night.000000007-000000005.TA1.edi").read_text().endswith(
        "TA1*000000005*261118*0205*A*000~\nIEA*0*000000007~\n"
    )  # fmt: skip


def test_nothing_is_written_over(call: Call, folder: Path) -> None:
    written(folder, x12(ship_notice(), REMITTANCE))
    parts = folder / "parts"
    parts.mkdir()
    (parts / "night.000000007-0002.820.edi").write_text("mine")
    said = call("edi", "split", "night.edi", "--into", "parts")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error[C114]: parts/night.000000007-0002.820.edi exists already\n")
    assert [path.read_text() for path in parts.iterdir()] == ["mine"]
    assert call("edi", "split", "night.edi", "--into", "night.edi").code == 2


def test_files_that_come_meanwhile_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("new")
    (tmp_path / "b").write_text("mine")
    with pytest.raises(BadConfig, match="exists already"):
        edi_parts._move(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "mine"


def test_parts_are_private(call: Call, folder: Path) -> None:
    written(folder, x12(ship_notice()))
    call("edi", "split", "night.edi", "--into", "new/parts")
    (part,) = (folder / "new/parts").iterdir()
    assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert stat.S_IMODE(part.parent.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_written(call: Call, folder: Path) -> None:
    written(folder, x12(ship_notice()))
    said = call("edi", "split", "night.edi", "--into", "night.edi/parts")
    assert (said.code, said.out) == (11, "")
    assert said.err.startswith("error: cannot write to night.edi/parts: Not a directory")


BROKEN = [
    (x12(ship_notice())[:-30], "interchange 000000007 left out, it is not whole [E104]"),
    (x12(ship_notice()).replace("GE*1*", "GE*2*"), "group 70 left out, it is not whole [E108]"),
    (x12(ship_notice()[:-1]), "message 0001 left out, it is not whole [E109]"),
    (x12(ship_notice()).replace("GE*1*70~\n", "").replace("~\nIEA", "~\nGE*1*70~\nST*1*9~\nSE*2*9~\nIEA"),
     "message 9 left out, it stands in no group [E115]"),
    (x12(), "interchange 000000007 left out, it has no messages"),
    (x12(ship_notice()).replace("GE*1", "XX*1~\nGE*1"), "segment XX left out, it belongs to no message [E115]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), BROKEN)
def test_what_is_not_whole_is_left_out_and_named(
    call: Call, folder: Path, text: str, says: str
) -> None:
    written(folder, x12(REMITTANCE, reference=8) + text)
    said = call("edi", "split", "night.edi", "--into", "parts")
    assert said.code == 3
    assert says in said.err
    assert said.out.endswith("; 1 left out\n")
    assert "night.000000008-0002.820.edi" in said.out
    document = call("--json", "edi", "split", "night.edi", "--into", "again").json()
    assert len(document["left_out"]) == 1


def test_a_message_keeps_its_own_faults(call: Call, folder: Path) -> None:
    written(folder, x12([*ship_notice()[:-1], "SE*9*0001"]))
    assert call("edi", "split", "night.edi", "--into", "parts").code == 0
    (part,) = (folder / "parts").iterdir()
    assert part.read_bytes() == (folder / "night.edi").read_bytes()


def test_json_lists_the_files(call: Call, folder: Path) -> None:
    written(folder, x12(ship_notice(), REMITTANCE))
    document = call("--json", "edi", "split", "night.edi", "--into", "parts", "--by", "type").json()
    assert document["written"][0] == {
        "file": "parts/night.856.edi", "interchanges": 1, "messages": {"856": 1}, "bytes": 525,
    }  # fmt: skip
    assert document["left_out"] == []


# --- the property ------------------------------------------------------------------------------

VALUES = st.text("AZ09 äß?+:'*~>-", max_size=8)
LINE_ENDS = st.sampled_from(["", "\n", "\r\n"])


@st.composite
def x12_interchanges(draw: st.DrawFn) -> str:
    forbidden = str.maketrans(dict.fromkeys("*~>"))
    messages: list[list[str]] = []
    for _ in range(draw(st.integers(1, 4))):
        body = [f"N9*{value.translate(forbidden)}" for value in draw(st.lists(VALUES, max_size=3))]
        kind = draw(st.sampled_from(["856", "820", "940"]))
        messages.append(x12_message(kind, draw(st.sampled_from(["0001", "0002"])), body))
    return x12(
        *messages, reference=draw(st.integers(1, 3)), groups=draw(st.integers(1, 3)),
        end="~" + draw(LINE_ENDS), sender=draw(st.sampled_from(["WH", "OTHER"])),
    )  # fmt: skip


@st.composite
def edifact_interchanges(draw: st.DrawFn) -> str:
    messages: list[list[str]] = []
    for _ in range(draw(st.integers(1, 4))):
        body = [
            "FTX+" + "".join(f"?{c}" if c in "?+:'" else c for c in value)
            for value in draw(st.lists(VALUES, max_size=3))
        ]
        kind = draw(st.sampled_from(["DESADV", "PRICAT"]))
        messages.append(edifact_message(kind, draw(st.sampled_from(["1", "A?+B"])), body))
    return edifact(
        *messages, reference=draw(st.sampled_from(["R1", "R?'2"])), end="'" + draw(LINE_ENDS),
        advice=draw(st.sampled_from(["", "UNA:+.? '", "UNA:+,? '"])),
    )  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    interchanges=st.lists(st.one_of(x12_interchanges(), edifact_interchanges()), min_size=1, max_size=4),
    by=st.sampled_from(By), window=st.sampled_from([600, 1 << 20]),
)  # fmt: skip
def test_the_parts_hold_the_same_messages(interchanges: list[str], by: By, window: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = written(folder, "".join(interchanges))
        reading = open_edi(path, path.name, encoding=BYTES, window=window)
        parts = edi_parts.take_apart(reading, folder / "parts", by)
        assert not parts.left_out
        there = {path.name for path in (folder / "parts").iterdir()}
        assert there == {part.path.name for part in parts.written}
        assert read_back(folder / "parts") == messages_of(path)
