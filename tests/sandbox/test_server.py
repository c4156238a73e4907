"""The running sandbox: paging, accounts, the log of PUTs, orders in flight twice, the command."""

import ast
import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import pipeline.sandbox
from pipeline.sandbox import (
    ExposedHostError,
    SandboxSettings,
    TrackingConflict,
    read_orders,
    read_puts,
    running_sandbox,
    serve,
)
from pipeline.sandbox.__main__ import main
from pipeline.sandbox.document import published_text

from .conftest import ORDERS, Api

ADD = {"type": "add_tracking", "tracking": {"courier": "ups", "tracking_number": "1Z"}}


@contextmanager
def api_of(settings: SandboxSettings) -> Iterator[Api]:
    with running_sandbox(settings) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        with httpx.Client(
            base_url=sandbox.base_url, headers=headers, timeout=10, trust_env=False
        ) as http:
            yield Api(sandbox, http)


# --- the document and the house -------------------------------------------------------------------


def test_the_document_is_the_one_of_the_contract() -> None:
    copy = Path(__file__).parents[1] / "contract" / "openapi" / "order-api.openapi.json"

    assert copy.read_bytes() == published_text()
    assert hashlib.sha256(published_text()).hexdigest() == DOCUMENT_SHA256


DOCUMENT_SHA256 = "955919d2f47b48eafafb2264ddc8f6ae97643b027f3d4c33d19b59cd90e285fd"


def test_the_sandbox_imports_nothing_else_of_the_product() -> None:
    folder = Path(pipeline.sandbox.__file__).parent
    imported = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}

    ours = {name for name in imported if name.split(".")[0] == "pipeline"}
    assert all(name.startswith("pipeline.sandbox") for name in ours), ours


def test_the_surface_is_sorted_and_complete() -> None:
    names = pipeline.sandbox.__all__

    assert names == sorted(names)
    assert all(hasattr(pipeline.sandbox, name) for name in names)


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ordering", [None, "-created", "order_number", "-order_number", "nonsense"]
)
def test_pages_lead_forth_and_back(ordering: str | None) -> None:
    numbers = ["D", "A", "E", "B", "C"]
    expected = {
        "-created": numbers[::-1],
        "order_number": sorted(numbers),
        "-order_number": sorted(numbers, reverse=True),
    }.get(ordering or "", numbers)
    with api_of(SandboxSettings(page_size=2)) as api:
        for number in numbers:
            api.put(api.minimal(number))
        first = ORDERS if ordering is None else f"{ORDERS}?ordering={ordering}"

        forth, last = walk(api, first, "next")
        back, end = walk(api, last, "previous")

    assert [number for page in forth for number in page] == expected
    assert [len(page) for page in forth] == [2, 2, 1]
    assert back == forth[::-1]
    assert end.startswith("http")


def walk(api: Api, url: str, way: str) -> tuple[list[list[str]], str]:
    """Follow one kind of link to its end; return the pages and the last address."""
    pages = []
    while True:
        body = api.http.get(url).json()
        pages.append([order["order_number"] for order in body["results"]])
        if body[way] is None:
            return pages, url
        url = body[way]


def test_a_cursor_nobody_gave_out_is_404(api: Api) -> None:
    for cursor in ("x", "W10=", "WzEsMiwzXQ==", "WyJhIiwgMTAwMDAwMDAwMDAwMDAwMDAwMDAwLCBmYWxzZV0="):
        assert api.list(cursor=cursor).status_code == 404


def test_lists_filter_by_reference_and_by_account(api: Api) -> None:
    api.put(api.minimal("A", external_reference="R"))
    api.put(api.minimal("B"))

    assert len(api.list(external_reference="R").json()["results"]) == 1
    assert len(api.list(account=[1618]).json()["results"]) == 2
    assert api.list(account=1619).status_code == 403
    assert api.list(account="x").status_code == 400


def test_a_lookup_says_what_is_wrong_with_it(api: Api) -> None:
    assert api.lookup("A1", lookup_by="name").json()["errors"][0]["attr"] == "lookup_by"
    assert api.lookup("A1", account="x").json()["errors"][0]["attr"] == "account"
    assert api.lookup("A1", account=1619).status_code == 403


