"""Mistakes of structure hide no mistakes of meaning, and none is said that only follows from another."""

import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused
from tests.unit.mapping.cases import FILES

HEADER = ["Order", "Land", "Email", "Price", "Name", "Pos", "Qty", "Placed"]

SOUND: dict[str, str] = {
    "version": "1",
    "name": "nord",
    "source": "{delimiter: ';', timezone: Europe/Berlin, columns: {Qty: integer, Price: decimal}}",
    "lookups": "{c: {D: DEU}}",
    "derive": "{Total: {sql: 'Qty * Price'}}",
    "rows": "{key: Order}",
    "order": "{order_number: Order, destination_country_iso3: {from: Land, lookup: c}, recipient_email: Email, "
    "order_total_amount: {from: Total, aggregate: sum}, order_date: Placed}",
    "lines": "{fields: {line_item_id: Pos, quantity: Qty}}",
    "trackings": "{key: Pos, fields: {external_reference: Pos}}",
    "mutations": "[{type: cancel_order, when_all: \"Name = 'x'\"}]",
}


def codes(**changed: str | None) -> list[str]:
    """The mistakes of the sound mapping with some sections written otherwise, None for left out."""
    sections = {key: text for key, text in {**SOUND, **changed}.items() if text is not None}
    text = "".join(f"{key}: {value}\n" for key, value in sections.items())
    try:
        compile_mapping(text, "m.yaml", header=HEADER, load=lambda name: FILES[name])
    except MappingRefused as refused:
        refused.render()
        return [
            f"{m.code} {text.splitlines()[m.line - 1][m.column - 1 :][: m.length]}"
            for m in refused.mistakes
        ]
    return []


def test_the_sound_mapping_is_sound() -> None:
    assert codes() == []


