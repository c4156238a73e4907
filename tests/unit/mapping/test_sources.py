"""Several files that make orders: what their sources cannot say together."""

import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused

MAPPING = """\
version: 1
name: m
sources:
  orders: {key: No}
  lines: {belongs_to: orders, key: Ref, orphans: keep}
order: {order_number: No, recipient_email: Mail, destination_country_iso3: Land}
lines:
  source: lines
  fields: {line_item_id: Pos, sku: Sku, quantity: Qty}
"""
PARCELS = """\
trackings:
  source: lines
  key: Parcel
  when: Parcel IS NOT NULL
  fields: {tracking_number: Parcel, courier: {value: ups}}
"""
ALWAYS = MAPPING.replace("  fields", "  send: always\n  fields")


def test_rows_that_update_an_order_cannot_be_its_lines() -> None:
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(MAPPING, name="m.yaml")

    (mistake,) = refused.value.mistakes
    assert (mistake.code, mistake.line) == ("M103", 5)
    assert "lines.send: always" in str(mistake.help)


@pytest.mark.parametrize(
    ("text", "codes"), [(MAPPING + PARCELS, ["W103"]), (ALWAYS, []), (ALWAYS + PARCELS, [])]
)
def test_rows_that_update_an_order_by_something_else(text: str, codes: list[str]) -> None:
    made = compile_mapping(text, name="m.yaml")

    assert [each.code for each in made.warnings] == codes