def test_two_accounts_keep_their_orders_apart() -> None:
    both = frozenset({1, 2})
    settings = SandboxSettings(tokens={"both": both, "second": frozenset({2})})
    with api_of(settings) as api:
        for account in (1, 2):
            assert api.put(api.minimal("A", account=account)).status_code == 201
        external_id = api.lookup("A", account=1).json()["external_id"]
        second = {"authorization": "Bearer second"}

        ambiguous = api.http.get(f"{ORDERS}A/?lookup_by=order-number")
        foreign = api.http.get(f"{ORDERS}{external_id}/", headers=second)
        listed = api.http.get(ORDERS, headers=second).json()["results"]

    assert ambiguous.status_code == 400
    assert foreign.status_code == 404
    assert [order["account"] for order in listed] == [2]


def test_an_order_can_be_updated_by_its_external_id(api: Api) -> None:
    external_id = api.put(api.minimal("A")).json()["external_id"]
    named = {"account": api.account, "external_id": external_id}

    assert api.put(named | {"channel": "web"}).json()["channel"] == "web"
    assert api.put(named | {"order_number": "B"}).status_code == 400
    assert api.put(named | {"external_id": "unknown"}).status_code == 404


def test_an_external_reference_belongs_to_one_order(api: Api) -> None:
    api.put(api.minimal("A", external_reference="R"))

    reply = api.put(api.minimal("B", external_reference="R"))

    assert (reply.status_code, reply.json()["errors"][0]["attr"]) == (400, "external_reference")
    assert api.put(api.key("A", external_reference="R")).status_code == 200


@pytest.mark.parametrize(
    ("conflict", "success"), [(TrackingConflict.IGNORED, True), (TrackingConflict.FAILS, False)]
)
def test_a_tracking_of_another_order_is_a_conflict_when_told(
    *, conflict: TrackingConflict, success: bool
) -> None:
    with api_of(SandboxSettings(tracking_conflict=conflict)) as api:
        first = api.put(api.minimal("A", mutations=[ADD])).json()
        again = api.put(api.key("A", mutations=[ADD])).json()
        other = api.put(api.minimal("B", mutations=[ADD])).json()

    results = [reply["mutations"][0]["result"]["success"] for reply in (first, again, other)]
    assert results == [True, True, success]


def test_unknown_paths_and_methods_answer_in_the_api_s_shapes(api: Api) -> None:
    assert api.http.get("/v4/").json()["errors"][0]["code"] == "not_found"
    reply = api.http.patch(ORDERS)
    assert (reply.status_code, "PUT" in reply.headers["allow"]) == (405, True)


def test_the_index_counts_what_the_sandbox_holds(api: Api) -> None:
    api.put(api.minimal())

    assert api.http.get("/").json()["holds"]["orders"] == 1


# --- the log of PUTs ------------------------------------------------------------------------------


def test_the_log_holds_accepted_puts_only_with_the_hash_of_their_bytes(api: Api) -> None:
    raw = json.dumps(api.minimal("A")).encode() + b" \n"
    api.put_raw(raw)
    api.put(api.minimal("A", tags="refused"))
    api.put(api.key("A", channel="web"))

    first, second = api.sandbox.puts()

    assert (first.sequence, first.account, first.order_number) == (1, 1618, "A")
    assert (first.sha256, first.body) == (hashlib.sha256(raw).hexdigest(), raw)
    assert [first.status, second.status] == [201, 200]
    assert first.received_at <= second.received_at


def test_orders_of_the_running_sandbox_are_what_the_api_shows(api: Api) -> None:
    api.put(api.minimal("A", mutations=[ADD]))

    assert api.sandbox.orders() == [api.lookup("A").json()]
    assert api.sandbox.order("A") == api.lookup("A").json()
    assert api.sandbox.order("B") is None


def test_reset_forgets_everything(api: Api) -> None:
    api.put(api.minimal("A", mutations=[ADD]))

    api.sandbox.reset()

    assert api.sandbox.orders() == []
    assert api.sandbox.puts() == []
    assert api.sandbox.requests() == []
    assert api.put(api.minimal("A")).status_code == 201


# --- one order in flight twice --------------------------------------------------------------------


def put_at_once(api: Api, numbers: list[str]) -> list[int]:
    async def all_puts() -> list[int]:
        async with httpx.AsyncClient(
            base_url=api.sandbox.base_url, headers=api.http.headers, timeout=10, trust_env=False
        ) as http:
            puts = [http.put(ORDERS, json=api.minimal(number)) for number in numbers]
            return [reply.status_code for reply in await asyncio.gather(*puts)]

    return asyncio.run(all_puts())


