"""`mapping init` on EDI: what a file has is written, what it leaves open is a comment."""

import re
from pathlib import Path

import pytest

from pipeline.mapping.compile import Compiled, compile_mapping
from pipeline.mapping.extract import readable
from pipeline.model.edi.candidates import CANDIDATES
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.messages import MESSAGES
from pipeline.model.stops import SourceUnusable
from pipeline.read import SourceEmpty, open_edi
from pipeline.run.evidence import gather
from pipeline.run.proposing import NoInterchange, NoSuchMessage, propose
from pipeline.run.trial import try_mapping
from tests.run import interchanges
from tests.run.interchanges import FILES, edifact, x12

EXPECTED_945 = """\
# Proposed by `pipeline mapping init` from night.edi:
# 1 message 945 (warehouse shipping advice), 2 rows.
# What the file leaves open is a comment. Read it line by line, then try it with
# `pipeline mapping check` and `pipeline plan`, which send nothing.
version: 1
name: x12-945
description: X12 945, warehouse shipping advice; adds parcels to orders
mode: update_only                             # orders that the ledger does not know are not created

source:
  format: x12
  transaction: "945"
  # files: "*.edi"                            # which files of a folder this mapping reads
  dates: "%Y%m%d"
  columns: {qty: integer}
  # timezone: Europe/Berlin                   # of times in the file, which have no offset

extract:                                      # one row per W12
  columns:
    order_no: "W06.2"                         # 2 of 2 rows, such as WH-1
    # customer_ref: "N9[1=CO].2"              # nothing in this file
    ship_id: "W06.4"                          # 2 of 2 rows, such as SHIP-1
    shipped: "W06.3"                          # 2 of 2 rows, such as 20261120
    # expected: "G62[1=17].2"                 # nothing in this file
    carrier: "W27.2"                          # 2 of 2 rows, such as UPSN
    tracking: "MAN[1=CP].2"                   # 2 of 2 rows, such as 1Z999AA10123456784
    # sscc: "MAN[1=GM].2"                     # nothing in this file
    # recipient: "N1[1=ST].2"                 # 2 of 2 rows, such as J… M…
    # street: "N1[1=ST]>N3.1"                 # 2 of 2 rows, such as H…
    # street_extra: "N1[1=ST]>N3.2"           # 2 of 2 rows, such as H…
    # city: "N1[1=ST]>N4.1"                   # 2 of 2 rows, such as K…
    # region: "N1[1=ST]>N4.2"                 # nothing in this file
    zip: "N1[1=ST]>N4.3"                      # 2 of 2 rows, such as 24…
    country: "N1[1=ST]>N4.4"                  # 2 of 2 rows, such as DE
    line_no: "LX/LX.1"                        # 2 of 2 rows, such as 1
    sku: "W12[*=SK].+1"                       # 2 of 2 rows, such as SKU-1
    # barcode: "W12[*=EN].+1"                 # nothing in this file
    # case_code: "W12.6"                      # nothing in this file
    qty: "W12.3"                              # 2 of 2 rows, such as 2
    unit: "W12.5"                             # 2 of 2 rows, such as EA

lookups:
  couriers:                                   # parcelLab's key of each carrier; what is not listed is rejected (R401)
    "UPSN": ups                               # 2 rows
  units:                                      # pieces in each unit; what is not listed is rejected (R401)
    "EA": "1"                                 # 2 rows

derive:
  inside: {sql: "line_no IS NOT NULL AND COALESCE(qty, 1) > 0"}
  pieces: {from: unit, do: [upper], lookup: units, as: integer, default: "1"}

order:
  order_number: order_no

trackings:
  key: tracking
  when: "tracking IS NOT NULL AND COALESCE(qty, 1) > 0"
  fields:
    tracking_number: tracking
    courier: {from: carrier, do: [upper], lookup: couriers}
    # external_reference: sscc                # no sscc in this file
    delivery_number: ship_id
    announced_send_date: shipped
    # announced_delivery_date: expected       # no expected in this file
    recipient_postal_code: zip
    destination_country_iso3: country
    # recipient_name: recipient               # only where it is the customer and not a shop
    articles:
      line_item_id: {template: "{order_no}-{line_no}", when: inside}  # as in the mapping that makes the order's lines
      sku: {from: sku, when: inside}
      # barcode: {from: barcode, when: inside}  # no barcode in this file
      # barcode: case_code                    # no case_code in this file
      quantity: {sql: "qty * pieces", when: inside}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "night.edi"


def proposed(file: Path, text: str, *, timezone: str | None = None) -> str:
    file.write_text(text, encoding="utf-8")
    (made,) = propose(file, file.name, timezone=timezone)
    return made.text


def compiled(text: str) -> Compiled:
    """The proposal with its placeholders filled in, which is all that it may lack."""
    filled = text.replace('"<code>"', '"CODE"').replace('"<key>"', "key")
    made = compile_mapping(filled, "proposed.yaml")
    assert not made.warnings, [warning.message for warning in made.warnings]
    return made


def without_test(text: str) -> str:
    """The proposal up to its `tests:`."""
    return text.partition("\ntests:\n")[0]


def line(text: str, start: str) -> str:
    """The one line that begins so, blanks before it and between its words set aside."""
    lines = without_test(text).splitlines()
    found = [each for each in lines if each.strip().startswith(start)]
    assert len(found) == 1, (start, found)
    return re.sub(r" {2,}", " ", found[0].strip())


def changed(segments: tuple[str, ...], **new: str) -> tuple[str, ...]:
    """The segments with others in place of those that begin with a tag."""
    return tuple(new.get(re.split(r"[*+]", each)[0], each) for each in segments)


def test_every_message_that_can_be_read_has_candidates() -> None:
    readable_ = {(syntax, kind) for syntax in Syntax for kind in readable(syntax)}
    assert set(CANDIDATES) == readable_
    assert {kind for _, kind in CANDIDATES} == set(FILES)


@pytest.mark.parametrize("kind", CANDIDATES, ids=lambda kind: kind[1])
def test_every_candidate_path_is_possible_for_every_party(
    kind: tuple[Syntax, str], file: Path
) -> None:
    file.write_text(FILES[kind[1]], encoding="utf-8")
    # a path that its message cannot have is refused by the compiler
    gather(open_edi(file, file.name), MESSAGES[kind])


def test_the_whole_of_one(file: Path) -> None:
    assert without_test(proposed(file, FILES["945"])) == EXPECTED_945


@pytest.mark.parametrize("timezone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("kind", FILES)
def test_what_is_proposed_has_no_mistakes(kind: str, timezone: str | None, file: Path) -> None:
    text = proposed(file, FILES[kind], timezone=timezone)
    plan = compiled(text).plan
    assert plan.extract is not None
    assert plan.extract.messages == (kind,)


@pytest.mark.parametrize("kind", FILES)
def test_persons_are_masked(kind: str, file: Path) -> None:
    text = proposed(file, FILES[kind])
    for personal in ("Jana", "Meyer", "Hafenweg", "Kiel", "KIEL", "24103", "jana@", "431555123"):
        assert personal not in text


def test_a_file_without_values_still_gives_what_is_needed(file: Path) -> None:
    text = proposed(file, x12("945", ("W06*F*WH-1", "N1*ST*X")))
    assert line(text, "tracking: ") == 'tracking: "MAN[1=CP].2" # nothing in this file, but needed'
    assert line(text, "carrier: ") == 'carrier: "W27.2" # nothing in this file, but needed'
    assert line(text, "# articles:")
    compiled(text)


def test_paths_stand_in_their_precedence_with_their_rows(file: Path) -> None:
    other = ("W06*F*WH-2*20261120*SHIP-2", "N1*ST*X", "W27*M**ACME TRUCKS", "LX*1",
             "N9*2I*00340434", "W12*CC*1*1**EA**VN*V-9")  # fmt: skip
    text = proposed(file, x12("945", interchanges.X12_945, other))
    assert re.search(
        r'    tracking:\n'
        r'      - "MAN\[1=CP\]\.2" +# 2 of 3 rows, such as 1Z999AA10123456784\n'
        r'      - "N9\[1=2I\]\.2" +# 1 of 3 rows, such as 00340434\n', text)  # fmt: skip
    assert re.search(
        r'    sku:\n      - "W12\[\*=SK\]\.\+1" .*\n      - "W12\[\*=VN\]\.\+1" ', text
    )
    compiled(text)


def test_carriers_that_nobody_knows_are_comments_and_never_a_default(file: Path) -> None:
    text = proposed(file, x12("945", changed(interchanges.X12_945, W27="W27*M*NPLT")))
    assert line(text, '# "NPLT"') == '# "NPLT": ? # 2 rows'
    assert line(text, '"<code>"') == '"<code>": "<key>" # replace this line'
    site = proposed(file, x12("945", changed(interchanges.X12_945, W27="W27*M*DHLP")))
    assert line(site, '# "DHLP"') == '# "DHLP": ? # 2 rows; dhl-germany? the code is no standard'
    compiled(text)


def test_a_bill_of_lading_is_no_tracking_number_by_itself(file: Path) -> None:
    text = proposed(file, x12("945", ("W06*F*WH-1", "N1*ST*X", "N9*BM*BOL-1", "W27*M*UPSN")))
    assert line(text, '# - "N9[1=BM].2"').endswith("is a tracking number for few couriers only")
    assert line(text, '- "MAN[1=CP].2"').endswith("# nothing in this file, but needed")
    compiled(text)


def test_what_a_carton_with_several_numbers_holds_is_told_once(file: Path) -> None:
    several = ("W06*F*WH-1", "N1*ST*X", "W27*M*UPSN", "LX*1", "MAN*CP*1Z1", "MAN*CP*1Z2",
               "W12*CC*3*3**EA**SK*SKU-1")  # fmt: skip
    text = proposed(file, x12("945", several))
    assert line(text, "each:") == "each: [tracking] # a row per value"
    assert line(text, 'tracking: "').startswith('tracking: "MAN[1=CP].2..3"')
    assert line(text, "inside:").endswith('AND tracking = first_number"}')
    extract = compiled(text).plan.extract
    assert extract is not None
    assert [column.name for column in extract.columns if column.each] == ["tracking"]


def test_packs_below_their_item_hold_what_stands_at_the_pack(file: Path) -> None:
    below = ("BSN*00*S-1*20261120*0130", "HL*1**S", "TD5**2*UPSN", "HL*2*1*O", "PRF*WH-1",
             "HL*3*2*I", "LIN*1*SK*SKU-1", "SN1**5*EA",
             "HL*4*3*P", "SN1**3*EA", "MAN*CP*1Z1", "HL*5*3*P", "SN1**2*EA", "MAN*CP*1Z2")  # fmt: skip
    text = proposed(file, x12("856", below))
    assert 'sql: "qty_of_pack * pieces"' in line(text, "quantity:")
    compiled(text)
    assert "qty_of_pack" not in proposed(file, FILES["856"])


def test_units_that_are_no_pieces_are_comments(file: Path) -> None:
    cases = changed(interchanges.X12_945, W12="W12*CC*3*3**CA**SK*SKU-1")
    text = proposed(file, x12("945", interchanges.X12_945, cases))
    assert line(text, '"EA"') == '"EA": "1" # 2 rows'
    assert line(text, '# "CA"') == '# "CA": ? # 2 rows'
    without = proposed(file, x12("945", changed(interchanges.X12_945, W12="W12*CC*3*3****SK*S-1")))
    assert line(without, "quantity:").endswith("# no unit in this file: are they pieces?")
    compiled(without)


def test_several_values_of_another_column_are_told(file: Path) -> None:
    twice = (*interchanges.X12_850[:1], "REF*CO*C-77", "REF*CO*C-78", *interchanges.X12_850[3:])
    text = proposed(file, x12("850", twice))
    assert line(text, "# customer_ref").endswith("several values in 1 place, the first is used")


def test_times_need_a_zone(file: Path) -> None:
    without = proposed(file, FILES["214"])
    assert line(without, "# checkpoints:").endswith(
        "# set source.timezone first: the times of this file have no offset"
    )
    assert "# statuses:" in without
    with_zone = proposed(file, FILES["214"], timezone="Europe/Berlin")
    assert line(with_zone, '"LT"').startswith('"LT": "" # 1 row; the time of the place')
    assert line(with_zone, '"D1"') == '"D1": "Delivered" # 1 row'
    assert line(with_zone, '# "D1"') == '# "D1": ? # 1 row; delivered'


def test_zones_with_two_offsets_are_left_open(file: Path) -> None:
    west = [each.replace("*LT", "*PT") for each in interchanges.X12_214]
    text = proposed(file, x12("214", interchanges.X12_214, west), timezone="Europe/Berlin")
    assert line(text, '# "PT"') == '# "PT": ? # 1 row'
    compiled(text)


@pytest.mark.parametrize(
    ("dates", "value"),
    [
        (("20261119",), "ordered"),
        (("261119",), '{from: ordered, format: "%y%m%d"}'),
        (("202611191430", "20261119"),
         '{cases: [{when: "LENGTH(ordered) = 8", from: ordered, format: "%Y%m%d"}, '
         '{when: "LENGTH(ordered) = 12", from: ordered, format: "%Y%m%d%H%M"}]}'),
    ],
)  # fmt: skip
def test_dates_are_written_as_the_file_has_them(
    dates: tuple[str, ...], value: str, file: Path
) -> None:
    messages = [changed(interchanges.ORDERS, DTM=f"DTM+137:{date}:102") for date in dates]
    text = proposed(file, edifact("ORDERS", *messages), timezone="UTC")
    assert line(text, "order_date:") == f"order_date: {value}"
    compiled(text)


def test_a_date_without_time_is_cut_from_one_with_time(file: Path) -> None:
    text = proposed(
        file, edifact("DESADV", changed(interchanges.DESADV, DTM="DTM+11:202611200700:203"))
    )
    assert line(text, "announced_send_date") == (
        "announced_send_date: {from: shipped, do: [{slice: [0, 8]}]}"
    )


def test_dates_in_no_known_form_stay_comments(file: Path) -> None:
    odd = changed(interchanges.ORDERS, DTM="DTM+137:2026112020261121:718")
    text = proposed(file, edifact("ORDERS", odd), timezone="UTC")
    assert "no form that is known" in line(text, "# order_date")


def test_a_decimal_comma_is_seen(file: Path) -> None:
    comma = changed(interchanges.ORDERS, PRI="PRI+AAA:19,90")
    text = proposed(file, edifact("ORDERS", comma))
    assert line(text, "decimal:") == 'decimal: "," # 1 number with a comma, 0 with a point'


def test_an_address_comes_from_one_party(file: Path) -> None:
    parties = ("N1*ST*Only a name", "N1*CN*Jana Meyer", "N3*Hafenweg 7", "N4*Kiel**24103*DE")
    text = proposed(file, x12("940", ("W05*N*WH-1", *parties, *interchanges.X12_940[7:])))
    assert line(text, 'city: "').startswith('city: "N1[1=CN]>N4.1"')
    assert "[1=ST]>" not in text
    assert line(text, '# "N1[1=ST].2"') == '# "N1[1=ST].2" # 1 time'
    compiled(text)


def test_half_an_address_stays_a_comment(file: Path) -> None:
    half = changed(interchanges.X12_940, N4="N4*Kiel**24103")
    text = proposed(file, x12("940", interchanges.X12_940, half))
    assert line(text, "# shipping_address").endswith("2 of 4 rows lack one")
    assert line(text, "country:").startswith('country: "N1[1=ST]>N4.4"')
    none = proposed(file, x12("940", half))
    assert line(none, "country:").endswith("# nothing in this file, but needed")
    assert "held (R301)" in line(none, "destination_country_iso3:")


@pytest.mark.parametrize(
    ("kind", "condition"),
    [("850", "function = '01'"), ("940", "function IN ('F', 'D')"), ("ORDERS", "function = '1'"),
     ("IFTMIN", "function = '1'"), ("860", "function = '01'"), ("ORDCHG", "function = '1'")],
)  # fmt: skip
def test_a_cancellation_cancels_its_order(kind: str, condition: str, file: Path) -> None:
    text = proposed(file, FILES[kind])
    assert line(text, "when_all:") == f'when_all: "{condition}"'
    assert compiled(text).plan.mutations[0].type == "cancel_order"


@pytest.mark.parametrize(("kind", "code"), [("856", "01"), ("DESADV", "1")])
def test_a_notice_taken_back_takes_its_parcels_back(kind: str, code: str, file: Path) -> None:
    text = proposed(file, FILES[kind])
    assert f"AND (function IS NULL OR NOT function = '{code}')" in text
    assert [each.type for each in compiled(text).plan.mutations] == ["cancel_tracking"]


def test_parcels_of_a_transport_instruction(file: Path) -> None:
    labelled = (*interchanges.IFTMIN[:4], "TDT+20++++UPSN", *interchanges.IFTMIN[4:], "RFF+CW:0034")
    text = proposed(file, edifact("IFTMIN", labelled))
    assert line(text, "tracking_number:") == "tracking_number: tracking"
    compiled(text)


def test_line_numbers_that_stand_twice_do_not_make_a_key_alone(file: Path) -> None:
    twice = (*interchanges.X12_940[:7], "LX*1", "W01*2*EA**SK*SKU-1", "W01*1*EA**SK*SKU-2")
    text = proposed(file, x12("940", twice))
    assert line(text, "line_item_id") == (
        'line_item_id: {template: "{order_no}-{sku}"} # the same line_no stands twice in an order, '
        "1 time; a sku must not stand twice in an order"
    )
    both = (*interchanges.X12_940[:7], "LX*1", "W01*2*EA**SK*SKU-1", "LX*2", "W01*1*EA**SK*SKU-1",
            "W01*1*EA**SK*SKU-2")  # fmt: skip
    assert line(proposed(file, x12("940", both)), "line_item_id") == (
        'line_item_id: {template: "{order_no}-{line_no}-{sku}"} '
        "# the same line_no stands twice in an order, 1 time"
    )
    never = (*interchanges.X12_940[:7], "LX*1", "W01*2*EA**SK*SKU-1", "W01*1*EA**SK*SKU-1")
    assert line(proposed(file, x12("940", never)), "line_item_id") == (
        'line_item_id: {template: "{order_no}-{line_no}"} '
        "# the same line_no stands twice in an order, 1 time: such rows are held (R302)"
    )
    without = proposed(file, x12("850", changed(interchanges.X12_850, PO1="PO1**2*EA***SK*S-1")))
    assert "{order_no}-{sku}" in line(without, "line_item_id")


def test_a_carton_number_is_no_line_number(file: Path) -> None:
    carton = ("W06*F*{}*20261120*SHIP-1", "N1*ST*X", "W27*M*UPSN", "LX*1", "MAN*CP*1Z{}",
              "W12*CC*2*2**EA**SK*SKU-1", "W12*CC*1*1**EA**SK*SKU-2")  # fmt: skip
    first = [each.format("WH-1", "1") for each in carton]
    second = [each.format("WH-2", "2") for each in carton]
    text = proposed(file, x12("945", first, second))
    assert line(text, "line_item_id") == (
        'line_item_id: {template: "{order_no}-{sku}", when: inside} # the same line_no stands for '
        "several articles of an order, 2 times; a sku must not stand twice in an order; "
        "as in the mapping that makes the order's lines"
    )
    compiled(text)
    # two lots of one line are one line
    lots = (*first[:-1], "W12*CC*1*1**EA**SK*SKU-1")
    assert "{order_no}-{line_no}" in line(proposed(file, x12("945", lots)), "line_item_id")


def test_lines_of_rejected_messages_do_not_choose_the_line_id(file: Path) -> None:
    twice = (*interchanges.X12_940[:7], "LX*1", "W01*2*EA**SK*SKU-1", "W01*1*EA**SK*SKU-2")
    text = x12("940", interchanges.X12_940, twice)
    bad = text.replace("SE*12*0002", "SE*99*0002")
    assert bad != text
    assert "{order_no}-{line_no}" in line(proposed(file, bad), "line_item_id")


def test_changes_whose_meaning_is_not_settled_stay_comments(file: Path) -> None:
    text = proposed(file, FILES["860"])
    kinds = [mutation.type for mutation in compiled(text).plan.mutations]
    assert kinds == ["cancel_order", "change_line_item_quantity", "add_line_item"]
    assert line(text, "# line_action QD") == "# line_action QD, 1 row: nothing here acts on it"
    ordchg = compiled(proposed(file, FILES["ORDCHG"])).plan.mutations
    assert [mutation.type for mutation in ordchg] == [
        "cancel_order", "change_line_item_quantity", "change_line_item_quantity", "add_line_item",
    ]  # fmt: skip


def test_rows_of_faulty_messages_count_and_are_told(file: Path) -> None:
    text = re.sub(r"SE\*[0-9]+", "SE*99", FILES["945"])
    assert "2 rows; 2 of them in messages with errors." in proposed(file, text)


def head(text: str) -> list[str]:
    """The lines of the head that speak of the file's errors."""
    lines = text.splitlines()
    return [each[2:] for each in lines[2 : lines.index("version: 1") - 2]]


