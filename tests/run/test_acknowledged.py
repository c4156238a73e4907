"""Acknowledgements: written once, numbered once, handed over once, also after a crash."""

from pathlib import Path

import pytest

from pipeline.ledger import Ledger
from pipeline.read import open_edi
from pipeline.run import Result
from pipeline.run.clock import clock
from pipeline.run.folder import DiskUnusable
from tests.run.conftest import Warehouse
from tests.run.inbox import Inbox, interchange, order

ACME = '[partner.acme]\nsyntax = "x12"\nid = "ACME"\nacks = ["997"]\n'


@pytest.fixture
def inbox(warehouse: Warehouse) -> Inbox:
    return Inbox(warehouse)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def written(inbox: Inbox, result: Result) -> list[Path]:
    return sorted((inbox.warehouse.settings.home / "runs" / result.run_id / "acks").glob("*"))


def segments(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").strip("~").split("~")


def test_each_message_is_answered_as_the_findings_say(inbox: Inbox, out: Path) -> None:
    inbox.agree(ACME, acks=out)
    bad = order("A2").replace("BEG*00*SA*A2*", "BEG*00*SA**")
    inbox.send(interchange(("850", order("A1")), ("850", bad)))

    result = inbox.run()

    [path] = written(inbox, result)
    assert path.name == "997-ACME-000000001.edi"
    told = segments(path)
    assert [each for each in told if each.startswith("AK5")] == ["AK5*A", "AK5*R*5"]
    assert "AK3*BEG*2**8" in told
    assert (out / "acme" / path.name).read_bytes() == path.read_bytes()
    assert list((out / "acme").iterdir()) == [out / "acme" / path.name]
    assert open_edi(path, path.name).envelopes.problems == ()
    [fact] = inbox.facts(result)
    assert fact["acks"] == [path.name]
    assert result.text.endswith(
        f"1 acknowledgement (1 × 997) in {path.parent}; for the partners in {out / 'acme'}\n"
    )
    listed = result.summary["acknowledgements"]
    assert isinstance(listed, list)
    assert [(a["accepted"], a["rejected"], a["control"]) for a in listed] == [(1, 1, 1)]


def test_without_acks_of_the_partner_or_with_a_plan_nothing_is_written(
    inbox: Inbox, out: Path, tmp_path: Path
) -> None:
    inbox.agree('[partner.acme]\nsyntax = "x12"\nid = "ACME"\n', acks=out)
    inbox.send(interchange(("850", order("A1"))))
    assert written(inbox, inbox.run()) == []

    inbox.agree(ACME, acks=out)
    planned = inbox.warehouse.plan_to(tmp_path / "plan", str(inbox.folder))
    assert planned.exit_code == 0
    assert not (tmp_path / "plan" / "acks").exists()
    assert list(out.iterdir()) == []

    sent = inbox.warehouse.run_plan(tmp_path / "plan")
    assert [path.name for path in written(inbox, sent)] == ["997-ACME-000000001.edi"]


def test_a_run_that_a_safety_stop_ends_answers_nothing(inbox: Inbox, out: Path) -> None:
    inbox.agree(ACME, acks=out)
    inbox.send(interchange(("850", order("A1"))))

    assert written(inbox, inbox.run(min_rows=5)) == []
    assert list(out.iterdir()) == []


def test_the_same_file_with_the_same_findings_is_answered_once(inbox: Inbox, out: Path) -> None:
    inbox.agree(ACME, acks=out)
    inbox.send(interchange(("850", order("A1"))))
    inbox.run()

    assert written(inbox, inbox.run()) == []

    inbox.agree(ACME + 'messages = ["945"]\n', acks=out)
    [again] = written(inbox, inbox.run())
    assert "AK5*R*1" in segments(again)
    assert sorted(path.name for path in (out / "acme").iterdir()) == [
        "997-ACME-000000001.edi", "997-ACME-000000002.edi",
    ]  # fmt: skip


def test_a_duplicate_and_a_test_interchange_are_answered_with_a_rejection(
    inbox: Inbox, out: Path
) -> None:
    inbox.agree(ACME.replace('"997"', '"997", "TA1"') + "control_number = 700\n", acks=out)
    inbox.send(interchange(("850", order("A1"))), "a.edi")
    inbox.send(interchange(("850", order("A2"))), "b.edi")

    result = inbox.run()

    texts = {path.name: segments(path) for path in written(inbox, result)}
    assert sorted(texts) == [
        "997-ACME-000000701.edi", "997-ACME-000000703.edi", "TA1-ACME-000000700.edi",
        "TA1-ACME-000000702.edi",
    ]  # fmt: skip
    assert [name for name, told in texts.items() if any("*R*025" in each for each in told)] == [
        "TA1-ACME-000000702.edi"
    ]


def test_what_lies_in_an_outbox_is_never_written_over(inbox: Inbox, out: Path) -> None:
    inbox.agree(ACME, acks=out)
    (out / "acme").mkdir()
    (out / "acme" / "997-ACME-000000001.edi").write_text("of somebody else")
    inbox.send(interchange(("850", order("A1"))))

    inbox.run()

    assert (out / "acme" / "997-ACME-000000001.edi").read_text() == "of somebody else"
    assert (out / "acme" / "997-ACME-000000001-2.edi").exists()


def test_a_missing_folder_is_told_before_anything_is_sent(inbox: Inbox, tmp_path: Path) -> None:
    inbox.agree(ACME, acks=tmp_path / "nowhere")
    inbox.send(interchange(("850", order("A1"))))

    with pytest.raises(DiskUnusable, match="nowhere is not a folder"):
        inbox.run()
    assert inbox.arrived() == []


# --- crashes -------------------------------------------------------------------------------------


class _Killed(BaseException):
    """Ends a run at once, as a signal that cannot be caught would; no code of ours expects it."""


STEPS = ("next_control_number", "put_acknowledgement")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_run_killed_at_any_step_hands_each_answer_over_exactly_once(
    inbox: Inbox, out: Path, monkeypatch: pytest.MonkeyPatch, *, step: str, after: bool, nth: int
) -> None:
    inbox.agree(ACME, acks=out)
    inbox.send(interchange(("850", order("A1"))), "a.edi")
    inbox.send(interchange(("850", order("A2")), reference="000000906"), "b.edi")
    true_step = getattr(Ledger, step)
    calls = []

    def dies(self: Ledger, *given: object, **named: object) -> object:
        calls.append(step)
        if len(calls) == nth and not after:
            raise _Killed
        done = true_step(self, *given, **named)
        if len(calls) == nth:
            raise _Killed
        return done

    monkeypatch.setattr(Ledger, step, dies)
    with pytest.raises(_Killed):
        inbox.run()
    monkeypatch.undo()
    # what the partner's own program has fetched in between must not come again
    fetched = [path.name for path in (out / "acme").glob("*.edi")] if (out / "acme").exists() else []  # fmt: skip
    for name in fetched:
        (out / "acme" / name).unlink()

    result = inbox.warehouse.resume()

    assert result.exit_code == 0
    rest = sorted(path.name for path in (out / "acme").iterdir())
    assert len(fetched) + len(rest) == 2
    assert not set(fetched) & set(rest)
    assert inbox.arrived() == ["A1", "A2"]
    with Ledger.open(inbox.warehouse.settings.ledger, clock=clock) as ledger:
        used = ledger.next_control_number("x12", "PARCELLAB", "ACME") - 1
    # a number that was lost is never given again
    assert {name[9:18] for name in (*fetched, *rest)} <= {f"{n:09}" for n in range(1, used + 1)}
    listed = [name for each in inbox.facts(result) for name in each["acks"]]  # type: ignore[attr-defined]
    assert sorted(listed) == sorted([*fetched, *rest]) == [p.name for p in written(inbox, result)]
