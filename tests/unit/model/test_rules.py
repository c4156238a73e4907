"""What users read of a finding: no internal document, no other field's way out."""

import re

import pytest

from pipeline.cli.codes import CODES
from pipeline.model.catalogue import SHAPES
from pipeline.model.rules import FIXES_OF_FIELDS, RULES, Owner, fix_of

# Documents of the project's makers; a user has none of them.
INTERNAL = re.compile(r"§|\b(?:CONTRACT|PRODUCT|REPORT|FAULTS|FORMATS|STYLE)\b|\bK\d+\b")


@pytest.mark.parametrize("code", CODES)
def test_no_text_of_a_code_cites_an_internal_document(code: str) -> None:
    entry = CODES[code]
    texts = [entry.title, entry.why, entry.fix]
    texts += [RULES[code].says] if code in RULES else []
    assert not [text for text in texts if INTERNAL.search(text)]


def test_no_text_of_a_field_cites_an_internal_document() -> None:
    texts = [shape.doc for shape in SHAPES.values()]
    texts += [each.doc for shape in SHAPES.values() for each in shape.fields]
    assert not [text for text in texts if INTERNAL.search(text)]


def test_the_fix_of_a_rule_is_right_for_every_field() -> None:
    assert not [code for code, rule in RULES.items() if "mail" in rule.fix]
    assert "mail" not in fix_of("R301", "destination_country_iso3")
    assert "`default: _unset`" in fix_of("R301", "recipient_email")
    assert fix_of("R301", None) == RULES["R301"].fix
    # `_unset` means something in the address of an order only
    assert fix_of("R310", "mutations.add_tracking.tracking.recipient_email") == RULES["R310"].fix
    assert {code for code, _ in FIXES_OF_FIELDS} <= set(RULES)


def test_articles_that_name_no_line_are_for_the_mapping_first() -> None:
    rule = RULES["R321"]
    assert rule.owner is Owner.MAPPING
    assert "`line_item_id`" in rule.fix
    assert "`lines`" in rule.fix
