"""The EDI samples: the generator's bookkeeping against the product's."""

import csv
import importlib.util
import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipeline.model.rules import RULES
from pipeline.read import open_edi
from tests.golden.product import SAMPLES, Finding, Product, Ran, product

MAPPINGS = SAMPLES.parent / "mappings" / "edi"
# which mapping reads which file of a sample
READ_BY = {
    "edi-945-night": {"release.edi": "x12-940", "advice.edi": "x12-945"},
    "edi-856-cartons": {"asn.edi": "x12-856"},
    "edi-desadv-pallets": {"despatch.edi": "edifact-desadv"},
    "edi-orders-ordchg": {"orders.edi": "edifact-orders", "changes.edi": "edifact-ordchg"},
    "edi-214-events": {"events.edi": "x12-214"},
    "edi-iftsta-events": {"events.edi": "edifact-iftsta"},
}
_OF_A_ROW = re.compile(r", segment ([0-9]+)$")


def _generator() -> ModuleType:
    path = SAMPLES / "edi" / "generate.py"
    spec = importlib.util.spec_from_file_location("edi_generate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _planted(folder: Path) -> list[dict[str, str]]:
    with (folder / "planted.csv").open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _expected(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return read


def _plan(made: Product, folder: Path, name: str) -> Ran:
    return made.plan([MAPPINGS / f"{READ_BY[folder.name][name]}.yaml"], [folder / name])


def _found(findings: list[Finding]) -> set[tuple[int, int, str, str, str]]:
    """Findings by place, code, column and value; that of a message not again for each of its rows."""
    told = [each for each in findings if each["code"] != "H001"]
    return {
        (each["segment"], each["line"], each["code"], each["column"] or "", each["value"] or "")
        for each in told
        if not (each["code"].startswith("E") and _OF_A_ROW.search(each["detail"] or ""))
    }


def _facts(payload: dict[str, Any]) -> dict[str, Any]:
    """Lines, parcels and changes of a payload, as the generator writes them down."""
    facts: dict[str, Any] = {}
    lines = {each["line_item_id"]: each["quantity"] for each in payload.get("articles_order", [])}
    parcels, changes = {}, []
    for change in payload.get("mutations", []):
        if change["type"] != "add_tracking":
            changes.append(_change(change))
            continue
        parcel = change["tracking"]
        told = {each["line_item_id"]: each["quantity"] for each in parcel.get("articles", [])}
        events = [each["courier_status"] for each in parcel.get("checkpoints", [])]
        parcels[parcel["tracking_number"]] = {
            "courier": parcel["courier"], "articles": told, **({"events": events} if events else {})
        }  # fmt: skip
    named = {"lines": lines, "parcels": parcels, "changes": changes}
    facts.update((name, value) for name, value in named.items() if value)
    return facts


def _change(change: dict[str, Any]) -> list[Any]:
    line = change.get("line_item") or change.get("new_line_item") or change
    named = change.get("line_item_id") or change.get("old_line_item_id") or line.get("line_item_id")
    return [change["type"], named or "", line.get("quantity", 0)]


def test_committed_files_are_the_output_of_the_generator() -> None:
    made = _generator().build()
    assert {name.split("/")[0] for name in made} == set(READ_BY)
    for name, content in made.items():
        assert (SAMPLES / name).read_bytes() == content, name


def test_planted_faults_are_of_envelopes_structure_elements_and_content() -> None:
    codes = {fault["code"] for name in READ_BY for fault in _planted(SAMPLES / name)}
    assert codes <= set(RULES)
    assert {code[:2] for code in codes} == {"E1", "E2", "E3", "R2", "R3", "R4"}
    assert len(codes) >= 15


@pytest.mark.parametrize("name", READ_BY)
def test_files_consist_of_what_was_written(name: str) -> None:
    for file, facts in _expected(SAMPLES / name)["files"].items():
        read = open_edi(SAMPLES / name / file, file).envelopes
        assert read.segments == facts["segments"]
        assert read.messages.height == facts["messages"]
        assert len(read.interchanges) == facts["interchanges"]


@pytest.mark.parametrize("name", READ_BY)
def test_every_planted_fault_is_found_at_its_place_and_nothing_else(
    name: str, tmp_path: Path
) -> None:
    folder = SAMPLES / name
    with product(tmp_path) as made:
        for file in READ_BY[name]:
            found = _found(_plan(made, folder, file).findings)
            told = {
                (int(p["segment"]), int(p["line"]), p["code"], p["column"], p["value"])
                for p in _planted(folder)
                if p["file"] == file
            }
            assert told - found == set()
            assert found - told == set()


@pytest.mark.parametrize("name", READ_BY)
def test_what_goes_out_is_what_the_warehouse_wrote(name: str, tmp_path: Path) -> None:
    folder, expected = SAMPLES / name, _expected(SAMPLES / name)
    sent: dict[str, Any] = {}
    held: set[str] = set()
    with product(tmp_path) as made:
        for file in READ_BY[name]:
            if name == "edi-945-night" and file == "release.edi":
                continue
            ran = _plan(made, folder, file)
            later = " changed" if file == "changes.edi" else ""
            for payload in map(json.loads, ran.payloads):
                sent[payload["order_number"] + later] = _facts(payload)
            outcomes = ran.orders.select("order_number", "key", "outcome").rows()
            held |= {number or key for number, key, fate in outcomes if fate == "held_back"}

    assert sent == expected["sent"]
    assert held - {None} == set(expected["held_orders"]) | (
        {"WH-7300006"} if name == "edi-orders-ordchg" else set()
    )


@pytest.mark.thorough
def test_the_night_is_released_and_answered(tmp_path: Path) -> None:
    """940 creates the orders, 945 adds their parcels; the same files again send nothing."""
    folder, expected = SAMPLES / "edi-945-night", _expected(SAMPLES / "edi-945-night")
    with product(tmp_path) as made:
        release = [MAPPINGS / "x12-940.yaml"], [folder / "release.edi"]
        advice = [MAPPINGS / "x12-945.yaml"], [folder / "advice.edi"]
        created = made.run(*release)
        answered = made.run(*advice)
        before = len(made.sandbox.puts())
        assert Counter(created.orders.get_column("outcome")) == {"created": 80}
        assert Counter(answered.orders.get_column("outcome"))["updated"] == len(expected["sent"])
        again = made.run(*advice)
        assert len(made.sandbox.puts()) == before
        assert Counter(again.orders.get_column("outcome"))["unchanged"] == len(expected["sent"])


@pytest.mark.thorough
def test_changes_arrive_after_the_orders(tmp_path: Path) -> None:
    folder = SAMPLES / "edi-orders-ordchg"
    with product(tmp_path) as made:
        made.run([MAPPINGS / "edifact-orders.yaml"], [folder / "orders.edi"])
        changed = made.run([MAPPINGS / "edifact-ordchg.yaml"], [folder / "changes.edi"])
    assert Counter(changed.orders.get_column("outcome")) == {"updated": 5, "held_back": 1}
