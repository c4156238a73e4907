"""Expectations are brought to what came, and the rest of a mapping stays as it is."""

import difflib

import pytest

from pipeline.mapping.accepting import NotAcceptable, Outcome, accepted

HEAD = "version: 1   # one\ntests:\n  # before\n  - name: t\n    rows: |\n      a\n"
END = "  - {name: other, expect: {orders: [{a: b}]}}\n# the end"
ORDERS = """\
    expect:            # what comes
      orders:
        - order_number: "1001"    # the number
          channel:   'web'
          tags: [a, b]  # both
          lines:
            - {id: x, quantity: 2}
            - {id: w, quantity: 1}
"""


def changed(expect: str, outcome: Outcome, end: str = END) -> str:
    """The lines that change, as a diff has them."""
    before = HEAD + expect + end
    after = accepted(before, {0: outcome})
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join(line for line in lines if line[:2] not in {"--", "++", "@@"})


def order(**members: object) -> Outcome:
    made: dict[str, object] = {
        "order_number": "1001", "channel": "web", "tags": ["a", "b"],
        "lines": [{"id": "x", "quantity": 2}, {"id": "w", "quantity": 1}],
    }  # fmt: skip
    kept = {name: value for name, value in (made | members).items() if value is not None}
    return Outcome([kept], None)


def test_what_is_the_same_is_not_touched() -> None:
    assert changed(ORDERS, order()) == ""


@pytest.mark.parametrize(
    ("outcome", "diff"),
    [
        (order(channel="shop"), "-          channel:   'web'\n+          channel:   shop"),
        (order(channel=None), "-          channel:   'web'\n+          channel:   \"\""),
        (
            order(tags=["a", "b", "no"]),
            '-          tags: [a, b]  # both\n+          tags: [a, b, "no"]  # both',
        ),
        (
            order(order_number="0042"),
            '-        - order_number: "1001"    # the number\n'
            '+        - order_number: "0042"    # the number',
        ),
        (
            order(lines=[{"id": "x", "quantity": 3}, {"id": "w", "quantity": 1}]),
            "-            - {id: x, quantity: 2}\n+            - {id: x, quantity: 3}",
        ),
        (
            order(lines=[{"id": "x", "quantity": 2, "sku": "S"}]),
            "-            - {id: w, quantity: 1}",
        ),
        (
            order(lines="none"),
            "-          lines:\n-            - {id: x, quantity: 2}\n-            - {id: w, quantity: 1}\n"
            "+          lines: none",
        ),
    ],
    ids=["text", "gone", "list", "number as text", "nested", "shorter", "other kind"],
)
def test_only_what_differs_is_written(outcome: Outcome, diff: str) -> None:
    assert sorted(changed(ORDERS, outcome).splitlines()) == sorted(diff.splitlines())


def test_a_list_that_grows_gets_whole_entries_and_keeps_those_that_are_listed() -> None:
    lines = [{"id": "x", "quantity": 2, "sku": "S"}, {"id": "w", "quantity": 1}, {"id": "z", "quantity": 5, "sku": "T"}]  # fmt: skip
    assert changed(ORDERS, order(lines=lines)) == "+            - {id: z, quantity: 5, sku: T}"
    tags = order(tags=["a", "c", "d"])
    assert changed(ORDERS, tags).endswith("+          tags: [a, c, d]  # both")


def test_with_exact_all_members_are_written() -> None:
    expect = "    exact: true\n    expect:\n      orders:\n        - {a: x}\n"
    outcome = Outcome([{"a": "x", "b": 2, "c": True}], None, exact=True)
    assert changed(expect, outcome) == ("-        - {a: x}\n+        - {a: x, b: 2, c: true}")


def test_an_empty_expectation_gets_all() -> None:
    outcome = Outcome(
        [{"order_number": "1001", "lines": [{"id": str(n), "name": "a name: long" * 3} for n in range(2)]}],
        [{"line": 3, "code": "R201"}],
    )  # fmt: skip
    assert changed("    expect: {}   # nothing yet\n", outcome).splitlines() == [
        "-    expect: {}   # nothing yet",
        "+    expect:",
        "+      orders:",
        '+        - order_number: "1001"',
        "+          lines:",
        '+            - {id: "0", name: "a name: longa name: longa name: long"}',
        '+            - {id: "1", name: "a name: longa name: longa name: long"}',
        "+      rejected: [{line: 3, code: R201}]   # nothing yet",
    ]


