"""Each fault, seen from the client's side of a real socket, and what it leaves in the store."""

import json
import socket
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.sandbox import BadFaultError, FaultRule, FaultSchedule, SandboxSettings
from pipeline.sandbox import running_sandbox as run
from pipeline.sandbox.faults import KINDS, FaultDraw

from .conftest import ORDERS, Api

ADD = {"type": "add_tracking", "tracking": {"courier": "dhl-germany", "tracking_number": "1"}}


def stored(api: Api) -> list[tuple[str, str | None]]:
    return [(put.order_number, put.fault) for put in api.sandbox.puts()]


def raw_put(api: Api, body: dict[str, Any]) -> bytes:
    """Send a PUT by hand and return every byte until the server ends the connection."""
    text = json.dumps(body).encode()
    head = (
        f"PUT {ORDERS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.sandbox.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    address = httpx.URL(api.sandbox.base_url)
    received = b""
    with socket.create_connection((address.host, address.port or 0), timeout=5) as wire:
        wire.sendall(head.encode() + text)
        while chunk := wire.recv(65536):
            received += chunk
    return received


# --- answers --------------------------------------------------------------------------------------

ANSWERS: list[tuple[str, int, str | None, bool]] = [
    ("http_429", 429, "throttled", False),
    ("http_429_bare", 429, "throttled", False),
    ("http_429_date", 429, "throttled", False),
    ("http_429_long", 429, "throttled", False),
    ("http_504_applied", 504, "<h1>504", True),
    ("http_401", 401, "authentication_failed", False),
    ("http_403", 403, "permission_denied", False),
    ("http_404", 404, "not_found", False),
    ("http_408", 408, "request_timeout", False),
    ("http_413", 413, "request_too_large", False),
    ("http_400_a", 400, '"attr":"recipient_email"', False),
    ("http_400_b", 400, '{"detail":', False),
    ("http_400_c", 400, '"success":false', False),
    ("http_400_html", 400, "<!DOCTYPE html>", False),
    ("redirect_301", 301, None, False),
    ("redirect_302", 302, None, False),
    ("redirect_307", 307, None, False),
    ("redirect_308", 308, None, False),
    ("captive_200", 200, "Log in", False),
    ("list_200", 200, "[]", False),
    ("maintenance", 503, "<h1>503", False),
    ("empty_200", 200, None, True),
    ("empty_204", 204, None, True),
    ("other_order", 201, "A1-other", True),
    ("no_results", 201, '"mutations":[]', True),
]


@pytest.mark.parametrize(
    ("fault", "status", "text", "applied"), ANSWERS, ids=[row[0] for row in ANSWERS]
)
def test_a_fault_answers_and_stores_as_its_name_says(
    api: Api, *, fault: str, status: int, text: str | None, applied: bool
) -> None:
    api.play({"fault": fault})

    reply = api.put(api.minimal(mutations=[ADD]))

    assert reply.status_code == status
    assert (text in reply.text) if text is not None else not reply.content
    assert stored(api) == ([("A1", fault)] if applied else [])
    assert [request.fault for request in api.sandbox.requests()] == [fault]


def test_retry_after_takes_its_three_forms(api: Api) -> None:
    api.play(
        {"fault": "http_429", "retry_after": 7, "on": [1]},
        {"fault": "http_429_date", "retry_after": 60, "times": 1},
        {"fault": "http_429_long", "times": 1},
        {"fault": "http_429_bare"},
    )
    values = [api.put(api.minimal()).headers.get("retry-after") for _ in range(4)]

    assert (values[0], values[2], values[3]) == ("7", "86400", None)
    assert 30 < parsedate_to_datetime(str(values[1])).timestamp() - time.time() < 90


def test_5xx_comes_in_all_its_statuses_and_as_told(api: Api) -> None:
    api.play({"fault": "http_5xx", "status": 503, "on": [1]}, {"fault": "http_5xx", "seed": 3})

    statuses = [api.put(api.minimal()).status_code for _ in range(30)]

    assert statuses[0] == 503
    assert set(statuses) == {500, 502, 503}
    assert stored(api) == []


def test_redirect_names_its_location(api: Api) -> None:
    api.play({"fault": "redirect_307", "location": "http://127.0.0.1:9/steal"})

    assert api.put(api.minimal()).headers["location"] == "http://127.0.0.1:9/steal"


def test_bad_json_is_a_complete_answer_that_breaks_off(api: Api) -> None:
    api.play({"fault": "bad_json"})

    reply = api.put(api.minimal())

    assert reply.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        reply.json()
    assert stored(api) == [("A1", "bad_json")]


def test_gzip_lie_cannot_be_decoded(api: Api) -> None:
    api.play({"fault": "gzip_lie"})

    with pytest.raises(httpx.DecodingError):
        api.put(api.minimal())

    assert stored(api) == [("A1", "gzip_lie")]


def test_huge_answer_is_over_a_megabyte_and_still_an_order(api: Api) -> None:
    api.play({"fault": "huge_answer"})

    reply = api.put(api.minimal())

    assert len(reply.content) > 1_000_000
    assert reply.json()["order_number"] == "A1"


def test_mutation_fail_applies_fields_but_not_the_mutation(api: Api) -> None:
    api.play({"fault": "mutation_fail", "order_number": "A1", "mutations": [1]})
    other = ADD | {"tracking": {"courier": "ups", "tracking_number": "2"}}

    reply = api.put(api.minimal(mutations=[ADD, other], recipient_name="Max")).json()

    assert [mutation["result"]["success"] for mutation in reply["mutations"]] == [True, False]
    assert reply["recipient_name"] == "Max"
    assert len(api.lookup("A1").json()["trackings"]) == 1


def test_warn_adds_a_warning_to_each_result(api: Api) -> None:
    api.play({"fault": "warn", "detail": "Mind the gap."})

    result = api.put(api.minimal(mutations=[ADD])).json()["mutations"][0]["result"]

    assert result["success"] is True
    assert result["warnings"] == ["Mind the gap."]


def test_a_spoilt_answer_to_a_bad_body_stays_a_refusal(api: Api) -> None:
    api.play({"fault": "empty_200"})

    assert api.put(api.minimal(tags="vip")).status_code == 400
    assert stored(api) == []


def test_late_apply_answers_504_and_stores_afterwards(api: Api) -> None:
    api.play({"fault": "late_apply", "on": [1], "delay_s": 0.2})
    assert api.put(api.minimal(recipient_name="old")).status_code == 504
    assert stored(api) == []
    assert api.put(api.minimal(recipient_name="new")).status_code == 201

    time.sleep(0.4)

    assert stored(api) == [("A1", None), ("A1", "late_apply")]
    assert api.lookup("A1").json()["recipient_name"] == "old"


# --- the wire -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "applied"),
    [("reset_early", False), ("reset_mid_body", False), ("reset_applied", True)],
)
@pytest.mark.parametrize("selector", [{}, {"order_number": "A1"}], ids=["any", "order"])
def test_a_reset_is_a_reset_on_the_wire(
    api: Api, *, fault: str, applied: bool, selector: dict[str, Any]
) -> None:
    api.play({"fault": fault} | selector)

    with pytest.raises(ConnectionResetError):
        raw_put(api, api.minimal())

    assert stored(api) == ([("A1", fault)] if applied else [])


