"""Acknowledgements: written once, numbered once, handed over once, also after a crash."""

from pathlib import Path

import pytest

from pipeline.ledger import Ledger
from pipeline.read import open_edi
from pipeline.run import Result
from pipeline.run.acknowledgements import OutboxMissing
from pipeline.run.clock import clock
from tests.run.conftest import Warehouse
from tests.run.inbox import PARCELS_945, Inbox, interchange, order, parcel

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


@pytest.mark.thorough
def test_an_answer_that_changes_back_is_given_again(inbox: Inbox, out: Path) -> None:
    inbox.send(interchange(("850", order("A1"))))
    told = []
    for agreed in (ACME, ACME + 'messages = ["945"]\n') * 2:
        inbox.agree(agreed, acks=out)
        told += [segments(path)[-4] for path in written(inbox, inbox.run())]

    assert told == ["AK9*A*1*1*1", "AK9*R*1*1*0"] * 2
    assert written(inbox, inbox.run()) == []


@pytest.mark.parametrize("kinds", ['["997"]', '["997", "TA1"]', '["999"]'])
@pytest.mark.thorough
def test_a_duplicate_is_rejected_as_an_interchange_only(
    inbox: Inbox, out: Path, kinds: str
) -> None:
    inbox.agree(ACME.replace('["997"]', kinds), acks=out)
    inbox.send(interchange(("850", order("A1"))), "a.edi")
    inbox.run()
    inbox.send(interchange(("850", order("A1")), ("850", order("A2"))), "b.edi")

    result = inbox.run()

    # a 997 would reject 0001, which the first one accepted
    [path] = written(inbox, result)
    assert path.name.startswith("TA1-ACME-")
    assert segments(path)[1] == "TA1*000000905*261120*1200*R*025"


# --- what this run does not read -----------------------------------------------------------------

BOTH = interchange(("850", order("A1")), ("945", parcel("A9", "P1")))


def warned(inbox: Inbox) -> list[str]:
    told = inbox.warehouse.told.events
    return [str(f["text"]) for level, _, f in told if level == "warning" and "acknowledged" in str(f["text"])]  # fmt: skip


def test_what_a_run_reads_nothing_of_is_not_acknowledged(inbox: Inbox, out: Path) -> None:
    inbox.agree(ACME + 'mappings = {945 = "parcels.yaml"}\n', acks=out)
    (inbox.folder / "parcels.yaml").write_text(PARCELS_945, encoding="utf-8")
    inbox.send(interchange(("945", parcel("A9", "P1"))))

    result = inbox.run_with("orders.yaml")

    assert written(inbox, result) == []
    assert inbox.facts(result)[0]["acks"] == []
    [text] = warned(inbox)
    assert text == (
        "in.edi: interchange 000000905 of partner acme is not acknowledged: no mapping of this run "
        f"reads messages 945 ({inbox.folder / 'parcels.yaml'} does); give all mappings in one run"
    )


@pytest.mark.thorough
def test_what_a_run_reads_in_part_waits_for_one_that_reads_it_whole(
    inbox: Inbox, out: Path
) -> None:
    inbox.agree(ACME.replace('"997"', '"997", "TA1"'), acks=out)
    (inbox.folder / "parcels.yaml").write_text(PARCELS_945, encoding="utf-8")
    inbox.send(BOTH)

    assert written(inbox, inbox.run_with("orders.yaml")) == []
    assert written(inbox, inbox.run_with("parcels.yaml")) == []
    assert [text.partition(": ")[2].partition(" (")[0] for text in warned(inbox)] == [
        "interchange 000000905 of partner acme is not acknowledged: no mapping of this run reads messages 945",
        "interchange 000000905 of partner acme is not acknowledged: no mapping of this run reads messages 850",
    ]  # fmt: skip
    assert 'transaction: "945"' in warned(inbox)[0]
    assert "`messages` of [partner.acme]" in warned(inbox)[0]

    whole = inbox.run_with("orders.yaml", "parcels.yaml")
    ta1, functional = sorted(written(inbox, whole), reverse=True)
    assert segments(ta1)[1].endswith("*A*000")
    assert [each for each in segments(functional) if each[:3] in {"AK2", "AK5"}] == [
        "AK2*850*0001", "AK5*A", "AK2*945*0002", "AK5*A",
    ]  # fmt: skip

    assert written(inbox, inbox.run_with("orders.yaml")) == []  # it has its answer
    assert len(warned(inbox)) == 2


def test_what_the_partner_may_not_send_is_rejected_by_every_run(inbox: Inbox, out: Path) -> None:
    inbox.agree(ACME + 'messages = ["850"]\n', acks=out)
    inbox.send(BOTH, "both.edi")
    inbox.send(interchange(("945", parcel("A9", "P1")), reference="000000906"), "parcels.edi")

    both, parcels = (segments(path) for path in written(inbox, inbox.run()))

    assert [each for each in both if each.startswith("AK5")] == ["AK5*A", "AK5*R*1"]
    assert [each for each in parcels if each.startswith("AK5")] == ["AK5*R*1"]
    assert warned(inbox) == []


def test_a_type_that_no_mapping_can_read_is_rejected_beside_what_is_read(
    inbox: Inbox, out: Path
) -> None:
    inbox.agree(ACME, acks=out)
    invoice = ("810", "BIG*20261120*I1~")
    inbox.send(interchange(("850", order("A1")), invoice), "both.edi")
    inbox.send(interchange(invoice, reference="000000906"), "invoices.edi")

    [path] = written(inbox, inbox.run())

    assert [each for each in segments(path) if each[:3] in {"AK2", "AK5"}] == [
        "AK2*850*0001", "AK5*A", "AK2*810*0002", "AK5*R*1",
    ]  # fmt: skip
    [text] = warned(inbox)
    assert text.startswith(
        "invoices.edi: interchange 000000906 of partner acme is not acknowledged: no mapping of this "
        "run reads messages 810"
    )


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

    with pytest.raises(OutboxMissing, match="nowhere does not exist") as stop:
        inbox.run()
    assert stop.value.exit_code == 2
    assert stop.value.help == (
        f"make it (mkdir -p {tmp_path / 'nowhere'}), or correct acks_dir of [profile.sandbox]"
    )
    assert inbox.arrived() == []


# --- crashes -------------------------------------------------------------------------------------


class _Killed(BaseException):
    """Ends a run at once, as a signal that cannot be caught would; no code of ours expects it."""


STEPS = ("next_control_number", "put_acknowledgement")


@pytest.mark.thorough
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
