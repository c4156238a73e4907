"""Any text at all is refused with its mistakes, or becomes a Plan, in bounded time; nothing else escapes.

The texts of `BOMBS` are small, and each would cost gigabytes or hours without the bounds.
"""

import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.convert import convert
from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused
from pipeline.model.expectation import NameForm
from pipeline.model.origin import ORIGIN_SCHEMA
from pipeline.model.tables import RawTable

ROOT = Path(__file__).parents[2]
TEXTS = [
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("mappings/shipments.yaml", "tests/mapping/examples/design-orders.yaml",
                 "tests/mapping/examples/asn-856.yaml")
]  # fmt: skip
PIECES = ["'", '"', "{", "}", "[", "]", ": ", "\n", "\t", "- ", "&a ", "*a", "!x ", "| ", "%", "@", "\x00", "\ufeff",
          "\u2028", "\x1b", "\ud7ff", "?", "#", "---\n", "...", ",", "<<: *a", "{1000}{1000}", "(" * 40, "9" * 40, "\\"]  # fmt: skip
SECONDS = 5  # of one mapping on a busy machine; the bombs would take hours


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_change_of_a_mapping_ends_in_mistakes_or_in_a_plan(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 30))
        text = text[:start] + data.draw(st.sampled_from(PIECES) | st.text(max_size=5)) + text[end:]
    try:
        compiled = compile_mapping(text, "m.yaml", load=lambda _: b"code,name\na,b\n")
    except MappingRefused as refused:
        said = refused.render()
    else:
        said = str(compiled.plan.fields())
    assert said


BASE = "version: 1\nname: m\nmode: update_only\nsource: {}\norder:\n  order_number: Nr\n"


def chain(form: str, count: int) -> str:
    """Derived columns, each made of the one before."""
    rows = "".join(f"  d{n}: {form.replace('@', f'd{n - 1}')}\n" for n in range(1, count))
    return f"{BASE}derive:\n  d0: Text\n{rows}"


def nested(inside: str, after: str) -> str:
    """Values inside of values, as deep as YAML may be."""
    return f"{BASE}derive:\n  d: {inside * 12}A{after * 12}\n"


LARGE_PATTERNS = " OR ".join(["A REGEXP '[a-z]{1,900}'"] * 60)
BOMBS = {
    "templates that double": chain('{template: "{@}{@}"}', 60),
    "expressions that double": chain('{sql: "@ || @"}', 60),
    "expressions that square": chain('{sql: "REPLACE(@, \'a\', @)"}', 20),
    "steps that multiply": f'{BASE}derive:\n  d: {{from: A, do: [{", ".join(["{replace: [a, aaaaaaaaaa]}"] * 19)}]}}\n',
    "an expression that multiplies": BASE + 'derive:\n  d: {sql: "' + "REPLACE(" * 19 + "A" + ", '', 'aaaaaaaaaaaaaaaaaaaa')" * 19 + '"}\n',
    "a condition that multiplies": BASE + 'rows: {skip: "' + "REPLACE(" * 19 + "A" + ", '', 'aaaaaaaaaaaaaaaaaaaa')" * 19 + " = 'x'\"}\n",
    "thousands of steps": f"{BASE}derive:\n  d: {{from: A, do: [{', '.join(['upper'] * 8000)}]}}\n",
    "thousands of cases": BASE + "derive:\n  d:\n    cases:\n" + "".join(f"      - {{when: \"A = '{n}'\", value: x}}\n" for n in range(1800)),
    "nested cases": nested("{cases: [{when: \"A = 'x'\", from: B}, {from: ", "}], do: [upper], default: z}"),
    "nested first_of": nested("{first_of: [", ", {value: x}], do: [upper], default: z}"),
    "a wide template": f'{BASE}derive:\n  d: {{template: "{"{A}" * 50_000}"}}\n',
    "large patterns": BASE + "  additional_attributes:\n" + "".join(f"    k{n}: {{from: A, do: [{{regex: '([a-z]{{1,900}}{n})'}}]}}\n" for n in range(500)),
    "large patterns in expressions": BASE + "derive:\n" + "".join(f'  d{n}: {{sql: "{LARGE_PATTERNS}"}}\n' for n in range(90)),
    "patterns of repaired rows": BASE.replace("source: {}", "source: {columns: {A: integer}, repair: {join: [A], fits: {" + ", ".join(f"c{n}: '.{{1,500}}.{{1,400}}{n}'" for n in range(900)) + "}}}"),
    "a repetition of a repetition": f"{BASE}derive:\n  d: {{from: A, do: [{{regex: '(a{{1000}}){{1000}}'}}]}}\n",
    "a billion blanks": f'{BASE}derive:\n  d: {{from: A, do: [{{pad_left: [1000000000, "0"]}}]}}\n',
    "typed columns": BASE.replace("source: {}", f"source: {{columns: {{{', '.join(f'c{n}: decimal' for n in range(4000))}}}}}"),
    "many tables of many rows": BASE + "  additional_attributes:\n" + "".join(f"    a{n}: {{from: A, lookup: t}}\n" for n in range(700)) + f"lookups:\n  t: {{{', '.join(f'k{n}: v' for n in range(1500))}}}\n",
    "anchors": "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)),
    "an anchor in itself": "a: &a {b: *a}\n",
    "depth": "a: " + "{a: " * 5000,
    "brackets": "[" * 5000,
}  # fmt: skip


