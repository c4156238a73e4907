"""The JSON Schema of mappings, for editors: from the models of the language and the contract catalogue.

YAML of editors knows numbers and truth values, ours only text (MAPPING §0.6), so a text may be
written as either. Descriptions stand on properties, and short forms beside long ones instead of on
branches of `anyOf`: an editor shows the text of a branch otherwise, and explains a typo by all
branches at once (MAPPING §1).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from pipeline.mapping.language import LookupFileDoc, MappingDoc, ValueDoc
from pipeline.mapping.listing import ELSEWHERE
from pipeline.mapping.steps import EXPLAINED, PLAIN, WITH_ARGUMENT
from pipeline.mapping.values import KINDS_FOR_AS
from pipeline.model.catalogue import MUTATIONS, SHAPES
from pipeline.model.catalogue.page import limits
from pipeline.model.field import Field, Kind, Shape, Use

Node = dict[str, Any]

TITLE = "Mapping of the order import"

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = ["string", "number", "boolean"]  # what a text may look like to an editor
_VALUE: Node = {"$ref": "#/$defs/value"}
_FREE = {"type": "object", "additionalProperties": _VALUE}
# Lists that may be one text, by short forms of the compiler; those of validators are found.
_ONE_OR_SEVERAL = {"RowsDoc": {"key"}, "TrackingsDoc": {"key"}}
_NULLS = {"null_values"}  # where `null`, which an editor takes for nothing, is a text like others
# Where the models say no more than "anything", because the compiler judges it.
_INSIDE: Mapping[tuple[str, str], Node] = {
    ("MappingDoc", "lookups"): {"additionalProperties": {"$ref": "#/$defs/lookup"}},
    ("MappingDoc", "derive"): {"additionalProperties": _VALUE},
    ("MappingDoc", "order"): {"$ref": "#/$defs/order", "required": ["order_number"]},
    ("PartDoc", "key"): {"$ref": "#/$defs/values"},
    ("PartDoc", "on"): {"$ref": "#/$defs/values"},
    ("PartDoc", "derive"): {"additionalProperties": _VALUE},
    ("LinesDoc", "fields"): {"$ref": "#/$defs/line_item"},
    ("TrackingsDoc", "fields"): {"$ref": "#/$defs/tracking"},
    ("ValueDoc", "first_of"): {"items": _VALUE},
    ("ValueDoc", "cases"): {"items": _VALUE},
    ("ValueDoc", "do"): {"items": {"$ref": "#/$defs/step"}},
    ("ValueDoc", "as"): {"enum": list(KINDS_FOR_AS)},
    ("MutationDoc", "type"): {"enum": [name for name in MUTATIONS if name != "add_tracking"]},
}


def schema_text() -> str:
    """The schema as a file has it."""
    return json.dumps(schema(), ensure_ascii=False, indent=1) + "\n"


def modelines(name: str) -> tuple[str, str]:
    """The first lines of a mapping beside which the schema lies as `name`, for VS Code and JetBrains."""
    return f"# yaml-language-server: $schema={name}", f"# $schema: {name}"


def schema() -> Node:
    """The schema of a whole mapping, draft 2020-12."""
    whole = MappingDoc.model_json_schema(by_alias=True)
    inner = whole.pop("$defs")
    models = {model.__name__: model for model in _models(MappingDoc)}
    defs = {name: _of_model(node, models[name]) for name, node in inner.items() if name in models}
    defs |= {name: _of_shape(shape) for name, shape in SHAPES.items() if name != "attribute"}
    defs["MutationDoc"]["allOf"] = [_fields_of(name) for name in MUTATIONS]
    defs["UnpivotDoc"]["type"] = ["object", *_TEXT]  # the name of the columns alone
    defs |= {"value": _value(), "values": _values(), "lookup": _lookup(), "step": _step()}
    whole["required"].remove("source")
    either = {"if": {"required": ["sources"]}, "else": {"required": ["source"]}}
    made = {"$schema": _DRAFT, **_of_model(whole, MappingDoc), **either, "title": TITLE}
    plain = {name: _plain(node) for name, node in inner.items() if name not in models}
    return {**_inlined(made, plain), "$defs": _inlined(defs, plain)}


# -- the language -------------------------------------------------------------------------------


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and those of its members, however they are wrapped."""
    yield model
    for info in model.model_fields.values():
        waiting: list[Any] = [info.annotation]
        while waiting:
            part = waiting.pop()
            waiting += getattr(part, "__args__", ())
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _models(part)


def _of_model(node: Node, model: type[BaseModel]) -> Node:
    made: Node = _plain(node)
    for name, member in made.get("properties", {}).items():
        member.update(_INSIDE.get((model.__name__, name), {}))
        if name in _NULLS:
            words = {"items": {"type": [*_TEXT, "null"]}, "type": ["array", *_TEXT, "null"]}
            member.update(
                words | {"additionalProperties": words, "type": [*words["type"], "object"]}
            )
        if "$ref" in member:
            member.pop("type", None)
            member.pop("additionalProperties", None)
        if member.get("type") == "array" and name in _short_lists(model):
            member["type"] = ["array", *_TEXT]
        items = member.get("additionalProperties")
        if isinstance(items, dict) and items.get("type") == "array":
            items["type"] = ["array", *_TEXT]  # `columns: {name: PATH}`
    return made


