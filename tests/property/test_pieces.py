"""Items of any cells are what Python makes of them, one by one, as the documentation says."""

from functools import lru_cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.plan import Plan
from pipeline.model.origin import COPY_BITS, LINE, SEGMENT
from pipeline.pieces import take_apart
from tests.unit.mapping.bench import mapping, raw

pytestmark = pytest.mark.thorough

TEXT = st.text(" a|,:-\n", max_size=9)
SPLITS = ("|", ",", "||", ", ", "|,", "\n", ":", " ")
Piece = tuple[int, int, str | None, str | None, str | None]


@lru_cache(maxsize=64)
def plan_of(first: str, second: str, trim: str) -> Plan:
    written = [text.replace("\n", "\\n") for text in (first, second)]
    entries = f'a: {{from: A, split: "{written[0]}"}}, b: {{from: B, split: "{written[1]}", parts: "-", names: [c], rest: d}}'
    source = f'trim: {trim}, null_values: ["", "-"]'
    text = mapping(rows=f"{{explode: {{{entries}}}}}", source=source)
    return compile_mapping(text, "m.yaml", header=["Nr", "A", "B"]).plan


def cleaned(text: str, *, trim: bool) -> str:
    bare = text.strip(" \n") if trim else text
    return "" if bare in {"", "-"} else bare


def items(cell: str, split: str, *, trim: bool) -> list[str]:
    text = cleaned(cell, trim=trim)
    while True:  # what stands behind the last item: delimiters, and blanks between them
        bare = text.rstrip(" \n") if trim else text
        if not bare.endswith(split):
            # blanks that are the delimiter itself are found from behind
            if not (text.endswith(split) and text):
                break
            bare = text
        text = bare[: -len(split)]
        text = text.rstrip(" \n") if trim else text
    return text.split(split) if text else []


@settings(max_examples=400, deadline=None)
@given(
    rows=st.lists(st.tuples(TEXT, TEXT), max_size=4),
    splits=st.tuples(st.sampled_from(SPLITS), st.sampled_from(SPLITS)),
    trim=st.sampled_from(["true", "false"]),
)
def test_items_are_those_that_python_finds(
    rows: list[tuple[str, str]], splits: tuple[str, str], trim: str
) -> None:
    plan, trims = plan_of(*splits, trim), trim == "true"

    made = take_apart(raw([{"A": a, "B": b} for a, b in rows], plan.reads), plan)

    expected: list[Piece] = []
    uneven: list[int] = []
    for line, (a, b) in enumerate(rows, start=2):
        left, right = items(a, splits[0], trim=trims), items(b, splits[1], trim=trims)
        if left and right and len(left) != len(right):
            uneven.append(line)
            continue
        pieces: list[Piece] = []
        for at in range(max(len(left), len(right))):
            one, other = left[at] if left else None, right[at] if right else None
            if cleaned(one or "", trim=trims) or cleaned(other or "", trim=trims):
                named = cleaned(other or "", trim=trims)
                head, _, _ = named.partition("-")
                pieces.append((line, at + 1, one, other, head if named else None))
        expected += pieces or [(line, 0, None, None, None)]
    assert made.raw.rows.select(LINE, pl.col(SEGMENT) // (1 << COPY_BITS), "a", "b", "c").rows() == expected  # fmt: skip
    assert made.faulty.rows[LINE].to_list() == uneven
    assert made.findings.rows.select(LINE, "code").rows() == [(line, "R118") for line in uneven]
