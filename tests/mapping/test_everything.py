"""100 % of the contract's fields and the six mutations can be mapped; a new field is one row."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import polars as pl
import pytest

from pipeline.check import check
from pipeline.convert import convert
from pipeline.group import Part, group
from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused
from pipeline.mapping.plan import Plan
from pipeline.model.catalogue import MUTATIONS, SHAPES
from pipeline.model.field import Field, Kind, Shape
from pipeline.model.origin import KEY, ORIGIN, ORIGIN_SCHEMA
from tests.unit.mapping.bench import Row, raw

OPENAPI = Path(__file__).parents[1] / "contract" / "openapi" / "order-api.openapi.json"

# What other parts of the product make, so that no mapping can: CONTRACT §5.1, §6.
MADE_ELSEWHERE = {"account", "articles_order", "mutations", "operation_id", "type"}

CELLS: Mapping[Kind, str] = {
    Kind.INTEGER: "2", Kind.NUMBER: "1.5", Kind.MONEY: "12.50", Kind.AMOUNT: "3.25", Kind.BOOLEAN: "yes",
    Kind.DATE: "2026-11-20", Kind.DATETIME: "2026-11-20T10:00:00+01:00", Kind.COUNTRY: "DE", Kind.CURRENCY: "EUR",
    Kind.LANGUAGE: "de", Kind.ZONE: "Europe/Berlin", Kind.REGION: "DE-BY", Kind.EMAIL: "jo@example.com",
    Kind.URL: "https://example.com/x", Kind.TEXT: "80331", Kind.TEXTS: "80331",
}  # fmt: skip


class Everything:
    """A mapping of all writable fields, each from a column named by its path, and one row."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.shapes = shapes
        self.row: Row = {}
        self.paths: set[str] = set()
        changes = [name for name in MUTATIONS if name != "add_tracking"]
        self.mapping: dict[str, Any] = {
            "version": "1",
            "name": "everything",
            "source": {},
            "order": self.fields("order", ""),
            "lines": {"fields": self.fields("line_item", "articles_order")},
            "trackings": {"key": "key", "fields": self.fields("tracking", "add_tracking.tracking")},
            "mutations": [{"type": name, "fields": self.fields(name, name)} for name in changes],
        }
        self.row["key"] = "1"

    def fields(self, shape: str, path: str) -> dict[str, Any]:
        """The table of one shape."""
        names = [f for f in self.shapes[shape].writable if f.name not in MADE_ELSEWHERE]
        return {f.name: self.value(f, f"{path}.{f.name}" if path else f.name) for f in names}

    def value(self, field: Field, path: str) -> Any:  # noqa: ANN401 - a piece of YAML
        """The value of one field; lists get two items where they take several."""
        match field.kind:
            case Kind.OBJECT:
                return self.fields(str(field.shape), path)
            case Kind.OBJECTS if field.name in {"articles", "checkpoints"}:
                return self.fields(str(field.shape), path)  # one per row
            case Kind.OBJECTS:
                return [self.fields(str(field.shape), f"{path}.{i}") for i in range(2)]
            case Kind.TEXTS | Kind.CHOICES:
                return [self.column(field, f"{path}.{i}", i) for i in range(2)]
            case Kind.FREE_OBJECTS:
                return [{"free": self.column(field, f"{path}.0.free")}]
            case Kind.ATTRIBUTES | Kind.FREE_OBJECT | Kind.ANY:
                return {"free": self.column(field, f"{path}.free")}
        return self.column(field, path)

    def column(self, field: Field, path: str, nth: int = 0) -> str:
        """A column that feeds a leaf, and its cell."""
        cell = CELLS.get(field.kind, "free")
        self.row[path] = field.choices[nth] if field.choices else cell + ("x" if nth else "")
        if field.name == "line_item_id":  # a parcel may only name lines of its order
            self.row[path] = "L1"
        self.paths.add(path)
        return path


def grouped(plan: Plan, row: Row) -> tuple[dict[str, Any], list[str]]:
    """The payload of one row's order, and the codes of what was found."""
    made = convert(raw([row], plan.reads), plan)
    found = made.findings + check(made.table, made.findings, plan, existing=set())
    none = pl.DataFrame(schema={**ORIGIN_SCHEMA, KEY: pl.String()}).select(*ORIGIN, KEY)
    faulty = none.with_columns(pl.lit(None, pl.String).alias("order_number"))
    done = group([Part(plan, made.table, found, none, none, faulty)], ["x.csv"])
    codes = done.findings.get_column("code").to_list()
    if not done.orders.height:
        return {}, codes
    order = done.orders.row(0, named=True)
    changes = zip(order["change_type"], order["change_body"], strict=True)
    payload = {
        "account": 1,
        "order_number": order["order_number"],
        **json.loads(f"{{{order['members']}}}"),
        "articles_order": json.loads(order["lines"] or "[]"),
        "mutations": [{"type": kind, **json.loads(f"{{{body}}}")} for kind, body in changes],
    }
    return payload, codes