def test_the_head_says_what_is_wrong_with_a_damaged_file(file: Path) -> None:
    assert head(proposed(file, FILES["945"])) == []
    cut = FILES["945"].partition("IEA*")[0]
    remark = (
        "This is from what could be read, rejected messages too: make it again from a sound file."
    )
    assert head(proposed(file, cut)) == [
        "THE FILE HAS ERRORS. An import would use none of its 1 message 945:",
        "  E104 Interchange not closed: line 1, segment 1",
        remark,
    ]
    compiled(proposed(file, cut))
    one_of_two = x12("945", interchanges.X12_945, interchanges.X12_945).replace("SE*15*0002", "SE*9*0002")  # fmt: skip
    assert head(proposed(file, one_of_two)) == [
        "THE FILE HAS ERRORS. An import would use 1 of its 2 messages 945:",
        "  E110 Segment total differs: line 32, segment 32",
        remark,
    ]
    # an error of another type of message is none of this one
    other = FILES["945"] + re.sub(r"SE\*[0-9]+", "SE*99", FILES["856"])
    file.write_text(other, encoding="utf-8")
    advice, notice = propose(file, file.name)
    assert head(advice.text) == []
    assert head(notice.text)[0].endswith("none of its 1 message 856:")


def test_a_file_of_which_nothing_is_left_is_refused_with_the_reason(file: Path) -> None:
    file.write_text(FILES["945"].partition("GS*")[0], encoding="utf-8")
    with pytest.raises(SourceUnusable) as stopped:
        propose(file, file.name)
    assert stopped.value.help == (
        "it is damaged: `pipeline edi show night.edi --problems` says where"
    )


