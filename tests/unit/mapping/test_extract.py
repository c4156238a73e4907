"""`extract` against the tables of messages: what a mapping of EDI compiles to, and its mistakes."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.extract import HL_LEVELS, standings
from pipeline.mapping.mistakes import MappingRefused, Weight, render
from pipeline.mapping.plan import ExtractPlan, Plan
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.messages import MESSAGES
from tests.unit.mapping.extract_cases import CASES, HEAD

ASN = """\
source: {format: x12, transaction: "856", dates: "%Y%m%d", columns: {qty: integer}}
extract:
  columns:
    order_no: O/PRF.1
    zip: "S/N1[1=ST]>N4.3"
    tracking: ["P/MAN[*=CP].+1", "REF[1=2I].2"]
    sku: "I/LIN[*=SK|VN].+1"
    qty: I/SN1.2
order: {order_number: order_no}
trackings:
  key: tracking
  fields:
    external_reference: tracking
    recipient_postal_code: zip
    articles: {line_item_id: sku, quantity: qty}
"""
DESADV = """\
source: {format: edifact, message: DESADV}
extract:
  columns:
    order_no: ["LIN/RFF[1.1=ON].1.2", "RFF[1.1=ON].1.2"]
    email: "NAD[1=DP]>COM[1.2=EM].1"
    sscc: "CPS/GIN[1=BJ].2-6.1..2"
    sku: "PIA[*.2=SA].*.1"
order: {order_number: order_no, recipient_email: email}
trackings:
  key: sscc
  fields: {external_reference: sscc, articles: {line_item_id: sku}}
"""


def plan_of(text: str) -> Plan:
    compiled = compile_mapping(HEAD + text, "m.yaml")
    assert compiled.warnings == ()
    return compiled.plan


def extract_of(text: str) -> ExtractPlan:
    extract = plan_of(text).extract
    assert extract is not None
    return extract


def said(text: str) -> str:
    try:
        compiled = compile_mapping(HEAD + text, "m.yaml")
    except MappingRefused as refused:
        return refused.render() + "\n"
    return render(list(compiled.warnings), "m.yaml", compiled.text) + "\n"


@pytest.mark.parametrize(("text", "says"), CASES.values(), ids=CASES)
def test_a_mistake_is_said_with_place_and_hint(text: str, says: str) -> None:
    assert said(text) == says
    assert " = help: " in says


@pytest.mark.parametrize(("name", "rows"), [("asn-856", ("I", "P")), ("desadv", ("LIN",))])
def test_the_two_mappings_of_the_design_compile_as_written(
    name: str, rows: tuple[str, ...]
) -> None:
    text = (Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8")
    compiled = compile_mapping(text, f"{name}.yaml")
    assert compiled.warnings == ()
    assert compiled.plan.extract is not None
    assert compiled.plan.extract.rows == rows
    assert len(compiled.plan.reads) == 9


def test_columns_of_extract_are_the_header() -> None:
    plan = plan_of(ASN)
    assert plan.reads == ("order_no", "qty", "sku", "tracking", "zip")
    extract = plan.extract
    assert extract is not None
    assert [column.name for column in extract.columns] == [
        "order_no",
        "zip",
        "tracking",
        "sku",
        "qty",
    ]
    assert [column.line for column in extract.columns] == [7, 8, 9, 10, 11]
    assert extract.syntax is Syntax.X12
    assert extract.messages == ("856",)
    assert [typed.name for typed in plan.typed] == ["qty"]


def test_a_header_that_is_given_does_not_count() -> None:
    compiled = compile_mapping(HEAD + ASN, "m.yaml", header=["ISA*00*", "x"])
    assert compiled.plan.extract == plan_of(ASN).extract
    compiled = compile_mapping(HEAD + ASN, "m.yaml", header=["ISA;00;"])
    assert compiled.plan.extract == plan_of(ASN).extract


def test_paths_are_shown_as_they_are_written() -> None:
    extract = extract_of(ASN)
    assert extract.shown("tracking") == "P/MAN[*=CP].+1, REF[1=2I].2"
    assert extract.shown("other") == ""


def test_rows_come_from_the_message_unless_the_mapping_says_otherwise() -> None:
    assert extract_of(ASN).rows == ("I", "P")
    assert extract_of(ASN.replace("extract:\n", "extract:\n  rows: I\n")).rows == ("I",)
    assert extract_of(ASN.replace("extract:\n", "extract:\n  rows: [P, I, P]\n")).rows == ("P", "I")
    assert extract_of(DESADV).rows == ("LIN",)


def test_several_messages_share_one_mapping() -> None:
    extract = extract_of("""\