SLOW = {"patterns of repaired rows", "many tables of many rows", "large patterns", "typed columns", "brackets",
        "thousands of steps", "large patterns in expressions", "thousands of cases"}  # fmt: skip
PARAMETERS = [
    pytest.param(text, id=name, marks=[pytest.mark.thorough] if name in SLOW else [])
    for name, text in BOMBS.items()
]


@pytest.mark.parametrize("text", PARAMETERS)
def test_a_prepared_mapping_is_refused_in_bounded_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(text, "m.yaml")
    assert time.process_time() - began < SECONDS
    assert {each.code for each in refused.value.mistakes} & {"M003", "M208", "M209", "M230", "M001"}


def test_a_form_of_names_takes_bounded_time() -> None:
    form = NameForm.of("*a" * 150 + "{date:%Y%m%d}b*.csv")
    began = time.process_time()
    assert not form.fits("a" * 240 + ".csv")
    assert form.fits("a" * 200 + "20261122b.csv")
    assert not form.fits("\udcff20261122b.csv")
    assert time.process_time() - began < SECONDS


def test_a_long_glob_is_a_mistake() -> None:
    expected = "source: {files: '" + "a" * 3_000 + "*', expect: {name: 'a{date:%Y%m%d}.csv'}}"
    with pytest.raises(MappingRefused, match="1 mistake"):
        compile_mapping(BASE.replace("source: {}", expected), "m.yaml")


LARGE = {
    "cases": BASE + "derive:\n" + "".join(f"  d{k}:\n    cases:\n" + "".join(f"      - {{when: \"A = '{n}'\", value: x}}\n" for n in range(60)) for k in range(12)),
    "a chain": chain("{cases: [{when: \"@ = 'x'\", from: @}, {from: @}]}", 100),
    "an expression": BASE + 'derive:\n  d: {sql: "' + " OR ".join(["A='x'"] * 220) + '"}\n',
    "values": BASE + "  additional_attributes:\n" + "".join(f"    k{n}: A\n" for n in range(500)),
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_what_is_within_the_bounds_is_converted_in_bounded_time(text: str) -> None:
    began = time.process_time()
    plan = compile_mapping(text, "m.yaml").plan
    cells: dict[str, list[object]] = {name: ["1", "a1"] for name in plan.reads}
    origin: dict[str, list[object]] = {name: [0, 0] for name in ORIGIN_SCHEMA}
    rows = pl.DataFrame({**origin, **cells}).cast(dict(ORIGIN_SCHEMA))  # type: ignore[arg-type]
    assert convert(RawTable(rows), plan).table.rows.height == 2
    assert time.process_time() - began < 2 * SECONDS