def test_qualifiers_that_nothing_asks_for_are_listed(file: Path) -> None:
    text = proposed(file, FILES["850"])
    assert line(text, '# "REF[1=ZZ].2"') == '# "REF[1=ZZ].2" # 1 time'


def test_a_code_that_would_break_the_text_does_not(file: Path) -> None:
    odd = changed(interchanges.X12_945, W27='W27*M*A"B: # \u2028{')
    text = proposed(file, x12("945", odd))
    assert r'# "A\"B: # ⟨U+2028⟩{": ?' in text or "A" in line(text, '# "A')
    compiled(text)


def test_each_type_of_message_gets_its_own(file: Path) -> None:
    file.write_text(FILES["945"] + FILES["856"] + FILES["DESADV"], encoding="utf-8")
    assert [each.type for each in propose(file, file.name)] == ["945", "856", "DESADV"]
    (one,) = propose(file, file.name, message="desadv")
    assert one.type == "DESADV"
    compiled(one.text)
    with pytest.raises(NoSuchMessage, match="has no message 850 that a mapping can read"):
        propose(file, file.name, message="850")


def test_what_is_no_edi_or_holds_no_orders_is_refused(file: Path) -> None:
    file.write_text("order_no;qty\nA1;2\n")
    with pytest.raises(NoInterchange, match="no interchange begins in"):
        propose(file, file.name)
    file.write_text("")
    with pytest.raises(SourceEmpty):
        propose(file, file.name)
    file.write_text(FILES["945"].replace("ST*945", "ST*944"))
    with pytest.raises(SourceUnusable, match="no message that a mapping can read; it has 944"):
        propose(file, file.name)