# Each of these is wrong in its structure. Said is that, and nothing that follows from it.
ALONE: dict[str, tuple[dict[str, str | None], str]] = {
    "a source key that is unknown": ({"source": SOUND["source"][:-1] + ", zzz: 1}"}, "M100 zzz"),
    "a typo in a source key": ({"source": SOUND["source"].replace("timezone", "timezon")}, "M100 timezon"),
    "a wrong time zone key": ({"source": "{timezone: [a], columns: {Qty: integer, Price: decimal}}"}, "M103 [a]"),
    "a list as source": ({"source": "[a]"}, "M103 [a]"),
    "no source": ({"source": None}, "M102 v"),
    "a type that is none": ({"source": SOUND["source"].replace("integer", "int")}, "M104 int"),
    "a list of columns": ({"source": "{timezone: Europe/Berlin, columns: [Qty, Price]}"}, "M103 [Qty, Price]"),
    "a typo in lookups": ({"lookups": None, "lokups": SOUND["lookups"]}, "M100 lokups"),
    "lookups under a name of their own": ({"lookups": None, "zzz": SOUND["lookups"]}, "M100 zzz"),
    "a list of lookups": ({"lookups": "[{c: {D: DEU}}]"}, "M103 [{c: {D: DEU}}]"),
    "a lookup file with a typo": ({"lookups": "{c: {file: couriers.csv, key: code, valeu: courier}}"}, "M100 valeu"),
    "a lookup file without its value": ({"lookups": "{c: {file: couriers.csv, key: code}}"}, "M102 c"),
    "derive as a list": ({"derive": "[{Total: {sql: 'Qty * Price'}}]"}, "M103 [{Total: {sql: 'Qty * Price'}}]"),
    "derive under a name of its own": ({"derive": None, "zzz": SOUND["derive"]}, "M100 zzz"),
    "a key of rows that is a table": ({"rows": "{key: {a: b}}"}, "M103 {a: b}"),
    "an order that is a list": ({"order": "[Order]"}, "M103 [Order]"),
    "no order": ({"order": None}, "M102 v"),
    "a mode that is none": ({"mode": "updates", "order": "{order_number: Order}", "lookups": "{}", "derive": "{}"}, "M104 updates"),
    "lines without fields": ({"lines": "{send: always}"}, "M102 lines"),
    "a tracking without key": ({"trackings": "{fields: {external_reference: Pos}}"}, "M102 trackings"),
    "a tracking without fields": ({"trackings": "{key: Pos}"}, "M102 trackings"),
    "a tracking whose fields are a list": ({"trackings": "{key: Pos, fields: [Pos]}"}, "M103 [Pos]"),
    "a mutation without type": ({"mutations": "[{when_all: \"Name = 'x'\"}]"}, "M102 {when_all: \"Name = 'x'\"}"),
    "a mutation that is a word": ({"mutations": "[cancel_order, {type: cancel_order}]"}, "M103 cancel_order"),
    "a value with an unknown key only": ({"rows": "{}", "order": SOUND["order"].replace("order_date: Placed", "order_date: {zzz: Placed}")}, "M100 zzz"),
    "a value whose column is a list": ({"order": SOUND["order"].replace("order_date: Placed", "order_date: {from: [Placed]}")}, "M103 [Placed]"),
    "a lookup that is a list": ({"lookups": "{}", "order": SOUND["order"].replace("lookup: c", "lookup: [c], unknown: keep")}, "M103 [c]"),
    "a derived column that cannot be made": ({"derive": "{Total: {sql: 'Qty * Name'}}", "lines": "{when: 'Total > 5', fields: {line_item_id: Pos, quantity: Qty}}"}, "M305 Qty * Name"),
    "a typo in what an object needs": ({"lines": "{fields: {line_item_id: Pos, quantty: Qty}}"}, "M101 quantty"),
    "a typo in what tells a parcel": ({"trackings": "{key: Pos, fields: {external_refrence: Pos}}"}, "M101 external_refrence"),
    "a typo in a section with a key": ({"trackings": None, "tracking": SOUND["trackings"]}, "M100 tracking"),
    "a typo in rows": ({"rows": None, "row": "{key: Order}"}, "M100 row"),
    "a typo in source": ({"source": None, "sorce": SOUND["source"][:-1] + ", null_values: '-'}"}, "M100 sorce"),
    "a key that stands twice": ({"order": SOUND["order"][:-1] + ", channel: Name, channel: Order}"}, "M002 channel"),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
def test_nothing_is_said_that_only_follows(name: str) -> None:
    changed, said = ALONE[name]
    assert codes(**changed) == [said]


def test_every_wrong_text_of_a_list_is_said() -> None:
    assert codes(source=SOUND["source"][:-1] + ", null_values: [[a], '-', [b]]}") == [
        "M103 [a]",
        "M103 [b]",
    ]


@pytest.mark.parametrize("name", [name for name in ALONE if name != "lines without fields"])
def test_and_nothing_else_is_hidden(name: str) -> None:
    changed, said = ALONE[name]
    lines = changed.get("lines", SOUND["lines"])
    wrong: dict[str, str | None] = {
        **changed,
        "lines": str(lines).replace("Pos", "{from: Poss, do: [uper]}"),
    }
    wrong["description"] = "[a]"
    assert sorted(codes(**wrong)) == sorted([said, "M201 Poss", "M207 uper", "M103 [a]"])


def test_what_stands_in_a_section_with_a_typo_is_judged_too() -> None:
    order = "{order_number: Orderr, destination_country_iso3: {frm: Lnd, defualt: XX}, recipient_email: Email}"
    assert codes(rows="{}", order=None, oder=order) == [
        "M100 oder",
        "M201 Orderr",
        "M100 frm",
        "M201 Lnd",
        "M100 defualt",
        "M211 XX",
    ]


def test_all_columns_that_an_expression_a_template_or_a_key_has_wrong_are_said() -> None:
    said = codes(
        rows="{key: [Ordr, Lnd]}",
        lines="{when: \"Nme = 'x' AND Prc > 5 AND Nme = 'y'\", fields: {line_item_id: {template: '{Ps}-{Qt}'}}}",
    )
    assert said == [
        "M201 Ordr",
        "M201 Lnd",
        "M302 Nme",
        "M302 Prc",
        "M201 Ps",
        "M201 Qt",
    ]
