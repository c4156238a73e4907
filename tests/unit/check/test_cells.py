"""What one cell must be like: a sentence per rule."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.check import check
from pipeline.check.emails import refused_emails
from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.plan import Aggregate
from pipeline.model.catalogue import SHAPES
from pipeline.model.field import Field, Kind, Shape, Use
from pipeline.model.findings import Findings

if TYPE_CHECKING:
    from tests.unit.check.conftest import Bench


ADDRESS = {
    "order__shipping_address__address_line": "Weg 1",
    "order__shipping_address__postal_code": "10115",
    "order__shipping_address__city": "Berlin",
    "order__shipping_address__country_iso3": "DEU",
}
PARCEL_ADDRESS = {name.replace("order", "trackings", 1): value for name, value in ADDRESS.items()}
BILLING = {name.replace("shipping", "billing"): value for name, value in ADDRESS.items()}


def one(bench: "Bench", **changes: object) -> dict[str, Any]:
    """The only finding of a row with these cells."""
    found = bench.findings(bench.fine(**changes)).rows
    assert found.height == 1, found
    return dict(found.row(0, named=True))


def test_a_sound_row_has_no_finding(bench: "Bench") -> None:
    assert bench.said(bench.fine(**ADDRESS, **PARCEL_ADDRESS, **BILLING)) == []


def test_a_table_without_rows_has_no_finding(bench: "Bench") -> None:
    assert len(bench.findings()) == 0


def test_a_finding_names_place_cell_and_line_of_the_mapping(bench: "Bench") -> None:
    made = one(bench, order__cancelled_reason="bored")
    assert made == {
        "_file": 0, "_line": 2, "_segment": 0, "code": "R306", "column": "Why",
        "target": "cancelled_reason", "value": "bored", "detail": "customer, inventory, payment, other",
        "mapping": "everything", "mapping_line": 28,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("slot", "value", "code", "column", "detail"),
    [
        ("order.order_number", "x" * 256, "R304", "No", "255"),
        ("order.tags.0", "x" * 256, "R304", "Tag", "255"),
        ("order.tags.0", "", "R305", "Tag", "1"),
        ("order.cancelled_reason", "Customer", "R306", "Why", "customer, inventory, payment, other"),
        (
            "trackings.flags.0", "fast", "R306", "Flag",
            "complete, upgrade, cash_on_delivery, branch_delivery, doorstep_delivery",
        ),
        ("order.order_currency", "EURO", "R307", "Cur", "; did you mean EUR?"),
        ("order.order_currency", "€", "R307", "Cur", ""),
        ("order.language_iso2", "DE", "R308", "Lang", "; did you mean de?"),
        ("order.timezone", "Europe/Berln", "R309", "Zone", "; did you mean Europe/Berlin?"),
        ("order.additional_recipients.0.email", "_unset", "R310", "Mail2", ""),
        ("trackings.recipient_email", "no address", "R310", "TMail", ""),
        ("order.order_total_amount", Decimal("100000000.00"), "R311", "Total", "8"),
        ("order.order_total_amount", Decimal("-100000000"), "R311", "Total", "8"),
        ("lines.quantity", -1, "R312", "Qty", "0"),
        ("lines.article_store_url", "www.example.com/a", "R317", "Link", ""),
        ("lines.article_store_url", "https:///a", "R317", "Link", ""),
        ("lines.article_store_url", "javascript://x.de/%0aalert(1)", "R317", "Link", ""),
    ],
)  # fmt: skip
def test_a_cell_that_breaks_its_rule_is_reported(
    bench: "Bench", slot: str, value: object, code: str, column: str, detail: str
) -> None:
    made = one(bench, **{slot: value})
    assert (made["_line"], made["code"], made["column"], made["detail"]) == (
        2,
        code,
        column,
        detail,
    )


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        ("order.order_number", "ä" * 255),  # code points, not bytes
        ("order.tags.0", "x" * 255),
        ("order.cancelled_reason", "other"),
        ("order.recipient_email", "_unset"),
        ("order.recipient_email", "jo+x@mail.example.test"),
        ("order.recipient_email", "jörg@exämple.de"),
        ("order.order_total_amount", Decimal("99999999.99")),
        ("order.order_total_amount", Decimal("-99999999.99")),
        ("lines.quantity", 0),
        ("lines.article_store_url", "HTTPS://shop.example:8080/a?b=c#d"),
        ("lines.article_store_url", "http://[::1]/a"),
        ("order.timezone", "Europe/Berlin"),
    ],
)
def test_a_cell_at_its_limit_passes(bench: "Bench", slot: str, value: object) -> None:
    assert bench.said(bench.fine(**{slot: value})) == []


def test_an_email_address_is_never_in_the_detail(bench: "Bench") -> None:
    made = one(bench, order__recipient_email="jo@@example.com")
    assert (made["code"], made["value"], made["detail"]) == ("R310", "jo@@example.com", "")


def test_a_required_part_of_spaces_does_not_have_the_form_of_a_text(bench: "Bench") -> None:
    made = one(bench, **{**ADDRESS, "order__shipping_address__city": "   "})
    assert (made["code"], made["column"], made["target"]) == (
        "R323",
        "City",
        "shipping_address.city",
    )
    assert made["detail"] == "of a text with a visible character"


@pytest.mark.parametrize("region", ["BY", "DE-BY"])
def test_a_region_of_the_country_passes_with_and_without_prefix(
    bench: "Bench", region: str
) -> None:
    row = bench.fine(**ADDRESS, order__shipping_address__region_code=region)
    assert bench.said(row) == []


def test_a_region_of_another_country_is_unknown(bench: "Bench") -> None:
    made = one(bench, **ADDRESS, order__shipping_address__region_code="DE-BX")
    assert (made["code"], made["column"], made["value"]) == ("R316", "Region", "DE-BX")
    assert made["detail"].startswith("DEU; did you mean DE-B")


def test_a_country_without_regions_accepts_none(bench: "Bench") -> None:
    cells = {**PARCEL_ADDRESS, "trackings__shipping_address__country_iso3": "GIB"}
    made = one(bench, **cells, trackings__shipping_address__region_code="1")
    assert (made["code"], made["column"], made["detail"]) == ("R316", "TRegion", "GIB")


def test_the_region_of_a_billing_address_is_left_to_the_server(bench: "Bench") -> None:
    assert bench.said(bench.fine(**BILLING, order__billing_address__region_code="ZZ9")) == []


def test_a_cell_that_an_earlier_stage_reported_is_not_reported_again(bench: "Bench") -> None:
    row = bench.fine(order__order_currency="EURO", order__timezone="nowhere")
    assert bench.said(row, known=bench.known("R102", "Cur")) == [(2, "R309", "Zone", "timezone")]


def test_a_cell_known_on_another_row_is_reported_on_this_one(bench: "Bench") -> None:
    row = bench.fine(order__order_currency="EURO")
    found = bench.said(row, known=bench.known("R102", "Cur", line=99))
    assert found == [(2, "R307", "Cur", "order_currency")]


def test_a_warning_of_an_earlier_stage_hides_nothing(bench: "Bench") -> None:
    row = bench.fine(order__order_currency="EURO")
    found = bench.said(row, known=bench.known("R324", "Cur"))
    assert found == [(2, "R307", "Cur", "order_currency")]


def test_a_field_with_on_error_null_is_dropped_with_a_warning(bench: "Bench") -> None:
    made = one(bench, order__external_reference="x" * 256)
    assert (made["code"], made["column"], made["target"]) == ("R324", "Ref", "external_reference")
    assert made["detail"] == "longer than the API takes (R304)"


def test_a_required_field_that_is_dropped_is_missing(bench: "Bench") -> None:
    soft = bench.with_field("order.recipient_email", lambda made: replace(made, drop_on_error=True))
    found = soft.said(bench.fine(order__recipient_email="nobody"))
    assert found == [
        (2, "R301", "Mail", "recipient_email"),
        (2, "R324", "Mail", "recipient_email"),
    ]


def test_fixed_text_that_breaks_a_rule_has_no_column(bench: "Bench") -> None:
    found = bench.said(bench.fine(order__channel="x" * 256))
    assert found == [(2, "R304", "", "channel")]


def test_the_sum_over_an_orders_rows_is_judged_once(bench: "Bench") -> None:
    row = bench.fine(order__order_tax_amount=Decimal("60000000.00"))
    other = {**row, "lines.line_item_id": "L2"}
    found = bench.findings(row, other).rows
    assert found.select("_line", "code", "value").rows() == [(2, "R311", "120000000")]


@pytest.mark.parametrize(
    ("aggregate", "value"), [(Aggregate.MIN, "150000000"), (Aggregate.MAX, "200000000")]
)
def test_the_least_or_largest_of_an_orders_rows_is_judged_once(
    bench: "Bench", aggregate: Aggregate, value: str
) -> None:
    slot = "order.order_tax_amount"
    joined = bench.with_field(slot, lambda made: replace(made, aggregate=aggregate))
    rows = [
        bench.fine(lines__line_item_id=amount, **{slot: Decimal(amount)})
        for amount in ("200000000", "150000000")
    ]
    assert joined.findings(*rows).rows.select("_line", "value").rows() == [(2, value)]


def test_texts_of_which_an_order_takes_the_first_are_judged_row_by_row(bench: "Bench") -> None:
    slot = "order.external_reference"
    joined = bench.with_field(
        slot, lambda made: replace(made, aggregate=Aggregate.MIN, drop_on_error=False)
    )
    assert joined.said(bench.fine(**{slot: "x" * 256})) == [
        (2, "R304", "Ref", "external_reference")
    ]


def test_amounts_too_large_to_add_are_still_too_large(bench: "Bench") -> None:
    row = bench.fine(order__order_tax_amount=Decimal(10**26 - 1))
    other = {**row, "lines.line_item_id": "L2"}
    assert [
        found[:2] for found in bench.said(row, other, other | {"lines.line_item_id": "L3"})
    ] == [(2, "R311")]


def test_findings_are_in_the_order_of_rows_and_then_of_fields(bench: "Bench") -> None:
    late = bench.fine(_line=9, order__order_number="2", lines__quantity=-1, order__timezone="x")
    early = bench.fine(_line=3, order__timezone="x")
    assert bench.said(late, early) == [
        (3, "R309", "Zone", "timezone"),
        (9, "R309", "Zone", "timezone"),
        (9, "R312", "Qty", "articles_order.quantity"),
    ]


def test_a_limit_is_known_from_its_catalogue_row_alone(bench: "Bench") -> None:
    row = Field(name="channel", kind=Kind.TEXT, doc="", max_length=3, pattern="^[a-z]+$")
    changed = bench.with_field("order.channel", lambda made: replace(made, field=row))
    assert changed.said(bench.fine()) == []
    found = changed.findings(bench.fine(order__channel="WEBB")).rows
    assert found.select("code", "target", "detail").rows() == [
        ("R304", "channel", "3"),
        ("R323", "channel", "^[a-z]+$"),
    ]


def test_a_rule_that_cannot_be_judged_stops_the_run(bench: "Bench") -> None:
    row = Field(name="channel", kind=Kind.TEXT, doc="", pattern="(?=x)")  # no such thing in Rust
    changed = bench.with_field("order.channel", lambda made: replace(made, field=row))
    with pytest.raises(RuntimeError, match="a check did not run"):
        changed.said(bench.fine())


def test_the_environment_cannot_switch_the_rules_off(
    bench: "Bench", monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandera.config

    monkeypatch.setattr(pandera.config.CONFIG, "validation_enabled", False)
    assert bench.said(bench.fine(order__timezone="x")) == [(2, "R309", "Zone", "timezone")]


def test_the_table_is_left_as_it_was(bench: "Bench") -> None:
    table = bench.table(bench.fine(order__external_reference="x" * 256))
    before = table.rows.clone()
    check(table, Findings.none(), bench.plan, existing=())
    assert table.rows.equals(before)


def test_a_new_limit_of_a_shape_is_enforced_without_code(
    bench: "Bench", monkeypatch: pytest.MonkeyPatch
) -> None:
    city = Field(name="city", kind=Kind.TEXT, doc="", use=Use.INSIDE, max_length=3)
    fields = tuple(city if each.name == "city" else each for each in SHAPES["address"].fields)
    county = Field(name="county", kind=Kind.TEXT, doc="", use=Use.INSIDE)
    shape = Shape(name="address", doc="", fields=(*fields, county))
    shapes = {**SHAPES, "address": shape}
    monkeypatch.setattr("pipeline.mapping.targets.SHAPES", shapes)
    text = """
