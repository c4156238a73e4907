import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.catalogue import SHAPES
from pipeline.model.field import Pii
from pipeline.report.masking import PiiMode, mask, pii_of, shown_detail, shown_value


@pytest.mark.parametrize(
    ("value", "pii", "shown"),
    [
        ("konrad.unde@example.com", Pii.EMAIL, "k…@e….com"),
        ("k unde@example.com", Pii.EMAIL, "k␠u…@e….com"),
        ("konrad", Pii.EMAIL, "k…"),
        ("a@@b.de", Pii.EMAIL, "a…@@b….de"),
        ("max@firma.schmidt", Pii.EMAIL, "m…@f….s…"),
        ("max@exam\u202eple.com", Pii.EMAIL, "m…@e…⟨U+202E⟩p….com"),
        ("Jana Meyer", Pii.NAME, "J… M…"),
        ("Jana\x00Meyer", Pii.NAME, "J…⟨U+0000⟩"),
        ("+49 151 2345 6742", Pii.PHONE, "+49␠…42"),
        ("0151/2345678", Pii.PHONE, "01/…78"),
        ("110", Pii.PHONE, "1…"),
        ("01067", Pii.POSTCODE, "01…"),
        ("01", Pii.POSTCODE, "0…"),
        ("Kapellenweg 2", Pii.STREET, "K…"),
        ("X", Pii.FREE, "…"),
        ("SKU-1\x1b[31m", Pii.NONE, "SKU-1⟨U+001B⟩[31m"),
        ("", Pii.EMAIL, ""),
    ],
)
def test_a_mask_keeps_the_shape_and_what_is_wrong(value: str, pii: Pii, shown: str) -> None:
    assert mask(value, pii) == shown


@pytest.mark.parametrize(
    ("target", "pii"),
    [
        ("shipping_address.postal_code", Pii.POSTCODE),
        ("articles_order.unit_price", Pii.NONE),
        ("articles_order.7.unit_price", Pii.NONE),
        ("mutations.add_tracking.tracking.recipient_name", Pii.NAME),
        ("mutations.0.tracking.recipient_name", Pii.NAME),
        ("additional_attributes.gift_wrap", Pii.FREE),
        ("shipping_address.no_such_member", Pii.FREE),
        ("no_such_field", Pii.FREE),
        ("unit_price", Pii.NONE),
        ("city", Pii.CITY),
        ("", Pii.FREE),
    ],
)
def test_the_class_comes_from_the_target_field(target: str, pii: Pii) -> None:
    assert pii_of(target) is pii


def test_every_personal_field_of_the_catalogue_is_masked_on_its_path() -> None:
    for field in SHAPES["order"].fields:
        assert pii_of(field.name) is field.pii
    for field in SHAPES["address"].fields:
        assert pii_of(f"shipping_address.{field.name}") is field.pii


@given(
    st.text(min_size=3, max_size=40),
    st.sampled_from([pii for pii in Pii if pii is not Pii.NONE]),
)
def test_a_mask_never_holds_the_value_nor_anything_invisible(value: str, pii: Pii) -> None:
    masked = mask(value, pii)
    assert masked.isprintable()
    letters = "".join(c for c in value if c.isalnum())
    if len(letters) > 6 and len(value.split(" ")) == 1:
        assert letters not in masked


def test_a_detail_that_quotes_another_cell_is_masked_like_the_value() -> None:
    assert shown_detail("R303", "recipient_name", "Jana Meyer", "Max Mohn", PiiMode.MASK) == "M… M…"


def test_a_detail_that_repeats_the_value_shows_its_mask() -> None:
    shown = shown_detail(
        "R324", "recipient_email", "k@privat.example", '"k@privat.example" is odd', PiiMode.MASK
    )
    assert shown == '"k…@p….e…" is odd'


def test_show_shows_and_none_shows_no_value_at_all() -> None:
    assert shown_value("R301", "recipient_name", "Jana", PiiMode.SHOW) == "Jana"
    assert shown_value("R201", "articles_order.quantity", "two", PiiMode.NONE) == "(not shown)"


@pytest.mark.parametrize(
    ("code", "column", "value", "detail", "shown"),
    [
        ("E110", "SE*01", "80", "86", "80"),
        ("E106", "IEA*02", "000000905", "000000906", "000000905"),
        ("E121", None, "WAREHOUSE GMBH", "", "WAREHOUSE GMBH"),
        ("E303", "SN1*02", "X7", "quantity shipped", "X7"),
        ("E302", "N1*02", "Jane Doe", "1-60", "Xxxx Xxx"),
        ("E302", "NAD+4.1", "Müller, Jo", "1-35", "Xxxxxx, Xx"),
        ("E303", "PER*04", "+49 151 23", "x", "+99 999 99"),
        ("E302", "COM+1.1", "jo@home.de", "", "xx@xxxx.xx"),
        ("E304", "N4*04", "ZZ", "US, CA", "ZZ"),
        ("E304", "NAD+1", "Jane Doe", "BY, ST", "Xxxx Xxx"),
        ("E305", "N1", "9", "6", "9"),
        ("E307", "name", "Jane", "S/N1[1=ST].2", "Xxxx"),
        ("E307", "zip", "62701", "S/N1[1=ST]>N4.3, LIN.1", "99999"),
        ("E307", "sku", "SKU17", "I/LIN[*=SK].+1", "SKU17"),
        ("E307", "ref", "A1", "REF[1=N1].2", "A1"),
        ("E202", None, "ZZZ", "856", "ZZZ"),
        ("E202", None, "Jane Doe Street", "856", "Xxxx Xxx Xxxxxx"),
        ("E111", None, "N1*ST*Jane~", "11", "N1*XX*Xxxx~"),
        ("E117", None, "N3*7 Main St", "", "N3*9 Xxxx Xx"),
        ("E118", "N1", "N1*ST*Jör", "utf-8", "N1*XX*Xöx"),
        ("E102", None, "ISA*00*pass", "", "ISA*99*xxxx"),
    ],
)
def test_edi_values_are_masked_by_their_segment(
    code: str, column: str | None, value: str, detail: str, shown: str
) -> None:
    def written(mode: PiiMode) -> str:
        return shown_value(code, None, value, mode, column=column, detail=detail)

    assert written(PiiMode.MASK) == shown
    assert written(PiiMode.SHOW) == value
    is_element = code[:2] == "E3" and code != "E305"
    assert written(PiiMode.NONE) == ("(not shown)" if is_element or shown != value else value)
