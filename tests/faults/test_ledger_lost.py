"""A ledger that had to be given up (FAULTS L3)."""

import json
import shutil

import pytest

from pipeline.run import flow
from pipeline.send import attempts
from tests.faults.site import IMPORT, Trial


@pytest.fixture
def at_parcellab(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox counts as parcelLab's own API; nobody waits between two looks."""
    monkeypatch.setattr(flow, "is_parcellab", lambda _: True)
    monkeypatch.setattr(attempts, "_READ_PAUSE_S", 0.0)


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


@pytest.mark.thorough
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


@pytest.mark.thorough
@pytest.mark.usefixtures("at_parcellab")
def test_an_account_that_moves_to_another_address_is_read_back(
    trial: Trial,
) -> None:
    """Two names of one API: the ledger keeps them apart, parcelLab may have one account (K2)."""
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


def test_with_an_older_copy_of_the_ledger_no_line_is_added_twice(trial: Trial) -> None:
    home = trial.site.home
    assert trial.command("plan", *IMPORT[1:]) == 0
    shutil.copy(home / "ledger.db", home / "backup.db")
    assert trial.command() == 0
    for end in ("", "-wal", "-shm"):
        (home / f"ledger.db{end}").unlink(missing_ok=True)
    shutil.copy(home / "backup.db", home / "ledger.db")
    few = trial.site.inbox / "orders_few.csv"
    rows = (trial.site.inbox / "orders.csv").read_text().splitlines(keepends=True)
    few.write_text("".join(rows[:3]))
    assert trial.command("run", "-m", "inbox/orders.yaml", "inbox/orders_few.csv") == 0, trial.said
    assert "does not know run" in trial.said
    few.unlink()

    code = trial.command()

    verdict = trial.site.verdict(code, redundant_max=22)
    assert verdict.ok, str(verdict)


@pytest.mark.thorough
@pytest.mark.usefixtures("at_parcellab")
def test_a_production_ledger_that_is_not_where_it_was_adds_no_line_twice(
    trial: Trial,
) -> None:
    """Such as a volume that was not mounted tonight: nobody asked for a new ledger."""
    assert trial.command() == 0
    assert "knows of no earlier run for account 1618, so every order counts as new" in trial.said
    assert trial.command() == 0
    assert "no earlier run" not in trial.said
    trial.site.home.rename(trial.site.home.with_name("elsewhere"))

    code = trial.command()

    assert "knows of no earlier run" in trial.said
    verdict = trial.site.verdict(code, redundant_max=20)
    assert verdict.ok, str(verdict)


@pytest.mark.thorough
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