def test_rejections_that_stay_are_kept_as_they_are_written() -> None:
    expect = "    expect:\n      rejected:\n        - {line: 2, rule: lookup_unknown}\n        - {line: 3}\n"
    outcome = Outcome(None, [0, {"line": 5, "code": "R201", "value": "x;y"}])
    assert changed(expect, outcome) == (
        '-        - {line: 3}\n+        - {line: 5, code: R201, value: "x;y"}'
    )


@pytest.mark.parametrize(
    ("expect", "line"),
    [
        ("    expect: {orders: [{a: x}]}\n", "    expect: {orders: [{a: x}], rejected: [{line: 2}]}"),
        ("    expect: {orders: [{a: x}], }\n", "    expect: {orders: [{a: x}], rejected: [{line: 2}]}"),
        ("    expect:\n      orders: [{a: x}]  # one\n", "      rejected: [{line: 2}]"),
    ],
)  # fmt: skip
def test_a_key_that_is_not_there_yet_is_added(expect: str, line: str) -> None:
    outcome = Outcome([{"a": "x"}], [{"line": 2}])
    assert f"+{line}" in changed(expect, outcome).splitlines()


def test_more_orders_and_a_new_key_follow_each_other() -> None:
    expect = "    expect:\n      orders:\n        - {a: x}  # one\n"
    made = changed(expect, Outcome([{"a": "x"}, {"a": "z"}], [{"line": 2}]))
    assert made == "+        - {a: z}\n+      rejected: [{line: 2}]"


def test_line_ends_and_a_byte_order_mark_stay() -> None:
    text = "\ufeff" + (HEAD + "    expect: {}\n" + END).replace("\n", "\r\n")
    made = accepted(text, {0: Outcome([{"a": "b"}], None)})
    assert made.startswith("\ufeff")
    assert made.count("\r\n") == made.count("\n") > text.count("\n")
    assert "    expect:\r\n      orders:\r\n        - {a: b}\r\n  - {name: other" in made


def test_an_expectation_at_the_end_of_a_file_without_line_end() -> None:
    text = "tests:\n- name: t\n  expect:\n    orders:\n    - {a: x}"
    made = accepted(text, {0: Outcome([{"a": "z"}], [{"line": 2}])})
    assert (
        made == "tests:\n- name: t\n  expect:\n    orders:\n    - {a: z}\n    rejected: [{line: 2}]"
    )


@pytest.mark.parametrize("expect", ["{orders: [&one {a: x}, *one]}", "{orders: *elsewhere}"])
def test_anchors_are_left_to_people(expect: str) -> None:
    text = f"x: &elsewhere [{{a: x}}]\ntests:\n  - name: t\n    expect: {expect}\n"
    with pytest.raises(NotAcceptable) as refused:
        accepted(text, {0: Outcome([{"a": "z"}], None)})
    assert refused.value.line == 4


def test_nothing_in_place_of_a_list_that_begins_below_its_key() -> None:
    expect = "    expect:\n      orders:\n      - {a: x}   # one\n      rejected:\n      # why\n      - {line: 2}\n"
    made = accepted(HEAD + expect + END, {0: Outcome([], [])})
    assert "      orders: []   # one\n      rejected:\n      # why\n        []\n" in made


@pytest.mark.parametrize(
    ("one", "two"),
    [("{a: x},  # one, or none", "{a: x}, {a: z}  # one, or none"),
     ("{a: x}  # one,\n        # two", "{a: x}, {a: z}  # one,\n        # two"),
     ("{a: x}  # one,\n        ,", "{a: x}  # one,\n        , {a: z}")],
)  # fmt: skip
def test_an_entry_in_brackets_is_not_written_into_a_comment(one: str, two: str) -> None:
    expect = "    expect:\n      orders: [\n        @\n      ]\n"
    made = accepted(
        HEAD + expect.replace("@", one) + END, {0: Outcome([{"a": "x"}, {"a": "z"}], None)}
    )
    assert made == HEAD + expect.replace("@", two) + END


def test_a_test_that_is_an_alias_is_written_once() -> None:
    text = "tests:\n  - &t {name: t, expect: {orders: [{a: x}]}}\n  - *t\n"
    outcome = Outcome([{"a": "longer"}], None)
    assert accepted(text, {0: outcome, 1: outcome}) == text.replace("a: x", "a: longer")
