"""What the numbers of a run say of what went over the line, read as Prometheus would read them."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from pipeline.run import log as run_log
from pipeline.sandbox import FaultRule, FaultSchedule
from pipeline.send import ApiAway
from tests.run.conftest import order_row

if TYPE_CHECKING:
    from pathlib import Path

    from tests.run.conftest import Warehouse

Metrics = dict[str, float]


def measuring(warehouse: Warehouse) -> Path:
    path = warehouse.folder.parent / "textfile" / "import.prom"
    path.parent.mkdir()
    warehouse.settings = replace(warehouse.settings, metrics=path)
    return path


def metrics(path: Path) -> Metrics:
    """Samples by name and labels, the common ones left out."""
    found: Metrics = {}
    families = list(parsed(path.read_text()))
    for family in families:
        assert family.documentation
        assert family.type in ("gauge", "summary")
        for sample in family.samples:
            assert sample.labels["profile"] == "sandbox"
            rest = {k: v for k, v in sample.labels.items() if k not in ("profile", "mapping")}
            key = sample.name.removeprefix("pipeline_") + (
                "{" + ",".join(f"{k}={v}" for k, v in rest.items()) + "}" if rest else ""
            )
            assert key not in found
            found[key] = sample.value
    assert len({family.name for family in families}) == len(families)
    return found


@pytest.mark.thorough
def test_the_numbers_of_a_run_are_those_of_its_report(warehouse: Warehouse) -> None:
    path = measuring(warehouse)
    warehouse.orders(order_row("A1"), order_row("A2"), order_row("A3", country="nowhere"))
    warehouse.sandbox.play(
        FaultSchedule((FaultRule(fault="http_429", on=(1,), retry_after=0.05),
                       FaultRule(fault="reset_early", on=(2,))))
    )  # fmt: skip

    result = warehouse.run()

    found = metrics(path)
    assert result.exit_code == 3
    assert found["last_run_exit_code"] == 3
    assert found["last_run_orders{outcome=created}"] == 2
    assert found["last_run_orders{outcome=held_back}"] == 1
    assert found["last_run_orders_missing"] == found["open_items"] == 1
    assert sum(n for name, n in found.items() if name.startswith("last_run_orders{")) == 3
    assert found["last_run_rows{outcome=accepted}"] == 2
    assert found["last_run_requests{status=201}"] == 2
    assert found["last_run_requests{status=429}"] == 1
    assert found["last_run_requests{status=none}"] == 1
    assert found["last_run_retries"] == found["last_run_throttles"] == 1
    assert found["last_run_answer_seconds_count"] == 3
    assert (
        0
        < found["last_run_answer_seconds{quantile=0.5}"]
        <= found["last_run_answer_seconds{quantile=0.99}"]
        <= found["last_run_answer_max_seconds"]
    )
    assert found["last_run_bytes{direction=sent}"] > 4 * 50
    traffic = result.summary["traffic"]
    assert isinstance(traffic, dict)
    assert traffic["requests"] == 4
    assert traffic["answers"] == {"201": 2, "429": 1}
    assert traffic["unanswered"] == 1
    assert traffic["latency_s"]["count"] == 3
    assert 0 < traffic["waited_s"]["rate_limit"] <= 0.5
    assert "A1" not in path.read_text()
    assert warehouse.sandbox.token not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644  # another user reads it
    assert [each.name for each in path.parent.iterdir()] == ["import.prom"]


def test_the_report_and_the_last_event_say_how_it_went(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    result = warehouse.run()
    assert result.report is not None
    page = result.report.read_text()
    assert "2: 2 × status 201" in page
    assert "half of them at most" in page
    ((_, _, done),) = [each for each in warehouse.told.events if each[1] == "done"]
    assert done["requests"] == 2
    assert {"p50_ms", "p99_ms"} <= done.keys()


@pytest.mark.thorough
def test_a_resumed_run_goes_on_counting(warehouse: Warehouse) -> None:
    path = measuring(warehouse)
    warehouse.paced(concurrency=1, outage_failures=1, outage_stop_s=0.0)
    warehouse.orders(*(order_row(f"A{n}") for n in range(4)))
    warehouse.sandbox.play(FaultSchedule((FaultRule(fault="http_5xx", on=(3,), status=500),)))
    first = warehouse.run()
    assert isinstance(first.stopped, ApiAway)
    assert metrics(path)["last_run_exit_code"] == 5
    assert metrics(path)["last_run_requests{status=201}"] == 2

    warehouse.sandbox.play(FaultSchedule())
    assert warehouse.resume().exit_code == 0
    found = metrics(path)
    assert found["last_run_exit_code"] == 0
    assert found["last_run_requests{status=201}"] == 4
    assert found["last_run_requests{status=500}"] == 1

    # nothing to resume: the run before is still the last one
    before = path.read_bytes()
    warehouse.resume()
    assert path.read_bytes() == before


def test_a_run_that_a_guard_or_its_input_ends_is_in_the_metrics(warehouse: Warehouse) -> None:
    path = measuring(warehouse)
    warehouse.orders(order_row("A1"), order_row("A2"))
    assert warehouse.run(max_orders=1).exit_code == 7
    found = metrics(path)
    assert found["last_run_exit_code"] == 7
    assert found["last_run_orders{outcome=not_attempted}"] == 2
    assert not any(name.startswith("last_run_requests") for name in found)

    (warehouse.folder / "orders.csv").write_bytes(b"")
    with pytest.raises(Exception, match="empty"):
        warehouse.run()
    found = metrics(path)
    assert found["last_run_exit_code"] == 4
    assert found["last_run_end_timestamp_seconds"] > 1.7e9
    assert not any(name.startswith("last_run_orders") for name in found)


def test_a_run_that_breaks_is_in_the_metrics(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = measuring(warehouse)
    warehouse.orders(order_row("A1"))

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.run.flow.send_all", broken)
    with pytest.raises(KeyboardInterrupt):
        warehouse.run()
    assert metrics(path)["last_run_exit_code"] == 130


def test_metrics_that_cannot_be_written_change_nothing_else(warehouse: Warehouse) -> None:
    path = measuring(warehouse)
    path.mkdir()  # a folder stands where the file should be
    (path / "x").touch()
    warehouse.orders(order_row("A1"))
    result = warehouse.run()
    assert result.exit_code == 0
    warnings = [
        str(fields["text"]) for _, event, fields in warehouse.told.events if event == "warning"
    ]
    assert len(warnings) == 1
    assert "the metrics in" in warnings[0]


def test_metrics_in_a_folder_that_is_not_there_are_no_bug(warehouse: Warehouse) -> None:
    path = measuring(warehouse).parent / "nosuch" / "import.prom"
    warehouse.settings = replace(warehouse.settings, metrics=path)
    warehouse.orders(order_row("A1"))
    assert warehouse.run().exit_code == 0
    (warning,) = [
        str(fields["text"]) for _, event, fields in warehouse.told.events if event == "warning"
    ]
    assert f"cannot write to {path.parent}: No such file or directory" in warning
    assert "bug" not in warning


def test_every_event_of_a_run_names_it(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_log, "_HEARTBEAT_S", 0.0)
    warehouse.orders(order_row("A1"), order_row("A2", country="nowhere"))
    result = warehouse.run()
    log = warehouse.settings.home / "runs" / result.run_id / "run.log"
    written = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(written) >= 6
    assert {each["run"] for each in written} == {result.run_id}
    assert {fields.get("run") for _, _, fields in warehouse.told.events} == {result.run_id}