@pytest.mark.parametrize("kind", FILES)
def test_its_test_passes_and_names_nobody(kind: str, file: Path) -> None:
    text = proposed(file, FILES[kind], timezone="Europe/Berlin")
    test = text.partition("\ntests:\n")[2]
    for identifying in ("Jana", "Kiel", "KIEL", "24103", "WH-1", "SHIP-1", "1Z999AA", "C-77"):
        assert identifying not in test
    mapping = file.with_name("m.yaml")
    mapping.write_text(text, encoding="utf-8")
    if '"<code>"' in text:
        assert test.endswith("    expect: {rejected: []}\n")
        return
    (tried,) = try_mapping(mapping)
    assert (tried.name, tried.orders, tried.rejections) == ("a message of night.edi", 1, 0)
    assert tried.fine, (tried.differences, tried.refusals)


def test_the_test_is_of_a_message_that_goes_through(file: Path) -> None:
    unknown = changed(interchanges.X12_945, W27="W27*M*NPLT", W06="W06*F*WH-1*20261120*FIRST-1")
    known = changed(interchanges.X12_945, W06="W06*F*WH-22*20261120*SHIP-1")
    bad = x12("945", known, unknown, known).replace("SE*15*0001", "SE*9*0001")
    test = proposed(file, bad).partition("\ntests:\n")[2]
    assert "W27*M*UPSN~" in test
    assert 'order_number: "AA-01"' in test
    # without any that does, the first one stands there and asks for what is meant
    only = proposed(file, x12("945", unknown)).partition("\ntests:\n")[2]
    assert "W06*F*AA-1*20261120*AAAAA-1~" in only
    assert only.endswith("    expect: {rejected: []}\n")


