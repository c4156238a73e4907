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


def test_delimited_text_comes_later(call: Call, folder: Path) -> None:
    (folder / "orders.csv").write_text("no;qty\nA1;2\n")
    said = call("mapping", "init", "orders.csv")
    assert said.code == 2
    assert said.err.startswith(
        "error: no interchange begins in orders.csv; `mapping init` for delimited text is not built yet\n"
    )
    assert call("mapping", "init", "gone.edi").code == 2


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


def test_text_of_fixed_width_is_called_what_it_is(call: Call, folder: Path) -> None:
    lines = [
        f"{n:05}  {name:<12}{qty:>4}  DE\n"
        for n, name, qty in ((1, "Jörg", 5), (2, "Ana", 11), (3, "Zoë", 1234))
    ]
    (folder / "orders.txt").write_text("".join(lines), encoding="cp1252")

    said = call("mapping", "init", "orders.txt")

    assert said.code == 2
    assert (
        "orders.txt looks like text of fixed width; `mapping init` for it is not built yet"
        in said.err
    )
    source = "source: {format: fixed, positions: {column_1: 1-7, column_2: 8-19, column_3: 20-25, column_4: 26-27}}"
    assert source in " ".join(said.err.split())
