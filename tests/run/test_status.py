"""status from another terminal: how far a run is, without getting in its way."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.run import status
from pipeline.run.heartbeat import PROGRESS, Heartbeat, ends_at, progress_of
from tests.databases import BOTH
from tests.run.conftest import Warehouse, order_row

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@BOTH
def test_a_run_at_work_says_how_far_it_is(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(30)), order_row("B1", mail="wrong"))
    seen: list[dict[str, object]] = []
    warehouse.told.on_send = lambda done: seen.append(status(warehouse.settings)) if done else None

    run = warehouse.run()

    progress = seen[0]["progress"]
    assert isinstance(progress, dict)
    assert progress["stage"] == "send"
    assert progress["total"] == 30
    assert sum(progress["orders"].values()) == 31
    assert progress["orders"]["held_back"] == 1
    assert seen[-1]["at_work"] is True
    after = status(warehouse.settings)
    assert (after["progress"], after["preparing"], after["at_work"]) == (None, None, False)
    assert not (warehouse.settings.home / "runs" / run.run_id / PROGRESS).exists()


def test_a_run_that_still_reads_is_seen_before_the_ledger_knows_it(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    warehouse.orders(order_row("A2"))
    seen: list[dict[str, object]] = []
    beat = Heartbeat.beat

    def told(self: Heartbeat, stage: str, *rest: object) -> None:
        beat(self, stage, *rest)  # type: ignore[arg-type]
        if stage == "read":
            seen.append(status(warehouse.settings))

    monkeypatch.setattr(Heartbeat, "beat", told)
    run = warehouse.run()

    preparing = seen[0]["preparing"]
    assert isinstance(preparing, dict)
    assert (preparing["id"], preparing["stage"], preparing["total"]) == (run.run_id, "read", None)


def test_the_end_is_foreseen_from_the_rate_and_a_wait_is_named(tmp_path: Path) -> None:
    clock = iter(NOON + timedelta(seconds=n) for n in range(9))
    heart = Heartbeat(tmp_path, lambda: next(clock))
    heart._wrote_s = -1e9
    heart.beat("send", 0, 100, "waiting 12 s (rate limit)", Counter(created=3))
    said = progress_of(tmp_path)
    assert said is not None
    assert (said["waiting"], said["so_far"]) == ("waiting 12 s (rate limit)", {"created": 3})
    assert said["ends_at"] is None
    heart.beat("send", 50, 100, "5.0/s", {})  # within two seconds: not written again
    assert progress_of(tmp_path) == said
    assert (tmp_path / PROGRESS).stat().st_mode & 0o777 == 0o600
    assert ends_at(NOON, 50, 100, 5.0) == "2026-11-20T12:00:10+00:00"
    assert ends_at(NOON, 0, 10**12, 1e-6) is None


def test_half_a_file_or_none_says_nothing(tmp_path: Path) -> None:
    assert progress_of(tmp_path) is None
    (tmp_path / PROGRESS).write_text('{"stage": "se')
    assert progress_of(tmp_path) is None
    (tmp_path / PROGRESS).write_text(json.dumps([1]))
    assert progress_of(tmp_path) is None


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    Heartbeat(tmp_path / "gone", lambda: NOON).beat("send", 1, 2, "", {})
    assert not (tmp_path / "gone").exists()
