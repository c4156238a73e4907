"""edi show: the tree, its findings, what is hidden, and how it ends."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.read.edi.batches import open_edi
from pipeline.read.edi.show import Line, Tally, entries
from tests.cli.conftest import Call
from tests.cli.edi_files import (
    DESADV,
    NOTICE,
    edifact,
    edifact_message,
    ship_notice,
    written,
    x12,
    x12_message,
)


def test_a_ship_notice_is_a_tree_of_its_levels(call: Call, folder: Path) -> None:
    written(folder, x12(ship_notice()))
    said = call("edi", "show", "night.edi", "--no-names")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "line  seg",
        "   1    1  interchange 000000007  WAREHOUSE (ZZ) → SHOP (ZZ)  2026-11-19 02:05  version 00401  TEST",
        "             ISA*00*          *00*          *ZZ*WAREHOUSE      *ZZ*SHOP           *261119*0205*U*00401*000000007*0*T*>",
        "   2    2    group 70  SH  WH → SHOP  version 004010",
        "               GS*SH*WH*SHOP*20261119*0205*70*X*004010",
        "",
        "   3    3      message 1  856 ship notice  reference 0001",
        "                 ST*856*0001",
        "   4    4        BSN*00*S77*20261119*0801*0001",
        "   5    5        DTM*011*20261119",
        "   6    6        shipment 1  HL*1**S",
        "   7    7          TD5**2*UPSN",
        "   8    8          N1*ST*ADA MEYER",
        "   9    9            N3*LONG LANE 4",
        "  10   10            N4*HULL*QC*G1K8Y2*CA",
        "  11   11            PER*IC*ADA MEYER*TE*5550100",
        "  12   12          order 2  HL*2*1*O",
        "  13   13            PRF*PO-1",
        "  14   14            pack 3  HL*3*2*P",
        "  15   15              MAN*GM*00000715670002152360",
        "  16   16              item 4  HL*4*3*I",
        "  17   17                LIN*1*UP*0000000000642",
        "  18   18                SN1**12*EA",
        "  19   19          order 5  HL*5*1*O",
        "  20   20            PRF*PO-2",
        "  21   21            pack 6  in order 2  HL*6*2*P",
        "  22   22              MAN*GM*00000715670002152377",
        "  23   23        CTT*6",
        "  24   24        SE*22*0001",
        "  25   25      GE*1*70",
        "  26   26    IEA*1*000000007",
        "",
        "26 segments (22 in messages), 1 message: 1 accepted, 0 rejected",
        "  856  ship notice  1 accepted",
        "no findings",
    ]  # fmt: skip


def test_elements_have_names(call: Call, folder: Path) -> None:
    text = x12(ship_notice()) + edifact(edifact_message("DESADV", "1", DESADV))
    written(folder, text)
    out = call("edi", "show", "night.edi").out
    assert "party — role of the party: ST · name: ADA MEYER\n" in out
    assert (
        "sender, party: SHOP · sender, kind of party number: 14 · recipient, party: CARRIER" in out
    )
    assert "date or time — what the date is: 137 · date, time or period: 20261119" in out
    assert "NAD+DP+++JÖRG O?'HARA+M?+M STRASSE 1+KÖLN++50667+DE\n" in out
    assert "name 1: JÖRG O'HARA · " in out
    assert "M+M STRASSE 1" in out
    assert "packing level 2  CPS+2+1\n" in out
    assert "  856     ship notice      1 accepted\n  DESADV  despatch advice  1 accepted\n" in out


def test_findings_stand_at_their_segments(call: Call, folder: Path) -> None:
    bad = [*x12_message("856", "0002", NOTICE)[:-1], "SE*9*0002"]
    written(folder, "\ufeff" + x12(ship_notice(), bad), encoding="utf-8")
    said = call("edi", "show", "night.edi")
    assert said.code == 3
    lines = said.out.splitlines()
    assert lines[1].endswith("! E116 the file begins with a byte order mark")
    at = next(i for i, line in enumerate(lines) if "SE*9*0002" in line)
    assert lines[at + 2].strip() == "✖ E110 SE*01 declares 9, counted segments: 22"
    assert "message 2  856 ship notice  reference 0002  REJECTED: E110 at segment 46" in said.out
    assert "message 1  856 ship notice  reference 0001\n" in said.out
    assert lines[-5:] == [
        "  856  ship notice  1 accepted  1 rejected",
        "2 findings: 1 error, 1 warning",
        "  ✖ E110  1  Segment total differs",
        "  ! E116  1  Byte order mark",
        "What one means, and who fixes it: pipeline explain E110",
    ]


def test_only_problems(call: Call, folder: Path) -> None:
    bad = [*x12_message("856", "0002", NOTICE)[:-1], "SE*9*0002"]
    written(folder, x12(ship_notice(), bad))
    tree = call("edi", "show", "night.edi", "--problems", "--no-names").out.split("\n\n")
    assert [line[11:].strip().split("  ")[0] for line in (tree[0] + "\n" + tree[1]).splitlines()[1:]] == [
        "interchange 000000007", "group 70", "message 2", "SE*9*0002",
        "✖ E110 SE*01 declares 9, counted segments: 22",
    ]  # fmt: skip


def test_only_problems_of_a_file_without_one_says_so(call: Call, folder: Path) -> None:
    written(folder, x12(ship_notice("0001"), ship_notice("0002")))
    said = call("edi", "show", "night.edi", "--problems")
    assert said.code == 0
    assert said.out.splitlines()[:3] == [
        "no problems in 2 messages",
        "",
        "48 segments (44 in messages), 2 messages: 2 accepted, 0 rejected",
    ]
    assert "no problems in 1 message\n" in call(
        "edi", "show", "night.edi", "--problems", "--message", "2", "--segments"
    ).out  # fmt: skip


@pytest.mark.parametrize("wanted", ["2", "0002"])
def test_one_message_by_number_or_reference(call: Call, folder: Path, wanted: str) -> None:
    written(folder, x12(ship_notice("0001"), ship_notice("0002")))
    said = call("edi", "show", "night.edi", "--message", wanted)
    assert said.code == 0
    assert "ST*856*0002" in said.out
    assert "ST*856*0001" not in said.out
    assert "interchange 000000007" in said.out
    assert "22 segments, 1 message: 1 accepted, 0 rejected" in said.out


def test_a_message_that_is_not_there(call: Call, folder: Path) -> None:
    written(folder, x12(ship_notice()))
    said = call("edi", "show", "night.edi", "--message", "0002")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error[C101]: night.edi has no message 0002\n  help: it has 1;")


def test_segments_as_a_flat_list(call: Call, folder: Path) -> None:
    written(folder, x12(ship_notice(), end="\x15"))
    out = call("edi", "show", "night.edi", "--segments").out
    assert "\n   1   12  HL*2*1*O\n   1   13  PRF*PO-1\n" in out
    assert "order" not in out


def test_a_type_without_definition_is_shown_flat(call: Call, folder: Path) -> None:
    written(folder, x12(x12_message("753", "0001", ["BGN*00*A*20261119", "ZZ9*1\x0c2", "N1*ST*A"])))
    said = call("edi", "show", "night.edi")
    assert said.code == 0
    assert "753  reference 0001  no definition: its segments are not checked\n" in said.out
    assert "        ZZ9*1⟨0C⟩2\n" in said.out
    assert "role of the party: ST" in said.out


@pytest.mark.parametrize(
    ("text", "gone", "kept"),
    [
        (x12(ship_notice()), ("ADA", "MEYER", "LONG LANE", "HULL", "5550100", "G1K8Y2"),
         ("N1*ST*•••", "N4*•••*•••*•••*CA", "PER*IC*•••*TE*•••", "PO-1")),
        (edifact(edifact_message("DESADV", "1", DESADV)),
         ("JÖRG", "HARA", "STRASSE", "KÖLN", "50667", "ada@", "ADA"),
         ("NAD+DP+++•••+•••+•••++•••+DE", "COM+•••:EM", "DES-1")),
    ],
)  # fmt: skip
def test_a_mask_hides_people(
    call: Call, folder: Path, text: str, gone: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    written(folder, text)
    for more in ((), ("--json",)):
        out = call("edi", "show", "night.edi", "--mask", *more).out.replace("\\u2022", "•")
        assert not [word for word in gone if word in out]
        assert [word for word in kept if word in out] == list(kept)


def test_a_mask_hides_people_in_findings(call: Call, folder: Path) -> None:
    long = "ADALBERT " * 9
    written(folder, x12(x12_message("856", "0001", [*NOTICE[:4], f"N1*ST*{long}", *NOTICE[5:]])))
    assert (
        "E302 N1*02 should have a length of 1 to 60: ADALBERT"
        in call("edi", "show", "night.edi").out
    )
    masked = call("edi", "show", "night.edi", "--mask").out
    assert "ADALBERT" not in masked
    assert "E302 N1*02 should have a length of 1 to 60: •••" in masked


def test_json_carries_the_tree(call: Call, folder: Path) -> None:
    written(folder, x12([*ship_notice()[:-1], "SE*9*0001"]))
    document = call("--json", "edi", "show", "night.edi").json()
    assert document["exit"] == {"code": 3, "name": "partial"}
    assert document["summary"] == {
        "segments": 26, "segments_in_messages": 22, "messages": {"856": {"accepted": 0, "rejected": 1}},
        "findings": {"E110": 1}, "errors": 1,
    }  # fmt: skip
    kinds = [entry["kind"] for entry in document["tree"]]
    assert (kinds.count("segment"), kinds.count("level"), kinds.count("message")) == (26, 6, 1)
    trailer = next(entry for entry in document["tree"] if entry.get("tag") == "SE")
    assert trailer["elements"][0] == {
        "place": "SE*01", "name": "number of segments", "value": "9",
    }  # fmt: skip
    (finding,) = trailer["findings"]
    assert (finding["code"], finding["column"], finding["segment"]) == ("E110", "SE*01", 24)
    street = next(entry for entry in document["tree"] if entry.get("tag") == "N3")
    assert (street["loop"], street["message"]) == ("HL/N1", 1)


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (None, None, "night.edi does not exist"),
        (b"", "E101", "night.edi is empty"),
        (b"Nr;Land\n1;DE\n", "E101", "night.edi:1: no ISA, UNA or UNB is found"),
        (b"ISA*00*cut", "E102", "night.edi:1: this header does not say its"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", [("show",), ("split", "--into", "parts")])
def test_what_is_no_edi_is_refused_in_a_sentence(
    call: Call, folder: Path, content: bytes | None, code: str | None, says: str,
    verb: tuple[str, ...],
) -> None:  # fmt: skip
    if content is not None:
        (folder / "night.edi").write_bytes(content)
    said = call("edi", verb[0], "night.edi", *verb[1:])
    assert (said.code, said.out) == (4, "")
    assert said.err.startswith(f"error{f'[{code}]' if code else ''}: {says}")
    assert "Traceback" not in said.err
    assert not (folder / "parts").exists()


def test_every_finding_of_the_envelopes_is_shown(call: Call, folder: Path) -> None:
    text = "junk" + x12(ship_notice()) + "ISA*00*cut\n" + x12(ship_notice(), reference=8)[:-30]
    written(folder, text)
    found = call("--json", "edi", "show", "night.edi").json()["summary"]["findings"]
    envelopes = open_edi(folder / "night.edi", "night.edi").envelopes
    assert {problem.code for problem in envelopes.problems} <= set(found)
    assert {"E111", "E102", "E104"} <= set(found)


def test_a_file_in_pieces_is_shown_as_the_whole(folder: Path) -> None:
    path = written(folder, x12(*(ship_notice(f"{n:04}") for n in range(40)), groups=3))
    whole, cut = Tally(), Tally()
    one = list(entries(open_edi(path, "night.edi"), whole))
    many = list(entries(open_edi(path, "night.edi", window=1000), cut))
    assert one == many
    assert whole == cut
    assert sum(isinstance(entry, Line) for entry in one) == whole.segments == 40 * 22 + 8


def test_a_reader_that_leaves_is_no_error(folder: Path) -> None:
    written(folder, x12(*(ship_notice(f"{n:04}") for n in range(400))))
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "edi", "show", "night.edi"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().split() == [b"line", b"seg"]
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 0
    process.stderr.close()


def test_a_terminal_gets_colours_and_lines_of_its_width(folder: Path) -> None:
    written(folder, x12([*ship_notice()[:-1], "SE*9*0001"]))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "edi", "show", "night.edi"], cwd=folder, stdout=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},  # noqa: TID251 - the tests' own environment
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert process.wait(30) == 3
    text = seen.decode()
    assert "\x1b[1;31m✖ E110\x1b[0m" in text
    raw = next(line for line in text.splitlines() if "ISA*00" in line)
    assert raw.endswith("…")
    plain = [line for line in _without_style(text).splitlines() if "REJECTED" not in line]
    tree = plain[: plain.index("")]
    assert max(len(line) for line in tree if "→" not in line) <= 80


def _without_style(text: str) -> str:
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def test_a_stream_that_knows_ascii_only(shell: Call, folder: Path) -> None:
    written(folder, x12([*ship_notice()[:-1], "SE*9*0001"]))
    said = shell("edi", "show", "night.edi", env={"PYTHONIOENCODING": "ascii"})
    assert said.code == 3
    assert "x E110 SE*01 declares 9, counted segments: " in said.out
    assert "party - role of the party: ST ; name: ADA MEYER" in said.out
