"""Whatever is written into a mapping, it compiles or is refused with its mistakes; nothing else escapes."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.convert import convert
from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.document import read_document
from pipeline.mapping.mistakes import MappingRefused
from tests.unit.mapping.bench import raw
from tests.unit.mapping.extract_cases import HEAD
from tests.unit.mapping.test_extract import ASN, DESADV

ROOT = Path(__file__).parents[2]
SOUND = [
    read_document(path.read_text(encoding="utf-8"), path.name).data
    for path in (*sorted((ROOT / "mappings").glob("*.yaml")), ROOT / "samples" / "feature-values" / "mapping.yaml",
                 ROOT / "samples" / "feature-six-mutations" / "mapping.yaml",
                 ROOT / "samples" / "feature-lists-and-objects" / "mapping.yaml")
] + [read_document(HEAD + text, "m.yaml").data for text in (ASN, DESADV)]  # fmt: skip
WORDS = ["", "Nr", "_x", "*", "from", "value", "when", "A = 'x'", "SUM(A)", "{A}", "{", "%d.%m.%Y", "%", "-1", "0",
         "9" * 30, "null", "true", "upper", "regex", "(", "order_number", "csv", "x12", "edifact", "856", "DESADV", "BSN.2", "P/MAN[*=CP].+1", "[", "../x", "\u0000", "\ud7ff"]  # fmt: skip
PIECES = st.recursive(
    st.sampled_from(WORDS) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*WORDS, "sql", "cases", "first_of", "do", "lookup", "default", "template"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def paths(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - YAML
    """The paths of all values inside."""
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    return [path] + [found for key, inner in items for found in paths(inner, (*path, key))]


@settings(max_examples=150, deadline=None)
@given(st.data())
@pytest.mark.thorough
def test_a_sound_mapping_with_anything_in_one_place(data: st.DataObject) -> None:
    mapping = copy.deepcopy(data.draw(st.sampled_from(SOUND)))
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(paths(mapping)[1:]))
        place: Any = mapping
        for key in way:
            place = place[key]
        place[last] = data.draw(PIECES)
    text = json.dumps(mapping, ensure_ascii=False)
    header = data.draw(st.sampled_from([None, ["Nr", "A", "order_no"]]))
    try:
        compiled = compile_mapping(
            text, "m.yaml", header=header, load=lambda _: b"code,name\na,b\n"
        )
    except MappingRefused as refused:
        refused.render()
    else:
        compiled.plan.fields()


CELLS = st.sampled_from(
    ["", " ", "0", "-1", "1,50", "9" * 18, "9" * 40, "-" + "9" * 18 + ",999999", "NaN", "٣", "DE", "EXP", "20.11.2026",
     "29.03.2026 02:30", "x" * 300, "{0}", "\u0000", "\U0001f600", "CANCELLED", "SHORT"]
) | st.text(max_size=6)  # fmt: skip
FOLDERS = [ROOT / "mappings", ROOT / "samples" / "feature-values"]


def lookup(name: str) -> bytes:
    return next(folder / name for folder in FOLDERS if (folder / name).exists()).read_bytes()


PLANS = [compile_mapping(json.dumps(data), "m.yaml", load=lookup).plan for data in SOUND]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_cell_can_stop_a_sound_mapping(data: st.DataObject) -> None:
    plan = data.draw(st.sampled_from(PLANS))
    rows = data.draw(
        st.lists(st.fixed_dictionaries(dict.fromkeys(plan.reads, CELLS)), min_size=1, max_size=5)
    )
    made = convert(raw(rows, plan.reads), plan)
    assert made.table.rows.height + made.filtered.height + made.repeated.height == len(rows)
