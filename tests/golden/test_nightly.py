"""The night at Lagerhaus Nord: the generator's bookkeeping against the product's."""

import csv
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.model.rules import RULES, Severity
from tests.golden.product import NIGHTLY, Product, Ran, product

MAPPINGS = [NIGHTLY / "orders.yaml", NIGHTLY / "shipments.yaml"]


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nightly_generate", NIGHTLY / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _planted() -> list[dict[str, str]]:
    with (NIGHTLY / "planted.csv").open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _expected() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((NIGHTLY / "expected.json").read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Product, Ran]]:
    with product(tmp_path_factory.mktemp("night")) as made:
        yield made, made.plan(MAPPINGS, [NIGHTLY])


def test_committed_files_are_the_output_of_the_generator() -> None:
    for name, content in _generator().build().items():
        assert (NIGHTLY / name).read_bytes() == content, name


def test_many_kinds_of_faults_are_planted() -> None:
    planted = _planted()

    assert len({fault["code"] for fault in planted}) >= 25
    assert len({(fault["code"], fault["note"]) for fault in planted}) >= 60
    assert {fault["code"] for fault in planted} <= set(RULES)


def test_generator_holds_back_exactly_for_errors() -> None:
    warnings = {code for code, rule in RULES.items() if rule.severity is not Severity.ERROR}
    held = {fault["order_number"] for fault in _planted() if fault["code"] not in warnings} - {""}

    assert sorted(held) == _expected()["held_orders"]


def test_mappings_compile_without_a_warning() -> None:
    for mapping, source in zip(
        MAPPINGS, ("auftraege_2026-11-20.csv", "sendungen_2026-11-20.csv"), strict=True
    ):
        header = (NIGHTLY / source).read_bytes().split(b"\r\n")[0].decode("cp1252").split(";")
        compiled = compile_mapping(
            mapping.read_text(encoding="utf-8"), mapping.name, header=header,
            load=lambda name: (NIGHTLY / name).read_bytes(),
        )  # fmt: skip

        assert compiled.warnings == ()


def test_every_planted_fault_is_found_and_nothing_else(night: tuple[Product, Ran]) -> None:
    found = {
        (f["file"], f["line"], f["code"], f["column"] or "")
        for f in night[1].findings
        if f["code"] != "H001"
    }
    planted = _planted()
    # what concerns a whole record may name any column, or none
    whole = {(p["file"], int(p["line"]), p["code"]) for p in planted if not p["column"]}
    seen = {(f, n, c, "" if (f, n, c) in whole else column) for f, n, c, column in found}
    told = {(p["file"], int(p["line"]), p["code"], p["column"]) for p in planted}

    assert told - seen == set()
    assert seen - told == set()


def _quoted(ran: Ran, codes: Collection[str]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """What the findings of these codes quote, and what was planted."""
    found = {(f["file"], f["line"], f["code"], f["column"]): f["value"] for f in ran.findings}
    told = {
        (p["file"], int(p["line"]), p["code"], p["column"]): p["value"]
        for p in _planted()
        if p["code"] in codes and p["column"] and p["value"]
    }
    return {key: found.get(key) for key in told}, told


def test_findings_quote_the_cell_as_it_stands_in_the_file(night: tuple[Product, Ran]) -> None:
    quoted, told = _quoted(night[1], set(RULES))

    assert len(told) > 80
    assert quoted == told


def test_rows_balance(night: tuple[Product, Ran]) -> None:
    expected = _expected()["rows"]
    names = sorted(name for name in expected if name != "total")
    rows = night[1].rows
    for ordinal, name in enumerate(names):
        of_file = rows.filter(pl.col("_file") == ordinal)
        counted = Counter(of_file.get_column("outcome").to_list())

        told = {word: n for word, n in expected[name].items() if n and word != "read"}
        assert dict(counted) == told, name
        assert of_file.height == expected[name]["read"]


def test_orders_balance(night: tuple[Product, Ran]) -> None:
    expected = _expected()
    orders = night[1].orders
    held = orders.filter(pl.col("outcome") == "held_back")
    nothing = orders.filter(pl.col("outcome") == "nothing_to_send")

    assert orders.height == expected["orders"]["seen"]
    assert sorted(held.get_column("key").to_list()) == expected["held_orders"]
    assert (
        sorted(nothing.get_column("order_number").to_list())
        == expected["orders_with_nothing_to_send"]
    )
    assert len(night[1].payloads) == expected["orders"]["ready_to_create"]


def test_the_night_arrives_and_the_second_run_sends_nothing(
    night: tuple[Product, Ran],
) -> None:
    made = night[0]
    first = made.run(MAPPINGS, [NIGHTLY])
    requests = len(made.sandbox.puts())
    second = made.run(MAPPINGS, [NIGHTLY])

    outcomes = Counter(first.orders.get_column("outcome").to_list())
    assert outcomes["created"] == _expected()["orders"]["ready_to_create"]
    assert len(made.sandbox.orders()) == _expected()["orders"]["ready_to_create"]
    assert len(made.sandbox.puts()) == requests
    outcomes = Counter(second.orders.get_column("outcome").to_list())
    assert outcomes["unchanged"] == _expected()["orders"]["ready_to_create"]


def test_nightly_is_small() -> None:
    assert sum(path.stat().st_size for path in NIGHTLY.glob("*.*")) < 700_000