source: {format: x12, transactions: ["850", "860", "850"]}
extract: {columns: {order_no: [BEG.3, BCH.3], note: "POC.2"}}
order: {order_number: order_no, additional_attributes: {note: note}}
""")
    assert extract.messages == ("850", "860")
    assert extract.rows == ("PO1", "POC")


def test_each_marks_columns() -> None:
    extract = extract_of(ASN.replace("extract:\n", "extract:\n  each: tracking\n"))
    assert {column.name for column in extract.columns if column.each} == {"tracking"}


@pytest.mark.parametrize(
    ("message", "tag", "among"),
    [
        ("856", "LIN", tuple(range(2, 31, 2))),
        ("850", "PO1", tuple(range(6, 25, 2))),
        ("860", "POC", tuple(range(8, 27, 2))),  # POC-02 is no qualifier of a pair
        ("940", "W01", (4, 6, 15)),
        ("945", "MAN", (1, 4)),
        ("940", "PER", (3, 5, 7)),
        ("214", "L11", (2,)),  # value first, then its qualifier
    ],
)
def test_a_qualifier_is_looked_for_where_qualifiers_stand(
    message: str, tag: str, among: tuple[int, ...]
) -> None:
    extract = extract_of(f"""\
source: {{format: x12, transaction: "{message}"}}
extract: {{columns: {{a: "{tag}[*=SK].*"}}}}
order: {{order_number: a}}
""")
    assert extract.columns[0].paths[0].segment.among == among


def test_w12_has_its_pairs_in_three_places() -> None:
    extract = extract_of("""\
source: {format: x12, transaction: "945"}
extract: {columns: {a: "W12[*=SK].+1"}}
order: {order_number: a}
""")
    assert {7, 17, 21} <= set(extract.columns[0].paths[0].segment.among)


def test_in_edifact_every_element_may_hold_the_qualifier() -> None:
    sku = extract_of(DESADV).columns[3].paths[0]
    assert sku.segment.among == ()
    assert (sku.element, sku.component) == (0, 1)


def test_edi_has_no_encoding_of_its_own_unless_it_is_declared() -> None:
    assert plan_of(DESADV).source.encoding == ""
    assert plan_of(DESADV).source.decimal == "."
    declared = plan_of(DESADV.replace("DESADV}", "DESADV, encoding: latin-1}"))
    assert declared.source.encoding == "latin-1"


def test_envelope_and_message_are_levels() -> None:
    extract = extract_of("""\
source: {format: x12, transaction: "945"}
extract: {columns: {a: "ISA/ISA.13", b: GS.8, c: "ST/N9[1=BM].2", d: "LX/MAN[1=CP].2"}}
order: {order_number: a, additional_attributes: {b: b, c: c, d: d}}
""")
    assert [path.level for column in extract.columns for path in column.paths] == [
        "ISA",
        "",
        "ST",
        "LX",
    ]


@pytest.mark.parametrize(("syntax", "type_"), MESSAGES)
def test_every_level_of_rows_is_a_level(syntax: Syntax, type_: str) -> None:
    message = MESSAGES[(syntax, type_)]
    assert set(message.rows) <= set(standings(message))


@pytest.mark.parametrize(
    ("rows", "path", "marked"),
    [
        ("P", "I/SN1.2", "I"),
        ("CPS", "LIN/QTY.1", "LIN"),
        ("CPS", "IMD.1", "IMD"),
        ("UNH", "GIN.2", "GIN"),
    ],
)
def test_a_row_sees_nothing_inside_of_it(rows: str, path: str, marked: str) -> None:
    source = (
        '{format: x12, transaction: "856"}' if rows == "P" else "{format: edifact, message: DESADV}"
    )
    text = f"""\
