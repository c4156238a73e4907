"""A ledger that had to be given up (FAULTS L3)."""

from tests.faults.site import IMPORT, Trial


def test_l3_with_a_new_ledger_what_must_not_be_repeated_is_read_back_first(trial: Trial) -> None:
    assert trial.command() == 0
    (trial.site.home / "ledger.db").write_bytes(b"no database at all" * 100)
    assert trial.command() == 11

    code = trial.command(*IMPORT, "--new-ledger")

    assert code == 0, trial.said
    # every order is sent again, which is the same; no line is added a second time
    verdict = trial.site.verdict(code, redundant_max=20)
    assert verdict.ok, str(verdict)
    assert verdict.counts["puts"] == 40
    assert trial.command() == 0
    assert trial.site.verdict(0, redundant_max=20).counts["puts"] == 40
