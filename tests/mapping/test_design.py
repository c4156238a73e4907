"""The nine mistakes of the design document, planted in its first example.

Two things are other than shown there, because that helps more:

- Carets of expressions (M302, M303, M304) stand below the word that is wrong, such as `SUM`. Those of the
  document begin at the quote before the expression and end anywhere in it. In an expression of a hundred
  characters only the word says what to change, and an editor jumps to it.
- The help of M105 names `recipient_mail`, which was meant for the field that lacks: correcting that heals both.

M303 does not offer TRY_CAST as the document does: it would make bad cells empty without a finding, so the
language does not have it.

Its examples stand in `examples/design-*.yaml` as they stand there; `test_trials` runs their tests.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused

ORDERS = Path(__file__).parent / "examples" / "design-orders.yaml"


# What is changed in the example; each place is unlike all others.
PLANTED = {
    "destination_country_iso3: Land   ": "destination_country_iso3: Landd  ",
    "do: [lower], default: de}": "do: [lwoer], default: de}",
    "recipient_email: {from: EMail, do: [lower], default: _unset}":
        "recipient_mail: {from: EMail, default: _unset}",
    "order_currency: {value: EUR}": "order_currency: EUR",
    '{sql: "Preis * Menge", aggregate: sum}': '{sql: "SUM(Preis * Menge)"}',
    "do: [upper], lookup: couriers}": "do: [upper], lookup: courier}",
    "when_all: \"Status = 'STORNO'\"": "when_all: 'Status = \"STORNO\"'",
    '{sql: "Menge - StornoMenge"} ': '{sql: "CAST(Menge AS INT) - StornoMenge"} ',
}  # fmt: skip
SAID = """\
error[M105]: "recipient_email" is required to create an order and is not mapped
  --> mappings/bad.yaml:37:1
   |
37 | order:
   | ^^^^^
   = help: correct "recipient_mail" in line 42, map it, or set `mode: update_only`

error[M201]: unknown column "Landd"
  --> mappings/bad.yaml:40:29
   |
40 |   destination_country_iso3: Landd                 # DE/DEU → DEU, because the target is ISO3
   |                             ^^^^^
   = help: did you mean "Land"?

error[M207]: unknown step "lwoer"
  --> mappings/bad.yaml:41:39
   |
41 |   language_iso2: {from: Sprache, do: [lwoer], default: de}
   |                                       ^^^^^
   = help: did you mean "lower"?

error[M101]: parcelLab order has no field "recipient_mail"
  --> mappings/bad.yaml:42:3
   |
42 |   recipient_mail: {from: EMail, default: _unset}
   |   ^^^^^^^^^^^^^^
   = help: did you mean "recipient_email"?

error[M201]: unknown column "EUR"
  --> mappings/bad.yaml:45:19
   |
45 |   order_currency: EUR
   |                   ^^^
   = help: a bare word is a column name; for fixed text write {value: "EUR"}

error[M304]: this expression mixes rows (an aggregate such as SUM or MAX)
  --> mappings/bad.yaml:46:30
   |
46 |   order_total_amount: {sql: "SUM(Preis * Menge)"}
   |                              ^^^
   = help: use `aggregate: sum` on an order field

error[M205]: unknown lookup table "courier"
  --> mappings/bad.yaml:79:51
   |
79 |     courier: {from: Carrier, do: [upper], lookup: courier}
   |                                                   ^^^^^^^
   = help: did you mean "couriers"?

error[M302]: unknown column "STORNO" in this expression
  --> mappings/bad.yaml:86:25
   |
86 |     when_all: 'Status = "STORNO"'            # every row of the order
   |                         ^^^^^^^^
   = help: text needs single quotes: 'STORNO'. Double quotes mean a column

error[M303]: CAST and STRPTIME stop the whole file at the first bad row
  --> mappings/bad.yaml:93:24
   |
93 |       quantity: {sql: "CAST(Menge AS INT) - StornoMenge"} # absolute, as the API wants it (0 = cancel)
   |                        ^^^^
   = help: declare the column, such as source.columns: {Qty: integer}, and leave this out: bad cells are then rejected one by one
"""


MISSING = """\
error[M105]: "recipient_email" is required to create an order and is not mapped
  --> mappings/bad.yaml:37:1
   |
37 | order:
   | ^^^^^
   = help: map it, or set `mode: update_only`
"""


def said_of(planted: Mapping[str, str]) -> str:
    """What is said of the first example with some of its lines changed."""
    text = ORDERS.read_text(encoding="utf-8")
    header = next(line for line in text.splitlines() if line.startswith("      AuftragsNr;"))
    for good, bad in planted.items():
        assert text.count(good) == 1, good
        text = text.replace(good, bad)
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(text, "mappings/bad.yaml", header=header.strip().split(";"))
    return refused.value.render() + "\n"


def test_the_mistakes_of_the_design_are_said_with_place_caret_and_hint() -> None:
    assert said_of(PLANTED) == SAID


def test_a_required_field_that_nothing_is_meant_for_is_missing() -> None:
    assert (
        said_of({"  recipient_email: {from: EMail, do: [lower], default: _unset}\n": ""}) == MISSING
    )
