"""docs/mapping.md and mappings/ say what the code does."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.language import (
    ExtractDoc,
    LinesDoc,
    MappingDoc,
    MutationDoc,
    RowsDoc,
    SourceDoc,
    TrackingsDoc,
    ValueDoc,
)
from pipeline.mapping.mistakes import MappingRefused
from pipeline.mapping.page import TABLES, filled
from pipeline.mapping.paths import read_path, written
from pipeline.mapping.steps import EXPLAINED, NAMES
from pipeline.model.catalogue import MUTATIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
HEADERS: Mapping[str, list[str]] = {
    "wms-orders": ["OrderNo", "Pos", "Kind", "Status", "Reason", "Sku", "Article", "Qty", "CancelledQty", "Price", "Country", "Language", "Email", "FirstName", "LastName", "Street", "HouseNo", "Zip", "City", "Ordered", "Wish", "Warehouse", "Service", "Gift"],
    "shipments": ["order_no", "line_id", "qty", "tracking", "carrier", "shipped_on", "zip"],
}  # fmt: skip


def test_the_tables_of_the_page_are_made_from_the_code() -> None:
    assert filled(PAGE) == PAGE, "python -m pipeline.mapping.page < docs/mapping.md"
    assert all(f"<!-- table: {name} -->" in PAGE for name in TABLES)
    assert tuple(EXPLAINED) == NAMES


def test_every_key_of_the_language_stands_on_the_page() -> None:
    for model in (
        MappingDoc,
        SourceDoc,
        ExtractDoc,
        RowsDoc,
        LinesDoc,
        TrackingsDoc,
        MutationDoc,
        ValueDoc,
    ):
        for name, info in model.model_fields.items():
            key = info.alias or name
            if key != "tests":  # not of this version
                assert re.search(rf"\b{key}\b", PAGE), key
    for mutation in MUTATIONS:
        assert f"`{mutation}`" in PAGE


def test_the_first_example_compiles() -> None:
    header = ["Order", "Country", "Email", "Total", "Pos", "Sku", "Qty"]
    assert compile_mapping(EXAMPLES[0], "shop-orders.yaml", header=header).warnings == ()


def test_the_example_of_edi_compiles() -> None:
    text = next(example for example in EXAMPLES if "extract:" in example)
    assert compile_mapping(text, "asn-856.yaml").warnings == ()


def test_the_paths_on_the_page_are_paths() -> None:
    section = PAGE.split("### Paths\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE)
    assert len(rows) == 17
    for row in rows:
        text = row.replace("\\|", "|")
        assert written(read_path(text)[0]) == text


def test_the_mistake_on_the_page_is_what_a_person_sees() -> None:
    header = ["Order", "Country", "Email", "Total", "Pos", "Sku", "Qty"]
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(
            EXAMPLES[0].replace(": Country", ": Contry"), "shop-orders.yaml", header=header
        )
    assert caught.value.render() in PAGE


@pytest.mark.parametrize("name", HEADERS)
def test_shipped_mappings_compile_without_a_warning(name: str) -> None:
    text = (ROOT / "mappings" / f"{name}.yaml").read_text(encoding="utf-8")
    compiled = compile_mapping(text, f"{name}.yaml", header=HEADERS[name])
    assert compiled.warnings == ()
    assert sorted(compiled.plan.reads) == sorted(HEADERS[name])
