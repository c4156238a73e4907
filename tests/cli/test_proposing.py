"""`pipeline mapping init`: to the screen or to a new file, and what comes of it."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.run.interchanges import FILES


@pytest.mark.thorough
@pytest.mark.parametrize("kind", FILES)
def test_what_it_writes_passes_check_and_plan(kind: str, call: Call, folder: Path) -> None:
    (folder / "night.edi").write_text(FILES[kind], encoding="utf-8")
    said = call("mapping", "init", "night.edi", "--timezone", "Europe/Berlin", "--out", "m.yaml")
    assert (said.code, said.out) == (0, "m.yaml\n")
    text = (folder / "m.yaml").read_text(encoding="utf-8")
    if '"<code>"' in text:
        refused = call("mapping", "check", "m.yaml", "night.edi")
        assert (refused.code, refused.out) == (1, "m.yaml cannot be used: 1 mistake\n")
        assert 'error[M217]: "<code>"' in refused.err
        filled = text.replace('"<code>"', '"D1"').replace('"<key>"', "Delivered")
        (folder / "m.yaml").write_text(filled, encoding="utf-8")
    checked = call("mapping", "check", "m.yaml", "night.edi")
    assert checked.code == 0, checked.err
    # columns that the mapping cannot do without are written though the file has no values
    needed = sum("but needed" in line for line in text.splitlines())
    assert checked.err.count("warning[W105]") == needed
    assert call("plan", "-m", "m.yaml", "night.edi").code in (0, 3)


def test_a_carrier_that_is_filled_in_makes_parcels(call: Call, folder: Path) -> None:
    (folder / "night.edi").write_text(FILES["945"], encoding="utf-8")
    call("mapping", "init", "night.edi", "--out", "m.yaml")
    said = call("plan", "-m", "m.yaml", "night.edi")
    assert "mutations: 2 add_tracking" in said.out
    (folder / "night.edi").write_text(FILES["945"].replace("UPSN", "NPLT"), encoding="utf-8")
    said = call("plan", "-m", "m.yaml", "night.edi")
    assert "R401" in said.out
    assert "add_tracking:" not in said.out


def test_of_a_damaged_file_it_warns(call: Call, folder: Path) -> None:
    (folder / "night.edi").write_text(FILES["945"].partition("IEA*")[0], encoding="utf-8")
    said = call("mapping", "init", "night.edi", "--out", "m.yaml")
    assert (said.code, said.out) == (0, "m.yaml\n")
    assert "THE FILE HAS ERRORS. An import would use none of its 1 message 945: E104" in said.err
    told = call("mapping", "init", "night.edi", "--json").json()["mappings"]
    assert told[0]["damage"][1] == "  E104 Interchange not closed: line 1, segment 1"


def test_nothing_is_written_over(call: Call, folder: Path) -> None:
    (folder / "night.edi").write_text(FILES["945"], encoding="utf-8")
    (folder / "m.yaml").write_text("mine")
    said = call("mapping", "init", "night.edi", "--out", "m.yaml")
    assert said.code == 2
    assert said.err == "error[C114]: m.yaml exists already\n  help: choose another --out\n"
    assert (folder / "m.yaml").read_text() == "mine"


def test_of_delimited_text_the_mapping_is_on_stdout_and_its_evidence_on_stderr(
    call: Call, folder: Path
) -> None:
    rows = "no;mail;land;preis;menge\nA1;a@example.com;DE;1.299,00;2\nA2;b@example.com;AT;49,90;1\n"
    (folder / "orders.csv").write_text(rows)
    said = call("mapping", "init", "orders.csv")
    assert said.code == 0
    assert said.out.startswith("# Proposed by `pipeline mapping init` from orders.csv: 2 rows.\n")
    assert "preis: 2 of 2 look like 1.234,56" in said.err
    (folder / "m.yaml").write_text(said.out)
    assert call("mapping", "check", "m.yaml", "orders.csv").code == 0
    assert call("mapping", "test", "m.yaml").code == 0
    assert call("plan", "-m", "m.yaml", "orders.csv").code == 0


def test_a_proposal_for_delimited_text_writes_nothing_over(call: Call, folder: Path) -> None:
    (folder / "orders.csv").write_text("no,mail,land\nA1,a@example.com,DE\n")
    assert call("mapping", "init", "orders.csv", "--out", "m.yaml").out == "m.yaml\n"
    said = call("mapping", "init", "orders.csv", "--out", "m.yaml")
    assert (said.code, "m.yaml exists already" in said.err) == (2, True)
    told = call("mapping", "init", "orders.csv", "--json").json()["mappings"]
    assert told[0]["files"] == ["orders.csv"]
    assert told[0]["mapping"] == (folder / "m.yaml").read_text()


def test_what_no_mapping_can_be_made_of_is_refused_in_a_sentence(call: Call, folder: Path) -> None:
    (folder / "people.csv").write_text("Vorname,Nachname\nJo,Reh\n")
    said = call("mapping", "init", "people.csv")
    assert said.code == 4
    assert said.err.startswith("error: no column of people.csv looks like an order number\n")
    assert "name it with --key" in said.err
    assert call("mapping", "init", "gone.csv").code == 2
    said = call("mapping", "init", "people.csv", "--message", "945")
    assert (said.code, "no interchange begins in people.csv" in said.err) == (2, True)


def test_files_of_different_shapes_get_a_mapping_each(call: Call, folder: Path) -> None:
    (folder / "orders.csv").write_text("no,mail,land\nA1,a@example.com,DE\n")
    (folder / "parcels.csv").write_text("order,parcel,carrier\nA1,340001,gls\n")
    said = call("mapping", "init", "orders.csv", "parcels.csv")
    assert said.out.count("\n---\n# Proposed by") == 1
    said = call("mapping", "init", "orders.csv", "parcels.csv", "--out", "m.yaml")
    assert (said.code, (folder / "m.yaml").exists()) == (2, False)
    (folder / "night.edi").write_text(FILES["945"], encoding="utf-8")
    said = call("mapping", "init", "night.edi", "orders.csv")
    assert (said.code, "name one EDI file at a time" in said.err) == (2, True)


def test_several_types_do_not_fit_into_one_file(call: Call, folder: Path) -> None:
    (folder / "night.edi").write_text(FILES["945"] + FILES["856"], encoding="utf-8")
    said = call("mapping", "init", "night.edi", "--out", "m.yaml")
    assert said.code == 2
    assert "has 945 and 856" in said.err
    assert not (folder / "m.yaml").exists()
    shown = call("mapping", "init", "night.edi")
    assert shown.code == 0
    assert shown.out.count("\n---\n# Proposed by") == 1
    assert "with --message" in shown.err
    assert call("mapping", "init", "night.edi", "--message", "856", "--out", "m.yaml").code == 0


def test_its_json_holds_the_text(call: Call, folder: Path) -> None:
    (folder / "night.edi").write_text(FILES["945"], encoding="utf-8")
    said = call("mapping", "init", "night.edi", "--json")
    (made,) = json.loads(said.out)["mappings"]
    assert made["message"] == "945"
    assert made["mapping"].startswith("# Proposed by")


def test_a_time_zone_must_exist(call: Call, folder: Path) -> None:
    (folder / "night.edi").write_text(FILES["214"], encoding="utf-8")
    said = call("mapping", "init", "night.edi", "--timezone", "Mars")
    assert said.code == 2
    assert "'Mars' is no time zone" in said.err


@pytest.mark.parametrize(("kind", "code"), [("214", "D1"), ("IFTSTA", "21")])
def test_no_events_are_told_until_somebody_says_what_they_are(
    kind: str, code: str, call: Call, folder: Path
) -> None:
    (folder / "night.edi").write_text(FILES[kind], encoding="utf-8")
    call("mapping", "init", "night.edi", "--timezone", "Europe/Berlin", "--out", "m.yaml")
    refused = call("plan", "-m", "m.yaml", "night.edi")
    assert (refused.code, "M217" in refused.err) == (2, True)
    text = (folder / "m.yaml").read_text(encoding="utf-8")
    assert text.count('"<code>": "<key>"') == 1
    (folder / "m.yaml").write_text(text.replace('"<code>": "<key>"', f'"{code}": Delivered'))
    said = call("plan", "-m", "m.yaml", "night.edi")
    assert (said.code, "mutations: 1 add_tracking" in said.out) == (0, True)