def _short_lists(model: type[BaseModel]) -> set[str]:
    """The lists of a model that may be written as one text."""
    found = set(_ONE_OR_SEVERAL.get(model.__name__, ()))
    for decorator in model.__pydantic_decorators__.field_validators.values():
        if decorator.info.mode == "before":
            found.update(decorator.info.fields)
    return found


def _plain(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """A part of Pydantic's schema without titles and nulls, and with texts as an editor sees them."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    made: Node = {}
    for key, inner in node.items():
        if key == "properties":
            made[key] = {name: _plain(member) for name, member in inner.items()}
        elif key == "anyOf":
            [given] = [each for each in inner if each != {"type": "null"}]
            made |= _plain(given)
        elif not (key == "title" or (key == "default" and (not inner or isinstance(inner, dict)))):
            made[key] = _plain(inner)
    if "const" in made:
        made["enum"] = [made.pop("const")]
    if "enum" in made:
        made.pop("type", None)
        made["enum"] = [*made["enum"], *_as_read(made["enum"])]
    elif made.get("type") == "string":
        made["type"] = _TEXT
    return made


def _as_read(words: list[str]) -> list[object]:
    """What an editor makes of words that are numbers or nothing to YAML: `version: 1`, `on_error: null`."""
    found: list[object] = [int(word) for word in words if word.isdecimal()]
    return [*found, None] if "null" in words else found


def _inlined(node: Any, plain: Mapping[str, Node]) -> Any:  # noqa: ANN401 - any part of a schema
    """Put closed lists of words where they are used; their descriptions are those of our classes."""
    if isinstance(node, list):
        return [_inlined(each, plain) for each in node]
    if not isinstance(node, dict):
        return node
    name = str(node.get("$ref", "")).rpartition("/")[2]
    if name in plain:
        words = {key: value for key, value in plain[name].items() if key != "description"}
        node = {**{key: value for key, value in node.items() if key != "$ref"}, **words}
    return {key: _inlined(inner, plain) for key, inner in node.items()}


# -- values ---------------------------------------------------------------------------------------


def _members() -> Node:
    whole = ValueDoc.model_json_schema(by_alias=True)
    plain = {name: _plain(node) for name, node in whole.pop("$defs").items()}
    members: Node = _inlined(_of_model(whole, ValueDoc)["properties"], plain)
    return members


def _value() -> Node:
    return {
        "description": "a column, or a table that says where the value comes from: "
        "{from: Column}, {value: text}, {template: …}, {sql: …}",
        "type": [*_TEXT, "object"], "properties": _members(), "additionalProperties": False,
    }  # fmt: skip


def _values() -> Node:
    """What a list of texts may be: one value, or several."""
    return {**_value(), "type": [*_TEXT, "object", "array"], "items": _VALUE}


def _lookup() -> Node:
    """A table, or the file that it is in; a table whose only key is `file` is the latter."""
    file = _of_model(LookupFileDoc.model_json_schema(by_alias=True), LookupFileDoc)
    words = {"type": [*_TEXT, "null"]}
    return {
        "type": "object",
        "if": {"required": ["file", "key", "value"]},
        "then": {key: file[key] for key in ("properties", "required", "additionalProperties")},
        "else": {"additionalProperties": words},
    }


def _step() -> Node:
    arguments = {
        name: {"description": f"{EXPLAINED[name][1]}: `{EXPLAINED[name][0]}`"}
        for name in WITH_ARGUMENT
    }
    return {
        "anyOf": [
            {"enum": list(PLAIN)},
            {"type": "object", "properties": arguments, "additionalProperties": False,
             "minProperties": 1, "maxProperties": 1},
        ]
    }  # fmt: skip


# -- the API's side -------------------------------------------------------------------------------


def _fields_of(mutation: str) -> Node:
    """Which fields an entry of `mutations` has, by its type."""
    return {
        "if": {"properties": {"type": {"const": mutation}}, "required": ["type"]},
        "then": {"properties": {"fields": {"$ref": f"#/$defs/{mutation}"}}},
    }


def _of_shape(shape: Shape) -> Node:
    fields = [field for field in shape.writable if field.name not in ELSEWHERE]
    made = {
        "type": "object",
        "description": shape.doc,
        "properties": {field.name: _of_field(field) for field in fields},
        "additionalProperties": False,
    }
    required = [field.name for field in fields if field.use is Use.INSIDE]
    return {**made, "required": required} if required else made


def _of_field(field: Field) -> Node:
    return {"description": _described(field), **_form(field)}


def _described(field: Field) -> str:
    """What a field is, and in brackets its type, its limits, and when it must be there."""
    about = [field.kind.value, *limits(field)]
    if field.use is not Use.OPTIONAL:
        about.append("required on create" if field.use is Use.CREATE else field.use.value)
    return f"{field.doc} ({'; '.join(about)})"


def _form(field: Field) -> Node:
    match field.kind:
        case Kind.OBJECT:
            return {"$ref": f"#/$defs/{field.shape}"}
        case Kind.OBJECTS:
            members = _of_shape(SHAPES[str(field.shape)])
            return {
                **{key: members[key] for key in members if key != "description"},
                "type": ["object", "array"], "items": {"$ref": f"#/$defs/{field.shape}"},
            }  # fmt: skip
        case Kind.ATTRIBUTES | Kind.FREE_OBJECT:
            return dict(_FREE)
        case Kind.FREE_OBJECTS:
            return {**_FREE, "type": ["object", "array"], "items": _FREE}
        case Kind.TEXTS | Kind.CHOICES:
            return {"$ref": "#/$defs/values"}
        case _:
            return dict(_VALUE)
