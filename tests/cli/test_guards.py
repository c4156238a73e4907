"""The guards at the command line: production refuses the past by itself, the sandbox does not."""

import shlex
from pathlib import Path

import pytest

from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import Call

PROD = '[profile.prod]\nbase_url = "{url}"\naccount = 1618\n'
TOKEN = {"PARCELLAB_TOKEN": "sandbox-token"}
DATED = """\
version: 1
name: dated
source: {files: "*.csv", timezone: UTC}
rows: {key: Nr}
order:
  order_number: Nr
  destination_country_iso3: Land
  recipient_email: EMail
  order_date: {from: Tag, format: "%Y-%m-%d"}
"""
RUN = ("run", "-m", "dated.yaml", "old.csv")


@pytest.fixture
def past(folder: Path, api: RunningSandbox) -> Path:
    """Twenty-five orders of 2023, and a profile of production that is the sandbox."""
    (folder / "dated.yaml").write_text(DATED)
    rows = [f"A{n},DE,a{n}@example.com,2023-05-04" for n in range(25)]
    (folder / "old.csv").write_text("\n".join(["Nr,Land,EMail,Tag", *rows, ""]))
    (folder / "pipeline.toml").write_text(PROD.format(url=api.base_url))
    return folder


def test_production_refuses_orders_of_2023_even_with_yes(
    call: Call, past: Path, api: RunningSandbox
) -> None:
    prod = (*RUN, "--profile", "prod", "--yes")
    said = call(*prod, env=TOKEN)
    assert said.code == 7
    assert (
        "error[C126]: 25 of 25 orders to send are new, older than 30 days and carry an e-mail"
        " address: parcelLab may write to these customers\n"
    ) in said.err
    assert "--backfill" in said.err
    assert api.requests() == []

    assert "C126" in call("plan", *RUN[1:], "--profile", "prod", env=TOKEN).out
    assert call(*prod, "--old-orders", "warn", env=TOKEN).code == 0
    assert len(api.orders()) == 25
    assert past.is_dir()


def test_a_configuration_may_say_otherwise(call: Call, past: Path, api: RunningSandbox) -> None:
    with (past / "pipeline.toml").open("a") as file:
        file.write('old_orders = "off"\n')
    assert call(*RUN, "--profile", "prod", "--yes", env=TOKEN).code == 0
    assert len(api.orders()) == 25


def test_nobody_gets_mail_from_a_sandbox(call: Call, past: Path) -> None:
    said = call(*RUN)
    assert (said.code, said.out.split(":")[0]) == (0, "ALL IMPORTED")
    assert call("plan", *RUN[1:], "--old-orders", "stop").code == 2  # for what sends only
    assert past.is_dir()


def test_a_backfill_says_whom_it_reaches_before_it_asks(
    call: Call, past: Path, api: RunningSandbox
) -> None:
    said = call(*RUN, "--profile", "prod", "--backfill", env=TOKEN)
    assert said.code == 2
    told = (
        "25 of 25 orders to send carry a real e-mail address;"
        " 25 have no tracking, and nothing in these keeps parcelLab silent"
    )
    assert told in said.err
    assert said.err.index(told) < said.err.index("there is no terminal to ask: Backfill: send 25")
    assert "--yes" in said.err
    assert api.requests() == []
    assert call(*RUN, "--profile", "prod", "--backfill", "--yes", env=TOKEN).code == 0
    assert past.is_dir()


@pytest.mark.thorough
def test_corrected_rows_of_long_ago_are_asked_about_too(
    call: Call, past: Path, api: RunningSandbox
) -> None:
    file = past / "old.csv"
    file.write_text(file.read_text().replace("@", " at "))
    prod = ("--profile", "prod", "--yes")
    assert call(*RUN, *prod, "--max-reject-rate", "off", env=TOKEN).code == 3
    [rejected] = (past / "reports").glob("*/rejected/*.csv")
    rejected.write_text(rejected.read_text(encoding="utf-8-sig").replace(" at ", "@"))

    said = call("retry", *prod, str(rejected), env=TOKEN)

    assert (said.code, api.requests()) == (7, [])
    assert "error[C126]" in said.err
    again = said.out.partition("go on: pipeline ")[2].splitlines()[0]
    assert "--old-orders warn" in again
    assert call(*shlex.split(again), "--yes", env=TOKEN).code == 0
    assert len(api.orders()) == 25


@pytest.mark.thorough
def test_a_share_that_is_set_counts_for_small_files(
    call: Call, past: Path, api: RunningSandbox
) -> None:
    rows = (past / "old.csv").read_text().splitlines()
    for night in range(3):
        (past / "old.csv").write_text("\n".join([*rows, f"B{night},DE,b@example.com,2023-05-04\n"]))
        assert call(*RUN).code == 0
    (past / "old.csv").write_text("\n".join([*rows[:3], ""]))

    said = call(*RUN, "--max-row-drop", "50%")

    assert said.code == 7
    assert "error[C124]: old.csv has 2 rows, usually at least 26 (in its last 3 runs)" in said.err
    assert "--max-row-drop off" in said.err
    assert call(*RUN).code == 0
    assert len(api.puts()) == 28
