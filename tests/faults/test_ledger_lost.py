"""A ledger that had to be given up (FAULTS L3)."""

import json

import pytest

from pipeline.run import flow
from tests.faults.site import IMPORT, Trial


def _lose_it(trial: Trial) -> None:
    assert trial.command() == 0
    (trial.site.home / "ledger.db").write_bytes(b"no database at all" * 100)
    assert trial.command() == 11


def test_l3_with_a_new_ledger_what_must_not_be_repeated_is_read_back_first(trial: Trial) -> None:
    _lose_it(trial)

    code = trial.command(*IMPORT, "--new-ledger")

    assert code == 0, trial.said
    # every order is sent again, which is the same; no line is added a second time
    verdict = trial.site.verdict(code, redundant_max=20)
    assert verdict.ok, str(verdict)
    assert verdict.counts["puts"] == 40
    assert trial.command() == 0
    assert trial.site.verdict(0, redundant_max=20).counts["puts"] == 40


@pytest.mark.parametrize(
    ("given", "code"),
    [((*IMPORT[:-1], "inbx"), 4), ((*IMPORT, "--max-orders", "1"), 7)],
    ids=["a mistyped folder", "a guard"],
)
def test_l3_what_stops_the_command_with_the_new_ledger_does_not_lose_the_doubt(
    trial: Trial, given: tuple[str, ...], code: int
) -> None:
    _lose_it(trial)
    assert trial.command(*given, "--new-ledger") == code, trial.said
    assert trial.command(*IMPORT, "--new-ledger") == 2  # this one is in order

    code = trial.command()

    verdict = trial.site.verdict(code, redundant_max=20)
    assert verdict.ok, str(verdict)


def test_an_account_that_moves_to_another_address_is_read_back(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two names of one API: the ledger keeps them apart, parcelLab may have one account (K2)."""
    monkeypatch.setattr(flow, "is_parcellab", lambda _: True)
    assert trial.command() == 0
    config = trial.site.folder / "pipeline.toml"
    config.write_text(config.read_text().replace("127.0.0.1", "localhost"))

    assert trial.command() == 0

    assert "was imported at http://127.0.0.1" in trial.said
    puts = [json.loads(put.body) for put in trial.site.sandbox.puts()]
    added = [
        (each["order_number"], change["operation_id"])
        for each in puts
        for change in each.get("mutations", ())
        if change["type"] == "add_line_item"
    ]
    assert len(added) == len(set(added)) == 4


def test_l3_what_is_imported_later_is_read_back_too(trial: Trial) -> None:
    _lose_it(trial)
    few = trial.site.inbox / "orders_few.csv"
    rows = (trial.site.inbox / "orders.csv").read_text().splitlines(keepends=True)
    few.write_text("".join(rows[:3]))
    only = ("run", "-m", "inbox/orders.yaml", "inbox/orders_few.csv")
    assert trial.command(*only, "--new-ledger") == 0, trial.said
    few.unlink()

    code = trial.command()

    verdict = trial.site.verdict(code, redundant_max=22)
    assert verdict.ok, str(verdict)
