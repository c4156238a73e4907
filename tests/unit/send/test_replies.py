"""Each row of CONTRACT §7 and the shapes of K26, without any network."""

import orjson
import pytest

from pipeline.model.orders import Operation, Outcome, Problem, Replay, Submission
from pipeline.model.outcomes import MutationOutcome, OrderOutcome
from pipeline.model.stops import StopRun
from pipeline.send.replies import Done, Stop, TryAgain, judge
from pipeline.send.reply import NoReply, Reply
from pipeline.send.stops import AuthRefused, NotTheApi

BODY = orjson.dumps(
    {
        "order_number": "A1",
        "recipient_name": "Max Mustermann",
        "shipping_address": {"city": "Ulm", "postal_code": "89073", "phone": "+49 731 123"},
        "tags": ["vip"],
    }
)
PLAIN = Submission("A1", "0" * 64, BODY)
TWO = Submission(
    "A1",
    "0" * 64,
    BODY,
    (
        Operation("add_tracking", "add_tracking|x|1", "id-1", Replay.SAFE),
        Operation("add_line_item", "add_line_item|L1", "id-2", Replay.READ_BACK),
    ),
)


def reply(status: int, content: object = b"", **headers: str) -> Reply:
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Reply(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


def order(*results: object, **more: object) -> dict[str, object]:
    kinds = [each.type for each in TWO.operations]
    mutations = [
        {"type": kind, "result": result} for kind, result in zip(kinds, results, strict=False)
    ]
    return {"order_number": "A1", "external_id": "e-1", "mutations": mutations, **more}


def outcome(submission: Submission, answer: Reply | NoReply, *, first: bool = False) -> Outcome:
    verdict = judge(submission, answer, first=first)
    assert isinstance(verdict, Done), verdict
    return verdict.outcome


@pytest.mark.parametrize(
    ("status", "expected"), [(201, OrderOutcome.CREATED), (200, OrderOutcome.UPDATED)]
)
def test_a_whole_order_with_its_number_is_delivered(status: int, expected: OrderOutcome) -> None:
    found = outcome(PLAIN, reply(status, order()))
    assert (found.outcome, found.status, found.external_id) == (expected, status, "e-1")


def test_all_mutations_must_say_success() -> None:
    found = outcome(TWO, reply(200, order({"success": True}, {"success": True})))
    assert found.outcome is OrderOutcome.UPDATED
    assert found.mutations == (MutationOutcome.SUCCEEDED,) * 2


@pytest.mark.parametrize(
    "results",
    [
        [{"success": True}],
        [{"success": True}, {}],
        [{"success": True}, {"success": False}],
        [{"success": True}, {"success": "true"}],
        [{"success": True}, None],
    ],
    ids=["fewer results than sent", "no success", "false", "text", "no result"],
)
def test_a_mutation_that_does_not_say_success_has_failed(
    results: list[dict[str, object] | None],
) -> None:
    found = outcome(TWO, reply(201, order(*results)))
    assert found.outcome is OrderOutcome.PARTLY_APPLIED
    assert found.mutations == (MutationOutcome.SUCCEEDED, MutationOutcome.FAILED)
    assert [(problem.code, problem.attr) for problem in found.problems] == [("A201", "mutations.1")]


def _told(operation_id: str, *, success: bool) -> dict[str, object]:
    return {"operation_id": operation_id, "result": {"success": success}}


def test_a_change_of_another_type_is_not_ours() -> None:
    mutations = [
        {"operation_id": "o1", "type": "cancel_order", "result": {"success": True}},
        {"operation_id": "o2", "type": "add_line_item", "result": {"success": True}},
    ]
    found = outcome(TWO, reply(200, {"order_number": "A1", "mutations": mutations}))
    assert [each.value for each in found.mutations] == ["failed", "succeeded"]


@pytest.mark.parametrize(
    ("told", "outcomes"),
    [
        ([("old", True), ("id-1", False), ("id-2", True)], ["failed", "succeeded"]),
        ([("id-2", True), ("id-1", False)], ["failed", "succeeded"]),
        ([("old", True), ("id-2", True)], ["failed", "succeeded"]),
        ([("id-1", True), ("id-2", True), ("id-1", False)], ["succeeded", "succeeded"]),
        ([("theirs", True), ("theirs too", False)], ["succeeded", "failed"]),
        ([("old", True), ("older", True), ("oldest", True)], ["failed", "failed"]),
    ],
    ids=[
        "with earlier ones",
        "in another order",
        "one is missing",
        "sent twice",
        "ids of theirs",
        "only earlier ones",
    ],
)
def test_results_are_found_by_the_id_of_the_change(
    told: list[tuple[str, bool]], outcomes: list[str]
) -> None:
    mutations = [_told(each, success=success) for each, success in told]
    answer = {"order_number": "A1", "external_id": "e", "mutations": mutations}

    found = outcome(TWO, reply(200, answer))

    assert [each.value for each in found.mutations] == outcomes


def test_the_words_of_a_failed_mutation_and_its_warnings_are_kept() -> None:
    failed = {
        "success": False,
        "message": "not possible",
        "errors": {"line_item_id": ["exists", "twice"], "n": 3},
        "warnings": ["odd"],
    }
    found = outcome(TWO, reply(200, order({"success": True, "warnings": ["w"]}, failed)))
    assert found.problems == (
        Problem("A202", "w", "mutations.0"),
        Problem("A201", "not possible: exists; twice", "mutations.1.line_item_id"),
        Problem("A201", "not possible: 3", "mutations.1.n"),
        Problem("A202", "odd", "mutations.1"),
    )


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (
            {
                "type": "validation_error",
                "errors": [
                    {"attr": "shipping_address.city", "code": "blank", "detail": "Bad Ulm."},
                    {"attr": None, "code": "invalid", "detail": "odd"},
                    {"code": "invalid", "detail": "also odd"},
                ],
            },
            [
                Problem("A401", "Bad Xxx.", "shipping_address.city", "blank"),
                Problem("A402", "odd", None, "invalid"),
                Problem("A402", "also odd", None, "invalid"),
            ],
        ),
        ({"detail": "account missing"}, [Problem("A402", "account missing")]),
        (
            {"success": False, "message": "no", "errors": {"order_date": ["bad", "worse"]}},
            [Problem("A401", "bad; worse", "order_date")],
        ),
        ({"success": False, "message": "no", "errors": {}}, [Problem("A402", "no")]),
        ({"odd": 1}, [Problem("A403", '{"odd":1}')]),
        (b"plain words", [Problem("A403", "plain words")]),
        (b"", [Problem("A403", "no words")]),
    ],
    ids=["list", "detail", "by field", "message", "unknown json", "text", "empty"],
)
def test_400_is_a_refusal_in_whatever_shape(content: object, problems: list[Problem]) -> None:
    found = outcome(TWO, reply(400, content))
    assert found.outcome is OrderOutcome.REFUSED
    assert list(found.problems) == problems
    assert set(found.mutations) == {MutationOutcome.FAILED}


