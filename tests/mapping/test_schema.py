"""The JSON Schema of mappings: what the compiler takes is valid, what it refuses by structure is not."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from pipeline.mapping.schema import schema
from pipeline.model.catalogue import SHAPES
from tests.mapping.mappings import MAPPINGS, ROOT

SCHEMA = ROOT / "mappings" / "mapping.schema.json"

GOOD = """\
version: 1
name: m
source: {null_values: NULL, transaction: 856, skip_lines: 2}
lookups:
  t: {NO: NOR, 7: seven, empty: }
  f: {file: x.csv, key: [a, b], value: c, match: pattern}
derive: {line: {template: "{A}-{B}"}}
rows: {key: Nr, skip: "A = 'x'", unpivot: {sku: "Item {n}", x: {from: "Opt {n}", parts: ":", names: [a]}}}
order:
  order_number: Nr
  destination_country_iso3: {from: Land, lookup: t, unknown: keep}
  recipient_email: {first_of: [Mail, {value: _unset}]}
  order_total_amount: {from: Total, on_error: null}
  tags: [A, {value: b}]
  billing_address:
    {address_line: A, city: {from: Ort, do: [strip, {pad_left: [5, 0]}]}, postal_code: P, country_iso3: L}
  additional_attributes: {gift: {from: Gift, as: boolean}}
mutations: [{type: cancel_order, when_all: "S = 'x'", fields: {cancelled_reason: {value: other}}}]
tests:
  - {name: t, rows: x, existing: [1], expect: {orders: [], rejected: [{line: 2, rule: R201}]}, exact: true}
"""
WRONG = {
    "a key of the language": ("skip_lines", "skip_line"),
    "a field of the order": ("recipient_email", "recipient_mail"),
    "a field of an address": ("{address_line:", "{street:"),
    "a step": ("strip,", "stripp,"),
    "an argument of a step": ("pad_left", "padleft"),
    "a word": ("keep", "kepe"),
    "a mutation": ("cancel_order", "cancel_ordr"),
    "a field of the mutation": ("cancelled_reason", "quantity"),
    "a type": ("as: boolean", "as: bool"),
    "a field that only the server writes": ("tags:", "articles_order:"),
    "no version": ("version: 1\n", ""),
    "no order number": ("  order_number: Nr\n", ""),
    "a value without anything": ("order_number: Nr", "order_number:"),
    "a list where a table belongs": ("{line: {template: \"{A}-{B}\"}}", "[line]"),
    "an item without its cell": ('{from: "Opt {n}", parts', "{form: O, parts"),
    "a lookup file without its column": (", value: c, match", ", valeu: c, match"),
}  # fmt: skip


def problems(text: str) -> list[str]:
    """What the schema has against a mapping, as an editor reads it."""
    data = YAML(typ="safe", pure=True).load(text)
    return [error.message for error in Draft202012Validator(schema()).iter_errors(data)]


def test_it_is_a_schema_and_takes_every_form() -> None:
    Draft202012Validator.check_schema(schema())
    assert problems(GOOD) == []


@pytest.mark.parametrize(("good", "bad"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_not_valid(good: str, bad: str) -> None:
    assert GOOD.count(good) >= 1
    assert problems(GOOD.replace(good, bad, 1)) != []


def test_every_mapping_of_the_repository_is_valid_and_broken_ones_are_not(tmp_path: Path) -> None:
    def judge(*files: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMA), *map(str, files)]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, check=False)

    fine = judge(*MAPPINGS)
    assert fine.returncode == 0, fine.stdout
    broken = []
    for number, (good, bad) in enumerate(WRONG.values()):
        broken.append(tmp_path / f"{number}.yaml")
        broken[-1].write_text(GOOD.replace(good, bad, 1), encoding="utf-8")
    said = judge(*broken)
    assert said.returncode == 1
    assert [path.name for path in broken if f"{path.name}::" not in said.stdout] == []


def properties(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - JSON
    """Every property that a schema declares, with its path."""
    if isinstance(node, dict):
        for name, member in node.get("properties", {}).items():
            if "if" not in at:
                yield f"{at}.{name}", member
        for key, inner in node.items():
            yield from properties(inner, f"{at}.{key}")
    elif isinstance(node, list):
        for inner in node:
            yield from properties(inner, at)


def test_every_key_says_what_it_is_on_the_key_itself() -> None:
    dumb = [
        at for at, member in properties(schema())
        if not member.get("description") and "then" not in at
    ]  # fmt: skip
    assert dumb == []


def test_fields_say_what_the_catalogue_says() -> None:
    made = schema()["$defs"]["order"]["properties"]
    names = {field.name for field in SHAPES["order"].writable}
    assert set(made) == names - {"account", "articles_order", "mutations"}
    said = made["order_number"]["description"]
    assert said.endswith("(text; 1 to 255 characters; always)"), said


def test_it_is_small_enough_to_read() -> None:
    assert len(json.dumps(schema())) < 120_000


@pytest.mark.parametrize(
    "path", sorted((ROOT / "mappings").glob("**/*.yaml")), ids=lambda p: p.stem
)
def test_mappings_of_the_library_name_their_schema(path: Path) -> None:
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    written = first.partition("$schema=")[2]
    assert (first[:1], second) == ("#", f"# $schema: {written}")
    assert (path.parent / written).resolve() == SCHEMA
