"""Issue 2, "Bad input": each a one-sentence error with place and fix, its exit code, nothing sent."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import Call, Said, orders

RUN = ("run", "-m", "small.yaml", "orders.csv")


@pytest.fixture(autouse=True)
def nothing_is_sent(api: RunningSandbox, files: Path) -> Iterator[None]:
    """No case here may reach the API, and none may leave a copy of the input behind."""
    yield
    assert api.requests() == []
    runs = files / ".pipeline" / "runs"
    assert [path.name for path in runs.glob("*/snapshots")] == []


def complaint(said: Said) -> str:
    """What stderr says besides the log."""
    assert said.out == ""
    return re.sub(r"(?m)^\d{4}-\d\d-\d\dT.*\n", "", said.err)


def test_a_missing_file(call: Call) -> None:
    said = call("run", "-m", "small.yaml", "ordres.csv")
    assert said.code == 4
    assert complaint(said) == "error: ordres.csv does not exist\n  help: did you mean orders.csv?\n"


def test_a_glob_that_matches_nothing(call: Call) -> None:
    said = call("run", "-m", "small.yaml", "night-*.csv")
    assert said.code == 4
    assert complaint(said) == (
        "error: no file matches night-*.csv\n  help: check the folder and the pattern\n"
    )


def test_no_file_named_and_none_in_the_mapping(call: Call, files: Path) -> None:
    mapping = files / "small.yaml"
    mapping.write_text(mapping.read_text().replace('files: "*.csv"', "delimiter: ','"))
    said = call("run", "-m", "small.yaml")
    assert said.code == 2
    assert complaint(said) == (
        "error[C112]: no file is named, and small.yaml has no `source.files`\n"
        "  help: name files or folders after the options, or add `source: {files: …}`\n"
    )


def test_an_empty_file(call: Call, files: Path) -> None:
    (files / "orders.csv").write_bytes(b"")
    said = call(*RUN)
    assert said.code == 4
    assert complaint(said) == (
        "error: orders.csv is empty: it has not even a header\n"
        "  help: if rows were expected, ask for the file again\n"
    )


def test_a_header_without_a_mapped_column(call: Call, files: Path) -> None:
    (files / "orders.csv").write_text("Nr,Land,Mail\nA1,DE,a@example.com\n")
    said = call(*RUN)
    assert said.code == 4
    assert complaint(said) == (
        'error[M201]: unknown column "EMail"\n'
        " --> small.yaml:8:20\n"
        "  |\n"
        "8 |   recipient_email: EMail\n"
        "  |                    ^^^^^\n"
        '  = help: did you mean "Mail"?\n'
        "\n"
        "error: orders.csv does not have the columns that small.yaml names\n"
        "  help: its header is: Nr, Land, Mail\n"
    )


def test_a_file_that_is_none_of_the_mapping(call: Call, files: Path) -> None:
    (files / "orders.csv").write_text("Nr;Land;EMail\nA1;DE;a@example.com\n")
    said = call(*RUN)
    assert said.code == 4
    assert complaint(said) == (
        "error: orders.csv has none of the columns that small.yaml names\n"
        "  help: its header is: Nr;Land;EMail; look whether it is the right file, and whether ',' is its delimiter\n"
    )


def test_a_wrong_encoding_in_the_header(call: Call, files: Path) -> None:
    (files / "orders.csv").write_bytes(
        "Nr,Land,EMail,Größe\nA1,DE,a@example.com,\n".encode("cp1252")
    )
    said = call(*RUN)
    assert said.code == 4
    assert complaint(said) == (
        "error[R102]: the header cannot be read: byte 0xF6 is not valid in utf-8\n"
        "  --> orders.csv:1\n"
        "  help: correct `source.encoding` in the mapping, or ask for the file in that encoding\n"
    )


def test_a_wrong_encoding_in_the_rows(call: Call, files: Path) -> None:
    rows = "".join(f"A{n},DE,ü{n}@example.com\n" for n in range(20))
    (files / "orders.csv").write_bytes(("Nr,Land,EMail\n" + rows).encode("cp1252"))
    said = call(*RUN)
    assert said.code == 7
    assert said.err.endswith(
        "error[C122]: 20 of 20 orders (100%) would be held back, at most 20% are allowed\n"
        "  help: the report says why; raise --max-reject-rate to send the rest\n"
    )
    # it is made, and it names the cause
    assert "20 orders (20 rows)  R102  Byte not valid in the declared encoding: EMail" in said.out
    assert Path(said.out.rpartition("Report: ")[2].strip()).is_file()
    # and the plan names each byte's place
    planned = call("plan", "-m", "small.yaml", "orders.csv", "--out", "p")
    assert planned.code == 3
    assert (
        "20 orders (20 rows)  R102  Byte not valid in the declared encoding: EMail" in planned.out
    )


NINE = """\
version: 1
name: nine
rows: {key: Nr, skip: "Land ="}
source: {files: "*.csv"}
order:
  order_number: Nrr
  destination_country_iso3: {from: Land, do: [uper]}
  recipient_mail: EMail
  recipient_name: {template: "{Vorname} {Nachname}"}
  currency: {value: EURO}
  order_currency: {from: Land, as: currency}
  order_total_amount: {from: Nr, lookup: totals}
lines:
  fields: {sku: Artikel, quantty: Nr}
"""
NINE_TOLD = """\
error[M301]: this expression cannot be read
 --> nine.yaml:3:24
  |
3 | rows: {key: Nr, skip: "Land ="}
  |                        ^^^^^^
  = help: something is missing or too much; docs/mapping.md lists what there is

error[M105]: "recipient_email" is required to create an order and is not mapped
 --> nine.yaml:5:1
  |
5 | order:
  | ^^^^^
  = help: correct "recipient_mail" in line 8, map it, or set `mode: update_only`

