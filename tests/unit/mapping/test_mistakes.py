"""Every mistake has a code, a place, a caret and a hint; every code can be made."""

import itertools

import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MISTAKES, MappingRefused, Mistake, render
from tests.unit.mapping.cases import CASES, FILES, Case


def load(name: str) -> bytes:
    if name not in FILES:
        raise FileNotFoundError(name)
    return FILES[name]


def said(case: Case) -> str:
    try:
        compiled = compile_mapping(case.text, "m.yaml", header=case.header, load=load)
    except MappingRefused as refused:
        return refused.render()
    return render(list(compiled.warnings), "m.yaml", compiled.text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.name}")
def test_a_mistake_is_said_with_place_and_hint(case: Case) -> None:
    assert said(case) + "\n" == case.says
    assert f"[{case.code}]" in case.says
    assert " = help: " in case.says


# made of a file, which the compiler does not see: tests/run/test_fitting.py and test_sampling.py;
# W111 of the configuration: test_couriers.py
OF_A_FILE = {
    "M219",
    "M407",
    "W105",
    "W106",
    "W107",
    "W108",
    "W109",
    "W110",
    "W111",
    "W114",
    "W116",
    "W117",
}


def test_every_code_is_made_by_a_case() -> None:
    assert {case.code for case in CASES} | OF_A_FILE == set(MISTAKES)


@pytest.mark.parametrize("code", MISTAKES)
def test_every_code_can_be_explained(code: str) -> None:
    row = MISTAKES[code]
    assert row.title
    assert row.why
    assert row.fix


NINE = """\
version: 1
name: bad
source:
  decimal: ","
  dates: "%d.%m.%Y"
  columns: {Menge: integer, StornoMenge: integer, Preis: decimal}
lookups:
  couriers: {DHL: dhl-germany, UPS: ups}
rows:
  key: AuftragsNr
order:
  order_number: AuftragsNr
  destination_country_iso3: Landd                  # DE/DEU becomes DEU
  language_iso2: {from: Sprache, do: [lwoer], default: de}
  recipient_mail: {from: EMail, default: _unset}
  order_currency: EUR
  order_total_amount: {sql: "SUM(Preis * Menge)"}
trackings:
  key: SendungsNr
  fields:
    tracking_number: SendungsNr
    courier: {from: Carrier, do: [upper], lookup: courier}
mutations:
  - type: cancel_order
    when_all: 'Status = "STORNO"'            # every row of the order
  - type: change_line_item_quantity
    fields:
      line_item_id: Pos
      quantity: {sql: "CAST(Menge AS INT) - StornoMenge"} # absolute, as the API wants it
"""
NINE_HEADER = ["AuftragsNr", "Pos", "Land", "Sprache", "EMail", "Preis", "Menge", "StornoMenge",
    "SendungsNr", "Carrier", "Status"]  # fmt: skip

NINE_SAID = """\
error[M105]: "recipient_email" is required to create an order and is not mapped
  --> mappings/bad.yaml:11:1
   |
11 | order:
   | ^^^^^
   = help: correct "recipient_mail" in line 15, map it, or set `mode: update_only`

error[M201]: unknown column "Landd"
  --> mappings/bad.yaml:13:29
   |
13 |   destination_country_iso3: Landd                  # DE/DEU becomes DEU
   |                             ^^^^^
   = help: did you mean "Land"?

error[M207]: unknown step "lwoer"
  --> mappings/bad.yaml:14:39
   |
14 |   language_iso2: {from: Sprache, do: [lwoer], default: de}
   |                                       ^^^^^
   = help: did you mean "lower"?

error[M101]: parcelLab order has no field "recipient_mail"
  --> mappings/bad.yaml:15:3
   |
15 |   recipient_mail: {from: EMail, default: _unset}
   |   ^^^^^^^^^^^^^^
   = help: did you mean "recipient_email"?

error[M201]: unknown column "EUR"
  --> mappings/bad.yaml:16:19
   |
16 |   order_currency: EUR
   |                   ^^^
   = help: a bare word is a column name; for fixed text write {value: "EUR"}

error[M304]: this expression mixes rows (an aggregate such as SUM or MAX)
  --> mappings/bad.yaml:17:30
   |
17 |   order_total_amount: {sql: "SUM(Preis * Menge)"}
   |                              ^^^
   = help: use `aggregate: sum` on an order field

error[M205]: unknown lookup table "courier"
  --> mappings/bad.yaml:22:51
   |
22 |     courier: {from: Carrier, do: [upper], lookup: courier}
   |                                                   ^^^^^^^
   = help: did you mean "couriers"?

error[M302]: unknown column "STORNO" in this expression
  --> mappings/bad.yaml:25:25
   |
25 |     when_all: 'Status = "STORNO"'            # every row of the order
   |                         ^^^^^^^^
   = help: text needs single quotes: 'STORNO'. Double quotes mean a column

error[M303]: CAST and STRPTIME stop the whole file at the first bad row
  --> mappings/bad.yaml:29:24
   |
29 |       quantity: {sql: "CAST(Menge AS INT) - StornoMenge"} # absolute, as the API wants it
   |                        ^^^^
   = help: declare the column, such as source.columns: {Qty: integer}, and leave this out: bad cells are then rejected one by one"""


