"""mapping fields: what a mapping can write, found by a word of it."""

from collections import Counter

import pytest

from pipeline.mapping.listing import ELSEWHERE, SECTIONS, targets
from pipeline.model.catalogue import SHAPES
from tests.cli.conftest import Call


def test_a_word_finds_targets_with_type_requirement_limits_and_meaning(call: Call) -> None:
    said = call("mapping", "fields", "RECIPIENT_EMAIL", env={"COLUMNS": "60"})
    assert said.code == 0
    assert said.out.startswith("order.recipient_email      email  on create\n    ")
    assert max(map(len, said.out.splitlines())) <= 60
    assert "_unset" in said.out


@pytest.mark.parametrize(
    ("pattern", "options", "paths"),
    [
        ("tracking.courier", (), ["trackings.courier"]),
        ("tracking.courier_c*", (), ["trackings.courier_contact_name", "trackings.courier_contact_phone", "trackings.courier_contact_email"]),
        ("cancel_order.*reason*", (), ["mutations.cancel_order.cancelled_reason"]),
        ("four words", (), ["mutations.cancel_order.cancelled_reason"]),
        ("*.new_line_item", ("--section", "mutations"), ["mutations.replace_line_item.new_line_item"]),
        ("city", ("--section", "trackings"), ["trackings.shipping_address.city"]),
    ],
)  # fmt: skip
def test_patterns_look_at_paths_and_descriptions(
    call: Call, pattern: str, options: tuple[str, ...], paths: list[str]
) -> None:
    found = call("mapping", "fields", pattern, *options, "--json").json()["fields"]
    assert [each["path"] for each in found if "courier_" not in each["path"] or "_c*" in pattern] == paths  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("recipient_emial",), "did you mean recipient_email?"),
        (("courier", "--section", "order"), "there are some in trackings"),
        (("qqqq",), "`pipeline mapping fields` lists them all"),
    ],
)
def test_what_is_not_there_says_what_may_be_meant(
    call: Call, arguments: tuple[str, ...], hint: str
) -> None:
    said = call("mapping", "fields", *arguments)
    assert (said.code, said.out) == (2, "")
    assert hint in said.err


def test_every_field_that_a_mapping_may_write_is_listed_once() -> None:
    listed = list(targets())
    paths = [each.path for each in listed]
    assert len(paths) == len(set(paths))
    assert {each.section for each in listed} == set(SECTIONS)
    named = {each.alias for each in listed}
    wanted = {
        f"{shape.name}.{field.name}"
        for shape in SHAPES.values()
        for field in shape.writable
        if field.name not in ELSEWHERE and shape.name not in {"attribute", "add_tracking"}
    }
    assert named == wanted


@pytest.mark.parametrize(("pattern", "columns"), [((), "80"), ((), "110"), (("country",), "80")])
def test_types_stand_in_one_column(call: Call, pattern: tuple[str, ...], columns: str) -> None:
    said = call("mapping", "fields", *pattern, env={"COLUMNS": columns})
    targets = [line for line in said.out.splitlines() if not line.startswith(" ")]
    starts = Counter(line.index(line.split()[1], len(line.split()[0])) for line in targets)
    # four paths are too long for a line of 80
    (_, most), *_ = starts.most_common()
    assert len(targets) - most <= (4 if columns == "80" and not pattern else 0)