source: {source}
extract: {{rows: {rows}, columns: {{a: {path}}}}}
order: {{order_number: a}}
"""
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(HEAD + text, "m.yaml")
    [mistake] = caught.value.mistakes
    assert mistake.code == "M406"
    line = text.split("\n")[1]
    assert line[mistake.column - 1 : mistake.column - 1 + mistake.length] == marked
    assert f"lies inside of the rows, which are {rows}" in mistake.message


def test_levels_lie_in_each_other() -> None:
    asn = standings(MESSAGES[(Syntax.X12, "856")])
    assert asn["I"].outwards == set(asn)
    assert asn["T"].outwards == set(asn) - {"I"}
    status = standings(MESSAGES[(Syntax.EDIFACT, "IFTSTA")])
    assert {"UNB", "UNH", "CNI", "STS"} <= status["STS"].outwards
    assert "STS" not in status["CNI"].outwards
    assert list(status)[-1] == "STS"


def test_levels_hold_what_stands_in_them_and_in_no_level_below() -> None:
    levels = standings(MESSAGES[(Syntax.X12, "945")])
    assert list(levels) == ["ISA", "GS", "ST", "LX", "W12"]
    assert "W06" in levels["ST"].tags
    assert "MAN" not in levels["ST"].tags
    assert "W12" not in levels["LX"].tags
    assert levels["ST"].loops["N1"] == {"N1", "N2", "N3", "N4", "PER"}
    shipment = standings(MESSAGES[(Syntax.X12, "856")])
    assert set(HL_LEVELS) <= set(shipment)
    assert {shipment[name].first for name in HL_LEVELS} == {"HL"}


PARTS = st.sampled_from(
    ["S", "O", "I", "ST", "GS", "UNH", "CPS", "LIN", "HL", "N1", "N4", "NAD", "COM", "GIN", "PCI", "MAN", "BSN", "BGM",
     "[1=ST]", "[*=SK]", "[*.2=SA]", "[1.1=ON]", "[9!=A|B]", "/", ">", ".", ".1", ".2", ".+1", ".*", ".2-6", ".2..3", ".1..2"]
)  # fmt: skip
SOURCES = st.sampled_from(
    ['{format: x12, transaction: "856"}', "{format: edifact, message: DESADV}",
     '{format: x12, transactions: ["850", "945", "214"]}', "{format: edifact, messages: [ORDERS, IFTSTA]}"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(SOURCES, st.lists(PARTS, min_size=1, max_size=7).map("".join))
@pytest.mark.thorough
def test_any_path_compiles_or_is_a_mistake_in_its_own_text(source: str, path: str) -> None:
    start = 'extract: {columns: {a: "'
    text = f'{HEAD}source: {source}\n{start}{path}"}}}}\norder: {{order_number: a}}\n'
    try:
        extract = compile_mapping(text, "m.yaml").plan.extract
    except MappingRefused as refused:
        [mistake] = refused.mistakes
        assert mistake.code in {"M401", "M403", "M404", "M405", "M406"}
        assert mistake.line == 5
        assert 0 <= mistake.column - 1 - len(start) <= len(path)
        assert mistake.help
    else:
        assert extract is not None
        assert extract.shown("a") == path


def test_mistakes_of_paths_hide_no_others() -> None:
    text = ASN.replace("O/PRF.1", "O/PRF").replace("qty: I/SN1.2", "qty: I/SN2.2")
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(HEAD + text.replace("line_item_id: sku", "line_item_id: skoo"), "m.yaml")
    errors = [m for m in caught.value.mistakes if m.weight is Weight.ERROR]
    assert [(m.code, m.line) for m in errors] == [("M401", 7), ("M403", 11), ("M201", 18)]


def test_a_mapping_of_edi_gives_no_header_to_read() -> None:
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(HEAD + ASN.replace("order_number: order_no", "order_number: x"), "m.yaml")
    assert caught.value.source is None