def test_nine_mistakes_of_one_mapping_are_said_at_once() -> None:
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(NINE, "mappings/bad.yaml", header=NINE_HEADER)
    assert caught.value.render() == NINE_SAID
    assert caught.value.message == "the mapping mappings/bad.yaml has 9 mistakes"
    assert caught.value.place == "mappings/bad.yaml:11:1"
    assert caught.value.exit_code == 2


def test_at_most_twenty_are_shown_and_the_rest_is_counted() -> None:
    fields = "".join(f"  unknown_{n}: Text\n" for n in range(25))
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(
            f"version: 1\nname: m\nsource: {{}}\nmode: update_only\norder:\n  order_number: Nr\n{fields}",
            "m.yaml",
        )
    blocks = caught.value.render().split("\n\n")
    assert len(blocks) == 21
    assert blocks[-1] == "and 5 more"


def test_a_condition_that_is_used_twice_is_reported_once() -> None:
    text = "version: 1\nname: m\nmode: update_only\nsource: {}\norder:\n  order_number: Nr\n  channel: {from: A, when: \"B = 'x'\", default: y}\n"
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(text, "m.yaml", header=["Nr", "A"])
    assert [mistake.code for mistake in caught.value.mistakes] == ["M302"]


def test_a_long_line_is_shown_around_the_caret_and_what_a_terminal_would_obey_is_not() -> None:
    text = f"version: 1\nname: m\nmode: update_only\nsource: {{}}\norder: {{order_number: Nr, channel: {{value: {'x' * 200}\u200f}}, nonsense: A}}\n"
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(text, "m.yaml", header=["Nr", "A"])
    lines = caught.value.render().split("\n")
    assert all(len(line) < 170 for line in lines if line.startswith(("5 |", "  |")))
    shown, carets = next((a, b) for a, b in itertools.pairwise(lines) if b.endswith("^^^^^^^^"))
    assert shown[carets.index("^") :].startswith("nonsense")
    assert "\u200f" not in caught.value.render()


@pytest.mark.parametrize("start", ["\ufeff", ""])
def test_a_byte_order_mark_moves_no_caret(start: str) -> None:
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(start + "verson: 1\n", "m.yaml")
    assert caught.value.mistakes[0].column == 1
    assert "\ufeff" not in caught.value.render()


@pytest.mark.parametrize(
    ("before", "word", "blanks", "carets"),
    [("abc", "frm", 3, 3), ("日本語", "frm", 6, 3), ("😀", "frm", 2, 3), ("e\u0301e\u0301", "frm", 2, 3),
     ("", "日本", 0, 4), ("ä", "frm", 1, 3)],
)  # fmt: skip
def test_a_caret_stands_below_its_word_where_characters_take_two_places_or_none(
    before: str, word: str, blanks: int, carets: int
) -> None:
    found = Mistake("M100", "x", 1, len(before) + 1, len(word))
    assert render([found], "m.yaml", before + word).splitlines()[-1] == (
        f"  | {' ' * blanks}{'^' * carets}"
    )