def test_a_long_message_makes_no_test(file: Path) -> None:
    lines = [each for n in range(1, 60) for each in (f"LX*{n}", f"W12*CC*1*1**EA**SK*SKU-{n}")]
    text = proposed(file, x12("945", (*interchanges.X12_945[:6], "MAN*CP*1Z1", *lines)))
    assert "\ntests:\n" not in text
    compiled(text)


def test_separators_in_texts_stay_texts(file: Path) -> None:
    odd = changed(interchanges.ORDERS, PIA="PIA+1+SKU?+?:1:SA")
    text = proposed(file, edifact("ORDERS", odd))
    assert "      PIA+1+SKU?+?:1:SA'\n" in text
    # X12 has no way to write its separators as text
    other = x12("945", interchanges.X12_945).replace("*", "|").replace("SKU-1", "SKU*1")
    assert "      W12*CC*2*2**EA**SK*SKU-1~\n" in proposed(file, other)


SAMPLES = [
    path
    for path in sorted((Path(__file__).parents[2] / "samples").rglob("*.edi"))
    if path.parent.name != "E101-no-interchange"
]


@pytest.mark.thorough
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_samples_give_mappings_without_mistakes(sample: Path) -> None:
    made = propose(sample, sample.name, timezone="UTC")
    assert made
    for each in made:
        compiled(each.text)