def leaves(value: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """The paths of all leaves of a payload, in the words of `Everything`."""
    if isinstance(value, dict):
        if set(value) == {"key", "value"}:
            yield f"{path}.{value['key']}"
            return
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{i}")
    else:
        yield path


def payload_paths(payload: dict[str, Any]) -> set[str]:
    """Leaves of the whole payload; one line, one parcel, one change of each type."""
    rest = {k: v for k, v in payload.items() if k not in MADE_ELSEWHERE}
    found = set(leaves(rest))
    found |= set(leaves(payload["articles_order"][0], "articles_order"))
    for change in payload["mutations"]:
        body = {k: v for k, v in change.items() if k != "type"}
        found |= set(leaves(body, change["type"]))
    flat = set()
    for path in found:  # articles and checkpoints gather one entry per row; attributes are a list
        for listed in ("articles", "checkpoints", "additional_attributes"):
            path = path.replace(f".{listed}.0", f".{listed}").replace(f"{listed}.0.", f"{listed}.")  # noqa: PLW2901
        flat.add(path)
    return flat


def validator() -> jsonschema.Draft202012Validator:
    document = json.loads(OPENAPI.read_text(encoding="utf-8"))
    schema = {
        "$ref": "#/components/schemas/PatchedOrderRequest",
        "components": document["components"],
    }
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def test_every_field_and_all_six_mutations_can_be_mapped() -> None:
    everything = Everything(SHAPES)
    compiled = compile_mapping(
        json.dumps(everything.mapping), "all.yaml", header=list(everything.row)
    )
    assert compiled.warnings == ()

    payload, codes = grouped(compiled.plan, everything.row)

    assert codes == []
    assert sorted(change["type"] for change in payload["mutations"]) == sorted(MUTATIONS)
    assert everything.paths - payload_paths(payload) == set()
    assert payload_paths(payload) - everything.paths == set()
    errors = [
        f"{list(error.absolute_path)}: {error.message[:200]}"
        for error in validator().iter_errors(payload)
    ]
    assert errors == []


def test_the_mapping_of_everything_covers_what_the_published_schema_takes() -> None:
    published = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]
    everything = Everything(SHAPES)
    for schema, mapped in (
        ("PatchedOrderRequest", everything.mapping["order"]),
        ("LineItemOrder", everything.mapping["lines"]["fields"]),
        ("TrackingSchema", everything.mapping["trackings"]["fields"]),
        ("LineItem", everything.mapping["trackings"]["fields"]["articles"]),
    ):
        server_owned = {"original_quantity", "change_reason", "updated_at"}
        assert set(published[schema]["properties"]) - MADE_ELSEWHERE - server_owned == set(
            mapped
        ), schema


def test_a_new_field_is_one_row_of_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    hat = Field(
        name="hat_size", kind=Kind.TEXT, doc="How large the customer's head is.", max_length=3
    )
    order = SHAPES["order"]
    shapes = MappingProxyType({**SHAPES, "order": replace(order, fields=(*order.fields, hat))})
    for module in list(sys.modules.values()):  # as if the row stood in the file
        if getattr(module, "SHAPES", None) is SHAPES and module.__name__.startswith("pipeline."):
            monkeypatch.setattr(module, "SHAPES", shapes)
    text = "version: 1\nname: hats\nmode: update_only\nsource: {}\norder: {order_number: Nr, hat_size: Hat}\n"

    plan = compile_mapping(text, "hats.yaml", header=["Nr", "Hat"]).plan

    payload, codes = grouped(plan, {"Nr": "1", "Hat": "58"})
    assert (payload["hat_size"], codes) == ("58", [])
    assert grouped(plan, {"Nr": "1", "Hat": "5800"})[1] == ["R304"]


def test_required_on_create_is_asked_for_new_orders_only() -> None:
    text = "version: 1\nname: m\nmode: {}\nsource: {{}}\norder: {{order_number: Nr{}}}\n"
    required = ", destination_country_iso3: L, recipient_email: E"
    compile_mapping(text.format("update_only", ""), "m.yaml")
    compile_mapping(text.format("create_or_update", required), "m.yaml")
    with pytest.raises(MappingRefused, match="2 mistakes"):
        compile_mapping(text.format("create_or_update", ""), "m.yaml")


@pytest.mark.parametrize(
    "name", sorted(f.name for f in SHAPES["line_item"].fields if f.server_owned)
)
def test_fields_of_the_server_cannot_be_mapped(name: str) -> None:
    text = f"version: 1\nname: m\nmode: update_only\nsource: {{}}\norder: {{order_number: Nr}}\nlines: {{fields: {{line_item_id: L, {name}: X}}}}\n"
    with pytest.raises(MappingRefused, match="1 mistake") as caught:
        compile_mapping(text, "m.yaml")
    assert caught.value.code == "M106"