def test_two_requests_of_one_order_in_flight_are_a_violation() -> None:
    with api_of(SandboxSettings(latency_s=0.2)) as api:
        statuses = put_at_once(api, ["A", "B", "A"])
        violations = api.sandbox.violations()

    assert sorted(statuses) == [200, 201, 201]
    assert [(found.account, found.order_number) for found in violations] == [(1618, "A")]
    assert violations[0].first != violations[0].second


def test_64_different_orders_in_flight_are_none(api: Api) -> None:
    statuses = put_at_once(api, [f"A{place}" for place in range(64)])

    assert statuses == [201] * 64
    assert api.sandbox.violations() == []


def test_many_threads_each_with_its_own_order_are_none(api: Api) -> None:
    def repeat(number: str) -> None:
        headers = api.http.headers
        with httpx.Client(base_url=api.sandbox.base_url, headers=headers, trust_env=False) as http:
            for _ in range(15):
                http.put(ORDERS, json=api.minimal(number)).raise_for_status()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(repeat, "ABCDEFGH"))

    assert len(api.sandbox.puts()) == 120
    assert api.sandbox.violations() == []


def test_a_client_that_gave_up_and_repeats_is_not_to_blame(api: Api) -> None:
    api.play({"fault": "slow", "delay_s": 3, "on": [1]})
    with pytest.raises(httpx.ReadTimeout):
        api.http.put(ORDERS, json=api.minimal(), timeout=0.1)

    assert api.put(api.minimal()).status_code == 200
    assert api.sandbox.violations() == []


# --- the command ----------------------------------------------------------------------------------


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline.sandbox", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(pipeline.sandbox.__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def put_to(ready: dict[str, Any], number: str) -> httpx.Response:
    body = {
        "account": ready["account"],
        "order_number": number,
        "destination_country_iso3": "DEU",
        "recipient_email": "max@example.com",
    }
    headers = {"Authorization": f"Parcellab-API-Token {ready['token']}"}
    return httpx.put(ready["base_url"] + ORDERS, json=body, headers=headers, trust_env=False)


def test_what_was_answered_survives_a_kill_of_the_sandbox(tmp_path: Path) -> None:
    with command("--data", str(tmp_path)) as (process, ready):
        confirmed = [number for number in "ABC" if put_to(ready, number).status_code == 201]
        process.kill()
        process.wait()

    assert [put.order_number for put in read_puts(tmp_path)] == confirmed == ["A", "B", "C"]
    assert [order["order_number"] for order in read_orders(tmp_path)] == confirmed
    with command("--data", str(tmp_path)) as (_, ready):
        assert put_to(ready, "A").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    with command("--data", str(tmp_path), "--account", "7", "--token", "t") as (process, ready):
        assert (ready["account"], ready["token"]) == (7, "t")
        assert put_to(ready, "A").status_code == 201
        os.kill(process.pid, number)
        assert process.wait(10) == 0

    assert len(read_puts(tmp_path)) == 1


def test_the_command_plays_a_schedule_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('[{"fault": "http_429", "on": [1]}]', encoding="utf-8")
    with command("--faults", str(tmp_path / "faults.json")) as (_, ready):
        assert [put_to(ready, "A").status_code for _ in range(2)] == [429, 201]


def test_a_host_others_can_reach_needs_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExposedHostError, match="not a loopback address"):
        serve(host="0.0.0.0")  # noqa: S104 - what is refused

    assert main(["--host", "192.0.2.1"]) == 2
    assert "192.0.2.1 is not a loopback address" in capsys.readouterr().err


def test_a_wrong_schedule_stops_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"fault": "warm"}]', encoding="utf-8")

    assert main(["--faults", str(faults)]) == 2
    assert 'sandbox: unknown fault "warm"; did you mean "warn"?' in capsys.readouterr().err
    assert main(["--faults", str(tmp_path / "none.json")]) == 2
    assert main(["--profile", "strom"]) == 2


def test_a_damaged_database_stops_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sandbox.db").write_bytes(b"not a database " * 100)

    assert main(["--data", str(tmp_path)]) == 2
    assert "file is not a database; choose another --data" in capsys.readouterr().err


def test_puts_of_a_folder_without_sandbox_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no sandbox kept its data here"):
        read_puts(tmp_path)
    with pytest.raises(FileNotFoundError, match="no sandbox kept its data here"):
        read_orders(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_sandbox_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    started = time.monotonic()
    with running_sandbox():
        assert threading.active_count() == before + 1

    assert threading.active_count() == before
    assert time.monotonic() - started < 3