version: 1
name: small
mode: update_only
source: {format: csv}
rows: {key: No}
order:
  order_number: No
  shipping_address: {address_line: S, postal_code: Z, city: C, country_iso3: L, county: K}
"""
    small = replace(bench, plan=compile_mapping(text, "small.yaml").plan)
    assert small.said(bench.fine(**ADDRESS)) == [
        (2, "R313", "K", "shipping_address"),
        (2, "R304", "C", "shipping_address.city"),
    ]


CHANNEL = next(each for each in SHAPES["order"].fields if each.name == "channel")
limits = st.integers(1, 30)


@settings(max_examples=25, deadline=None)  # a check takes 50 ms however few the rows
@given(low=limits, span=st.integers(0, 10), texts=st.lists(st.text(max_size=60), max_size=20))
def test_lengths_are_judged_exactly(bench: "Bench", low: int, span: int, texts: list[str]) -> None:
    row = replace(CHANNEL, min_length=low, max_length=low + span)
    changed = bench.with_field("order.channel", lambda made: replace(made, field=row))
    rows = [
        bench.fine(order__order_number=str(i), order__channel=text) for i, text in enumerate(texts)
    ]
    wanted = [
        (line, "R305" if len(text) < low else "R304", "", "channel")
        for line, text in enumerate(texts, start=2)
        if not low <= len(text) <= low + span
    ]
    assert changed.said(*rows) == wanted


@settings(max_examples=25)
@given(st.lists(st.decimals(-(10**9), 10**9, places=2), max_size=20), st.integers(-50, 50))
def test_amounts_and_quantities_are_judged_exactly(
    bench: "Bench", amounts: list[Decimal], quantity: int
) -> None:
    rows = [
        bench.fine(order__order_number=str(i), order__order_total_amount=amount, lines__quantity=quantity)
        for i, amount in enumerate(amounts)
    ]  # fmt: skip
    wanted = []
    for line, amount in enumerate(amounts, start=2):
        wanted += [(line, "R311")] if abs(amount) >= 10**8 else []
        wanted += [(line, "R312")] if quantity < 0 else []
    assert [found[:2] for found in bench.said(*rows)] == wanted


characters = st.sampled_from(list("ab1.-_+@äÖ!#%&/=?`{} \t\"'<>(),:;[]\\\x7f"))
tails = st.sampled_from(
    ["", "b.de", "x.local", "b-.de", "b.c1", "a--b.de", "example.test", "b.onion", "-b.de", "b_c.de",
     "b.de-", "b.de.", ".b.de", "b,c.de", "[1.2.3.4]", "1.2.3.4", "ä.de", f"{'b' * 64}.de"]
)  # fmt: skip
locals_ = st.text(characters, max_size=12) | st.from_regex(r"[a.b@_-]{1,8}", fullmatch=True)


@settings(max_examples=300)
@given(locals_, tails)
def test_the_quick_patterns_for_emails_judge_as_the_library_does(local: str, tail: str) -> None:
    from email_validator import EmailNotValidError, validate_email

    text = f"{local}@{tail}" if tail else local
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
        accepted = True
    except EmailNotValidError:
        accepted = False
    assert refused_emails(pl.Series([text])).is_empty() is accepted
