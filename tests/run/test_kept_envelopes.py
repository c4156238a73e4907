"""What a run writes down of its EDI files comes back as it was."""

from pathlib import Path

from pipeline.model.edi.envelope import Problem
from pipeline.read import open_edi
from pipeline.run.folder import RunFolder
from pipeline.run.verdicts import EdiFile, keep, kept
from tests.run.inbox import interchange, order

EDIFACT = (
    "UNA:+,? 'UNB+UNOC:3+PARTNER:14+PARCELLAB:ZZ+261120:1200+77'UNH+1+ORDERS:D:96A:UN'"
    "BGM+220+A1+9'UNT+4+1'UNZ+1+77'"
)


def test_envelopes_problems_and_verdicts_are_the_same_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.make()
    files = []
    for index, text in enumerate(
        (interchange(("850", order("A1")), ("850", order("A2"))), EDIFACT)
    ):
        path = tmp_path / f"{index}.edi"
        path.write_text(text, encoding="ascii")
        envelopes = open_edi(path, path.name).envelopes
        inside = (Problem("E301", 1, 4, "", "why", "BEG*03", 0),)
        reads = frozenset({(0, "850")})
        files.append(EdiFile(index, path.name, str(index), envelopes, inside, reads))

    keep(folder, files)
    again = kept(folder)

    assert [file.problems for file in again] == [file.problems for file in files]
    for old, new in zip(files, again, strict=True):
        assert new.envelopes.interchanges == old.envelopes.interchanges
        assert new.envelopes.groups == old.envelopes.groups
        assert new.envelopes.problems == old.envelopes.problems
        assert new.envelopes.messages.equals(old.envelopes.messages)
        assert new.envelopes.messages.schema == old.envelopes.messages.schema
        assert new.verdict(0) == old.verdict(0)
        assert (new.rejected, new.key(0)) == (old.rejected, old.key(0))
    assert again[1].envelopes.interchanges[0].delimiters.advice == b"UNA:+,? '"
    assert any(problem.code == "E110" for problem in again[1].envelopes.problems)


def test_a_file_without_messages_comes_back_too(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.make()
    path = tmp_path / "a.edi"
    path.write_text(interchange(), encoding="ascii")
    envelopes = open_edi(path, path.name).envelopes
    keep(folder, [EdiFile(0, "a.edi", "0", envelopes, (), frozenset())])

    [again] = kept(folder)

    assert again.envelopes.messages.equals(envelopes.messages)
    assert again.rejected == frozenset()