def test_reset_early_strikes_before_the_body_is_sent(api: Api) -> None:
    api.play({"fault": "reset_early"})
    address = httpx.URL(api.sandbox.base_url)
    head = (
        f"PUT {ORDERS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.sandbox.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    with socket.create_connection((address.host, address.port or 0), timeout=5) as wire:
        wire.sendall(head.encode())
        with pytest.raises(ConnectionResetError):
            wire.recv(1)


def test_fin_no_answer_closes_without_a_byte(api: Api) -> None:
    api.play({"fault": "fin_no_answer"})

    assert raw_put(api, api.minimal()) == b""
    assert stored(api) == []


def test_cut_answer_stops_inside_the_body(api: Api) -> None:
    api.play({"fault": "cut_answer"})

    head, _, body = raw_put(api, api.minimal()).partition(b"\r\n\r\n")

    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert 0 < len(body) < promised
    assert stored(api) == [("A1", "cut_answer")]


def test_garbage_is_no_http(api: Api) -> None:
    api.play({"fault": "garbage"})

    assert b"not HTTP" in raw_put(api, api.minimal())
    assert stored(api) == []


def test_length_lie_says_two_lengths(api: Api) -> None:
    api.play({"fault": "length_lie"})

    head = raw_put(api, api.minimal()).partition(b"\r\n\r\n")[0].lower()

    assert len({line for line in head.split(b"\r\n") if b"content-length" in line}) == 2
    assert stored(api) == [("A1", "length_lie")]


def test_interim_flood_ends_in_the_answer(api: Api) -> None:
    api.play({"fault": "interim_flood"})

    received = raw_put(api, api.minimal())

    assert received.count(b"102 Processing") == 2000
    assert b'"order_number":"A1"' in received.rpartition(b"\r\n\r\n")[2]
    assert stored(api) == [("A1", "interim_flood")]


def test_a_token_can_be_refused_from_some_request_on(api: Api) -> None:
    api.play({"fault": "http_401", "from_nth": 3})

    assert [api.put(api.minimal(f"A{n}")).status_code for n in range(4)] == [201, 201, 401, 401]


def test_maintenance_says_how_long_and_every_wish_is_noted(api: Api) -> None:
    api.play(
        {"fault": "maintenance", "retry_after": 7, "on": [1]},
        {"fault": "http_429_long", "times": 1},
    )
    assert api.put(api.minimal()).headers["retry-after"] == "7"
    api.put(api.minimal())
    api.put(api.minimal())

    noted = api.sandbox.requests()
    assert [each.retry_after_s for each in noted] == [7, 86400, None]
    assert all(each.answered_s and each.answered_s >= each.arrived_s for each in noted)


def test_an_outage_answers_every_write_with_503(api: Api) -> None:
    api.sandbox.play(FaultSchedule.profile("outage"))

    assert {api.put(api.minimal(f"A{n}")).status_code for n in range(5)} == {503}


def test_drip_comes_byte_by_byte_and_whole(api: Api) -> None:
    api.play({"fault": "drip", "delay_s": 0.001})
    started = time.monotonic()

    reply = api.put(api.minimal())

    assert reply.json()["order_number"] == "A1"
    assert time.monotonic() - started > len(reply.content) * 0.001
    assert api.put(api.minimal()).status_code == 200
    assert api.sandbox.violations() == []


@pytest.mark.thorough
def test_drip_outlasts_an_inactivity_timeout(api: Api) -> None:
    api.play({"fault": "drip", "delay_s": 0.01})
    api.http.timeout = httpx.Timeout(0.2)

    assert api.put(api.minimal()).status_code == 201


def test_stall_says_nothing_until_the_client_gives_up(api: Api) -> None:
    api.play({"fault": "stall", "on": [1]})
    api.http.timeout = httpx.Timeout(0.2)

    with pytest.raises(httpx.ReadTimeout):
        api.put(api.minimal())

    assert stored(api) == []
    assert api.put(api.minimal()).status_code == 201
    assert api.sandbox.violations() == []


def test_endless_never_ends(api: Api) -> None:
    api.play({"fault": "endless", "on": [1]})
    received = 0
    with api.http.stream("PUT", ORDERS, json=api.minimal()) as reply:
        for chunk in reply.iter_raw():
            received += len(chunk)
            if received > 100_000:
                break

    assert received > 100_000
    assert stored(api) == [("A1", "endless")]


def test_slow_answers_late_but_stores_at_once(api: Api) -> None:
    api.play({"fault": "slow", "delay_s": 0.3})
    started = time.monotonic()

    assert api.put(api.minimal()).status_code == 201
    assert time.monotonic() - started >= 0.3


def test_a_sandbox_stops_while_a_request_is_stalled() -> None:
    rules = FaultSchedule.of([{"fault": "stall"}])
    started = time.monotonic()
    with run(SandboxSettings(faults=rules)) as sandbox:
        address = httpx.URL(sandbox.base_url)
        wire = socket.create_connection((address.host, address.port or 0), timeout=5)
        with wire:
            wire.sendall(
                f"PUT {ORDERS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sandbox.token}\r\n"
                "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n"
                '{"order_number":"1"}'.encode()
            )
            while not sandbox.requests():
                time.sleep(0.01)
    assert time.monotonic() - started < 3


def test_reads_meet_faults_too_when_a_rule_says_so(api: Api) -> None:
    api.put(api.minimal())
    api.play({"fault": "http_5xx", "methods": ["GET"], "order_number": "A1", "times": 1})

    statuses = [api.lookup("A1").status_code for _ in range(2)]

    assert statuses[0] >= 500
    assert statuses[1] == 200


def test_every_fault_has_a_test_on_the_wire() -> None:
    by_hand = {
        "http_5xx", "late_apply", "bad_json", "gzip_lie", "huge_answer", "mutation_fail", "warn",
        "reset_early", "reset_mid_body", "reset_applied", "fin_no_answer", "cut_answer", "endless",
        "drip", "stall", "slow", "garbage", "length_lie", "interim_flood",
    }  # fmt: skip

    assert {row[0] for row in ANSWERS} | by_hand == set(KINDS)


def test_every_fault_and_its_effect_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")

    for kind in KINDS.values():
        stored_word = "later" if kind.name == "late_apply" else "yes" if kind.applied else "no"
        assert f"| `{kind.name}` | {kind.effect} | {stored_word} |" in text


# --- schedules ------------------------------------------------------------------------------------


def faults_of(api: Api, numbers: list[str]) -> list[str | None]:
    for number in numbers:
        api.put(api.minimal(number))
    return [request.fault for request in api.sandbox.requests()]


def test_rules_pick_requests_by_ordinal_by_order_and_by_attempt(api: Api) -> None:
    api.play(
        {"fault": "http_403", "order_number": ["B"], "on": [2]},
        {"fault": "http_429_bare", "on": [1, 3]},
        {"fault": "http_404", "attempts": [2], "order_number": "C"},
    )

    picked = faults_of(api, ["A", "B", "C", "B", "C", "C"])

    assert picked == ["http_429_bare", None, "http_429_bare", "http_403", "http_404", None]


def test_times_and_between_end_a_rule(api: Api) -> None:
    api.play({"fault": "http_404", "times": 2}, {"fault": "http_403", "between": [60, 90]})

    assert faults_of(api, ["A", "B", "C"]) == ["http_404", "http_404", None]


def test_a_draw_depends_on_order_and_attempt_not_on_arrival(api: Api) -> None:
    def draw(numbers: list[str]) -> dict[str | None, str | None]:
        api.sandbox.reset()
        api.play({"fault": "http_404", "probability": 0.4, "seed": 7})
        faults_of(api, numbers)
        return {request.order_number: request.fault for request in api.sandbox.requests()}

    numbers = [f"A{place}" for place in range(60)]

    forwards, backwards = draw(numbers), draw(numbers[::-1])

    assert forwards == backwards
    assert 10 < sum(fault is not None for fault in forwards.values()) < 40


@pytest.mark.parametrize(("name", "share"), [("flaky", 0.31), ("storm", 0.79)])
def test_a_profile_faults_the_share_it_promises(name: str, share: float) -> None:
    played = FaultDraw(FaultSchedule.profile(name, seed=5))

    struck = sum(
        played.at_head("PUT", place, 0.0) is not None
        or played.at_body("PUT", f"A{place}", 1, 0.0) is not None
        for place in range(4000)
    )

    assert struck / 4000 == pytest.approx(share, abs=0.03)


@pytest.mark.thorough
def test_under_storm_a_client_that_repeats_gets_every_order_through(api: Api) -> None:
    api.sandbox.play(FaultSchedule.profile("storm", seed=1))
    numbers = [f"A{place}" for place in range(20)]

    for number in numbers:
        until_confirmed(api, number)

    assert {put.order_number for put in api.sandbox.puts()} == set(numbers)
    assert api.sandbox.violations() == []


def until_confirmed(api: Api, number: str) -> None:
    for _ in range(60):
        try:
            if api.put(api.minimal(number)).json()["order_number"] == number:
                return
        except (httpx.TransportError, ValueError, KeyError, TypeError):
            continue
    pytest.fail(f"{number} never got through")


def test_a_schedule_survives_being_written_down() -> None:
    schedule = FaultSchedule.of(
        [
            {"fault": "http_5xx", "probability": 0.1, "seed": 7},
            {"fault": "http_429", "on": [3, 4], "retry_after": 1},
            {"fault": "mutation_fail", "order_number": "A1", "mutations": [0]},
            FaultRule(fault="slow", delay_s=0.2, after_s=1, until_s=2, methods=("GET", "PUT")),
        ]
    )

    assert FaultSchedule.from_text(schedule.as_text()) == schedule
    assert FaultSchedule.from_text('{"rules": [{"fault": "warn"}]}').rules[0].fault == "warn"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[{"fault": "reset_aplied"}]',
            'unknown fault "reset_aplied"; did you mean "reset_applied"?',
        ),
        ('[{"fault": "warn", "probabilty": 1}]', 'did you mean "probability"?'),
        ('[{"fault": "warn", "probability": 2}]', "probability 2 is not from 0 to 1"),
        ('[{"fault": "reset_early", "attempts": [1]}]', "before the order is known"),
        ('[{"fault": "warn", "on": 3}]', 'fault rule {"fault": "warn", "on": 3}'),
        ('[{"fault": "warn", "between": [3]}]', "not enough values"),
        ('[{"on": [1]}]', 'needs the key "fault"'),
        ("[1]", "a fault schedule is a JSON list of rules"),
        ("{", "not JSON"),
    ],
)
def test_a_wrong_schedule_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(BadFaultError) as caught:
        FaultSchedule.from_text(text)

    assert words in str(caught.value)


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(BadFaultError, match='did you mean "storm"'):
        FaultSchedule.profile("strom")
