"""A file that ends too early has one finding, wherever it is cut."""

from pathlib import Path

import pytest

from pipeline.acknowledge.codes import ROWS, Level
from pipeline.acknowledge.verdicts import verdicts
from pipeline.model.edi.envelope import Envelopes
from pipeline.read import open_edi, rejections
from tests.edi.samples import DESADV, ORDER_850, SHIPPED_945, edifact, x12

NIGHT = x12(("850", ORDER_850), ("945", SHIPPED_945)).replace("\n", "")
NOTICES = edifact(("DESADV", DESADV), ("DESADV", DESADV)).replace("\n", "")


def opened(text: str, folder: Path) -> Envelopes:
    (folder / "night.edi").write_text(text, encoding="ascii")
    return open_edi(folder / "night.edi", "night.edi").envelopes


@pytest.mark.parametrize(("text", "mark"), [(NIGHT, "~"), (NOTICES, "'")], ids=["x12", "edifact"])
def test_a_cut_anywhere_is_one_finding(text: str, mark: str, tmp_path: Path) -> None:
    header = text.index(mark, 20) + 1
    for size in range(header, len(text) - 1):
        found = opened(text[:size], tmp_path)
        assert [each.code for each in found.problems] == ["E104"], text[:size][-20:]
        assert found.interchanges[0].problems == list(found.problems)
        assert set(rejections(found)) == set(range(found.messages.height))
        (problem,) = found.problems
        within = f"; it ends within segment {found.segments}" if text[size - 1] != mark else ""
        assert problem.detail == within
    assert [each.code for each in opened(text[:-1], tmp_path).problems] == ["E117"]


def test_what_is_wrong_before_the_cut_is_still_said(tmp_path: Path) -> None:
    text = NIGHT.replace("SE*", "SE*1", 1)
    found = opened(text[: text.rindex("SE*")], tmp_path)
    assert [(each.code, each.message) for each in found.problems] == [("E104", -1), ("E110", 0)]


def test_a_group_that_is_open_tells_of_its_last_message(tmp_path: Path) -> None:
    head, tail = NIGHT[: NIGHT.rindex("SE*")], NIGHT[NIGHT.rindex("IEA*") :]
    assert [each.code for each in opened(head + tail, tmp_path).problems] == ["E107"]
    inner = NIGHT.index("SE*")
    missing = NIGHT[:inner] + NIGHT[NIGHT.index("~", inner) + 1 :]
    found = opened(missing[: missing.rindex("GE*")] + tail, tmp_path)
    assert [each.code for each in found.problems] == ["E109", "E107"]


def test_an_acknowledgement_still_names_every_missing_trailer(tmp_path: Path) -> None:
    (verdict,) = verdicts(opened(NIGHT[: NIGHT.rindex("SE*") + 4], tmp_path), [])
    assert [fault.row for fault in verdict.faults] == [ROWS["E104", Level.INTERCHANGE]]
    *_, group = verdict.groups
    assert [fault.row for fault in group.faults] == [ROWS["E107", Level.GROUP]]
    assert [fault.row for fault in group.messages[-1].faults] == [ROWS["E109", Level.MESSAGE]]