error[M207]: unknown step "uper"
 --> nine.yaml:7:47
  |
7 |   destination_country_iso3: {from: Land, do: [uper]}
  |                                               ^^^^
  = help: did you mean "upper"?

error[M101]: parcelLab order has no field "recipient_mail"
 --> nine.yaml:8:3
  |
8 |   recipient_mail: EMail
  |   ^^^^^^^^^^^^^^
  = help: did you mean "recipient_email"?

error[M101]: parcelLab order has no field "currency"
  --> nine.yaml:10:3
   |
10 |   currency: {value: EURO}
   |   ^^^^^^^^
   = help: did you mean "order_currency"?

error[M104]: "currency" is not a type
  --> nine.yaml:11:36
   |
11 |   order_currency: {from: Land, as: currency}
   |                                    ^^^^^^^^
   = help: one of: text, integer, decimal, boolean, date, datetime, country

error[M205]: unknown lookup table "totals"
  --> nine.yaml:12:42
   |
12 |   order_total_amount: {from: Nr, lookup: totals}
   |                                          ^^^^^^
   = help: declare it under `lookups`

error[M107]: line item needs line_item_id
  --> nine.yaml:14:3
   |
14 |   fields: {sku: Artikel, quantty: Nr}
   |   ^^^^^^
   = help: map all of them, or none

error[M101]: parcelLab line item has no field "quantty"
  --> nine.yaml:14:26
   |
14 |   fields: {sku: Artikel, quantty: Nr}
   |                          ^^^^^^^
   = help: did you mean "quantity"?
"""


def test_a_mapping_with_nine_mistakes(call: Call, files: Path) -> None:
    (files / "nine.yaml").write_text(NINE)
    said = call("run", "-m", "nine.yaml", "orders.csv")
    assert said.code == 2
    assert complaint(said) == NINE_TOLD


def test_an_unwritable_ledger(call: Call, files: Path) -> None:
    (files / "closed").write_text("")
    said = call(*RUN, env={"PIPELINE_LEDGER": "closed/ledger.db"})
    assert said.code == 11
    assert complaint(said) == (
        f"error: cannot make the folder of the ledger {files}/closed: File exists\n"
        "  help: it must be a folder in which this user may write, on a disk with room (`ledger` in "
        "pipeline.toml names another); then run the same command again\n"
    )


def test_the_url_of_a_ledger_that_cannot_be_read(call: Call, files: Path) -> None:
    assert files.is_dir()
    said = call(*RUN, env={"PIPELINE_LEDGER": "postgresql://me:geheim@db:port/orders"})
    assert said.code == 11
    assert complaint(said).startswith(
        "error: the URL of the ledger cannot be read\n  help: it is written"
    )
    assert "geheim" not in said.out + said.err


def test_a_damaged_ledger(call: Call, files: Path) -> None:
    ledger = files / ".pipeline" / "ledger.db"
    ledger.parent.mkdir()
    ledger.write_bytes(b"no database at all" * 100)
    said = call(*RUN)
    assert said.code == 11
    assert complaint(said) == (
        f"error: ledger damaged at {ledger} (file is not a database)\n"
        "  help: nothing was sent; put back a copy of the ledger, or start a new one with"
        " `pipeline run --new-ledger`, which sends every order again\n"
    )


def test_a_new_ledger_in_place_of_a_good_one(call: Call, api: RunningSandbox, files: Path) -> None:
    orders(files)
    assert call(*RUN).code == 0
    said = call(*RUN, "--new-ledger")
    assert said.code == 2
    assert complaint(said) == (
        "error[C117]: the ledger is not damaged, so it is kept; nothing was sent\n"
        "  help: leave out --new-ledger\n"
    )
    assert api.requests() == []


def test_no_token_for_production(call: Call, api: RunningSandbox, files: Path) -> None:
    (files / "pipeline.toml").write_text(
        f'[profile.prod]\nbase_url = "{api.base_url}"\naccount = 1618\n'
    )
    said = call(*RUN, "--profile", "prod")
    assert said.code == 2
    assert complaint(said) == (
        f"error[C108]: there is no token for profile prod ({api.base_url}, account 1618);"
        " nothing was sent\n"
        "  help: set PARCELLAB_TOKEN or PARCELLAB_TOKEN_FILE, or token_command in [profile.prod]\n"
    )


@pytest.mark.parametrize("option", [("--limit", "1"), ("--only-order", "A1"), ("--backfill",)])
def test_an_option_that_would_change_a_plan(
    call: Call, files: Path, option: tuple[str, ...]
) -> None:
    assert call("plan", "-m", "small.yaml", "orders.csv", "--out", "p").code == 0
    said = call("run", "p", *option)
    assert said.code == 2
    assert complaint(said) == (
        f"error[C118]: {option[0]} changes nothing of a plan that is made already"
        f" (option {option[0]})\n"
        f"  help: give it to `pipeline plan`, and run that plan without {option[0]}\n"
    )
    assert files.is_dir()


def test_reports_that_cannot_be_written(call: Call, files: Path) -> None:
    (files / "closed").write_text("")
    said = call(*RUN, "--report-dir", "closed")
    assert said.code == 11
    assert complaint(said) == (
        f"error: cannot write to {files}/closed: File exists\n"
        "  help: make room or give this user the right to write there, then run the same command"
        " again\n"
    )


# --- one bad file among others -------------------------------------------------------------------


def test_several_empty_files(call: Call, files: Path) -> None:
    (files / "orders.csv").write_bytes(b"")
    (files / "more.csv").write_bytes(b"")
    said = call("run", "-m", "small.yaml", ".")
    assert said.code == 4
    assert complaint(said).startswith("error: more.csv is empty: it has not even a header\n")