def test_a_web_page_is_not_shown() -> None:
    found = outcome(PLAIN, reply(400, b"<html><script>", content_type="text/html; charset=x"))
    assert found.problems == (Problem("A403", "a web page"),)


@pytest.mark.parametrize("status", [402, 405, 410, 413, 415, 418, 422])
def test_other_4xx_are_refusals(status: int) -> None:
    assert outcome(PLAIN, reply(status, {"detail": "no"})).outcome is OrderOutcome.REFUSED


def test_404_stops_when_it_is_the_first_answer_and_refuses_later() -> None:
    verdict = judge(PLAIN, reply(404), first=True)
    assert isinstance(verdict, Stop)
    assert verdict.stop.exit_code == 6
    later = outcome(PLAIN, reply(404, {"detail": "unknown external_id"}))
    assert later.problems == (Problem("A404", "unknown external_id"),)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthRefused), (403, AuthRefused), (101, NotTheApi), (301, NotTheApi), (308, NotTheApi)],
)
def test_what_stops_the_run(status: int, kind: type[StopRun]) -> None:
    verdict = judge(
        PLAIN, reply(status, b"x", location="https://a.example/\x1b?token=1"), first=False
    )
    assert isinstance(verdict, Stop)
    assert isinstance(verdict.stop, kind)
    assert "\x1b" not in str(verdict.stop)
    assert not verdict.crossed


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.25"}, 0.25),
        (
            {
                "retry_after": "Fri, 20 Nov 2026 12:00:09 GMT",
                "date": "Fri, 20 Nov 2026 12:00:00 GMT",
            },
            9.0,
        ),
        (
            {
                "retry_after": "Fri, 20 Nov 2026 11:00:00 GMT",
                "date": "Fri, 20 Nov 2026 12:00:00 GMT",
            },
            0.0,
        ),
        ({"retry_after": "Fri, 20 Nov 2026 12:00:09 GMT"}, None),
        ({"retry_after": "soon"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [408, 409, 425, 429])
def test_a_busy_server_is_asked_again_when_it_says(
    status: int, headers: dict[str, str], after_s: float | None
) -> None:
    verdict = judge(PLAIN, reply(status, **headers), first=False)
    assert isinstance(verdict, TryAgain)
    # without a time only 429 is about us all: one order may get the others each time, alone
    assert verdict.throttled == (status == 429 or after_s is not None)
    assert verdict.after_s == after_s
    assert verdict.ambiguous == (status == 408)


@pytest.mark.parametrize(
    "answer",
    [
        reply(500),
        reply(503, b"<html>"),
        reply(200, b"{"),
        reply(200, b"<html>", content_type="text/html"),
        reply(200, []),
        reply(200, {"results": []}),
        reply(200, {"order_number": 17}),
        reply(200),
        reply(204, b" "),
        NoReply("connection broke", sent=True),
    ],
)
def test_what_may_have_been_stored_is_ambiguous(answer: Reply | NoReply) -> None:
    verdict = judge(PLAIN, answer, first=True)
    assert isinstance(verdict, TryAgain)
    assert verdict.ambiguous


def test_what_never_left_is_not_ambiguous() -> None:
    verdict = judge(PLAIN, NoReply("cannot connect", sent=False), first=True)
    assert verdict == TryAgain("cannot connect", ambiguous=False)


def test_the_answer_of_another_order_stops_the_run() -> None:
    verdict = judge(PLAIN, reply(200, {"order_number": "A2"}), first=False)
    assert isinstance(verdict, Stop)
    assert verdict.crossed


def test_words_are_masked_cut_and_made_visible() -> None:
    words = "MAX MUSTERMANN, 89073 Ulm, +49 731 123, vip \x00" + "x" * 600
    (problem,) = outcome(PLAIN, reply(400, {"detail": words})).problems
    assert problem.detail.startswith("XXX XXXXXXXXXX, 00000 Xxx, +00 000 000, vip ⟨U+0000⟩xxx")
    assert len(problem.detail) == 500
