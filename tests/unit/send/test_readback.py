from dataclasses import replace
from typing import Any

import orjson
import pytest

from pipeline.model.orders import Operation, Replay, Submission
from pipeline.send.readback import Stored, Unreadable, applied, confirms, stored, without
from pipeline.send.reply import NoReply, Reply

MUTATIONS: list[dict[str, Any]] = [
    {"type": "add_line_item", "line_item": {"line_item_id": "L3"}},
    {
        "type": "replace_line_item",
        "old_line_item_id": "L1",
        "new_line_item": {"line_item_id": "L4"},
    },
    {
        "type": "change_line_item_quantity",
        "line_item_id": "L2",
        "quantity": 1,
        "current_quantity": 4,
    },
    {"type": "add_tracking", "tracking": {}},
]
KINDS = (Replay.READ_BACK, Replay.READ_BACK, Replay.READ_BACK, Replay.SAFE)
SUBMISSION = Submission(
    "A1",
    "0" * 64,
    orjson.dumps({"order_number": "A1", "mutations": MUTATIONS}),
    tuple(
        Operation(each["type"], f"s{n}", f"id{n}", kind)
        for n, (each, kind) in enumerate(zip(MUTATIONS, KINDS, strict=True))
    ),
)


def lines(**quantities: int) -> dict[str, object]:
    return {"articles_order": [{"line_item_id": n, "quantity": q} for n, q in quantities.items()]}


@pytest.mark.parametrize(
    ("order", "there"),
    [
        ({}, set()),
        (lines(L1=1, L2=4), set()),
        (lines(L2=4, L3=1), {0}),
        (lines(L2=4, L4=1), {1}),
        (lines(L2=1), {2}),
        (lines(L1=0, L2=1, L3=2, L4=1), {0, 1, 2}),
    ],
)
def test_only_what_can_be_seen_counts_as_applied(order: dict[str, object], there: set[int]) -> None:
    assert applied(SUBMISSION, order) == there


def test_what_is_there_is_left_out_and_the_rest_keeps_its_order() -> None:
    left = without(SUBMISSION, frozenset({0, 2}))
    assert orjson.loads(left.body)["mutations"] == [MUTATIONS[1], MUTATIONS[3]]
    assert [each.subject for each in left.operations] == ["s1", "s3"]
    assert left.content_sha256 == SUBMISSION.content_sha256
    nothing = without(SUBMISSION, frozenset({0, 1, 2, 3}))
    assert orjson.loads(nothing.body) == {"order_number": "A1"}


def _with_lines(**quantities: int) -> Submission:
    body = orjson.loads(SUBMISSION.body) | lines(**quantities)
    return replace(SUBMISSION, body=orjson.dumps(body))


def test_a_list_of_lines_is_not_sent_over_the_lines_that_were_added_to_it() -> None:
    """The list replaces what is there: found by the storm, an added line was gone afterwards."""
    submission = _with_lines(L1=1, L2=4, L5=2)
    found = lines(L1=0, L2=1, L5=2, L3=1)

    assert applied(submission, found) == {0, 2}
    left = orjson.loads(without(submission, frozenset({0, 2})).body)
    assert "articles_order" not in left
    assert left["mutations"] == [MUTATIONS[1], MUTATIONS[3]]


@pytest.mark.parametrize("older", [{"L1": 1, "L2": 1, "L5": 9}, {"L1": 1, "L2": 1}])
def test_over_the_lines_of_an_older_version_all_of_it_is_sent(older: dict[str, int]) -> None:
    submission = _with_lines(L1=1, L2=4, L5=2)

    assert applied(submission, lines(L3=1, **older)) == set()


NO_API = Unreadable("what answers 404 is not the Order API", again=True)


def answer(status: int, content: object) -> Reply:
    return Reply(status, orjson.dumps(content), {})


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(200, {"order_number": "A1"}), Stored({"order_number": "A1"})),
        (answer(200, {"results": [{"order_number": "A1"}]}), Stored({"order_number": "A1"})),
        (answer(200, {"results": []}), Stored(None)),
        (answer(404, {"type": "client_error", "errors": [{"code": "not_found"}]}), Stored(None)),
        (answer(404, {"detail": "Not found."}), Stored(None)),
        (answer(404, {"message": "no Route matched"}), NO_API),
        (Reply(404, b"<html>", {}), NO_API),
        (Reply(404, b"", {}), NO_API),
        (answer(200, {"order_number": "B"}), Unreadable("not what was asked for", again=True)),
        (answer(200, []), Unreadable("not what was asked for", again=True)),
        (answer(503, {}), Unreadable("reading back gave status 503", again=True)),
        (answer(403, {}), Unreadable("reading back gave status 403", again=False)),
        (NoReply("away", sent=False), Unreadable("away", again=True)),
    ],
)
def test_what_a_get_shows(reply: Reply | NoReply, expected: Stored | Unreadable) -> None:
    assert stored("A1", reply) == expected


@pytest.mark.parametrize(
    ("sent", "found", "same"),
    [
        ({"a": "12.50"}, {"a": "12.5", "b": 1}, True),
        ({"a": "2026-11-20T12:00:00+01:00"}, {"a": "2026-11-20T11:00:00Z"}, True),
        ({"a": [{"x": 1}]}, {"a": [{"x": 1, "y": 2}]}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": "x"}, {}, False),
        ({"a": None}, {"a": None}, True),
        ({"a": 1618}, {"a": "1618"}, True),
        ({"a": "0123"}, {"a": "123"}, False),
        ({"a": "1E5"}, {"a": "100000"}, False),
        ({"a": "12E4567890"}, {"a": "X"}, False),  # no number: it would be too large for one
        ({"a": "1" * 40}, {"a": "1" * 39 + "2"}, False),
        ({"a": True}, {"a": "1"}, False),
    ],
)
def test_an_order_is_confirmed_by_all_that_was_sent(
    sent: dict[str, object], found: dict[str, object], *, same: bool
) -> None:
    submission = Submission("A1", "0" * 64, orjson.dumps(sent))
    assert confirms(submission, found) is same


def test_a_mutation_that_cannot_be_seen_is_never_confirmed() -> None:
    assert not confirms(SUBMISSION, {"order_number": "A1", **lines(L2=1, L3=1, L4=1)})
