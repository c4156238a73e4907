"""The last run in numbers, for the textfile collector of Prometheus' node exporter.

One file per schedule, replaced whole. Everything in it is a gauge, or a summary, of the *last* run:
nothing adds up over runs, so an alert compares values and looks at how old the end is. Labels are
the profile and the mappings; there is no order number and no file name in it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.config import Settings
from pipeline.report.files import replacing, sync_folder
from pipeline.run.byproduct import Byproduct
from pipeline.run.clock import clock
from pipeline.run.folder import written
from pipeline.run.items import open_items
from pipeline.run.request import Events, Result

_LOCKED = 10  # the run that holds the lock writes of itself
_MODE = 0o644  # the node exporter is another user; nothing in the file is anybody's secret
_ROWS = ("accepted", "own_problem", "held", "filtered", "duplicate", "nothing_to_send",
         "already_done", "superseded", "not_chosen", "joined", "not_needed")  # fmt: skip
_ORDERS_NOT = ("seen", "ready", "arrived", "missing", "out_of_date")

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its samples are (what follows the name, further labels, value)."""

    name: str
    kind: str
    says: str
    samples: tuple[tuple[str, Labels, float], ...]


def metered(
    settings: Settings, events: Events, mapping: str, run: Callable[[], Result]
) -> Callable[[], Result]:
    """Give the run, with its numbers written when it ends, however it ends.

    `mapping` is the label of a run that ends without a report, which would know it.
    """

    def measured() -> Result:
        if settings.metrics is None:
            return run()
        begun = time.monotonic()
        try:
            result = run()
        except BaseException as error:
            code = getattr(error, "exit_code", 130 if isinstance(error, KeyboardInterrupt) else 1)
            if code != _LOCKED:
                _write(settings, events, {}, code, mapping, time.monotonic() - begun)
            raise
        if result.run_id:  # else there was nothing to do, and the run before is still the last one
            lasted_s = time.monotonic() - begun
            _write(settings, events, result.summary, result.exit_code, mapping, lasted_s)
        return result

    return measured


def _write(
    settings: Settings, events: Events, summary: Mapping[str, Any], code: int, mapping: str,
    lasted_s: float,
) -> None:  # fmt: skip
    path = settings.metrics
    with Byproduct(
        f"the metrics in {path}",
        events,
        again="the next run writes them, if it may and the folder is there",
    ):
        assert path is not None  # noqa: S101 - for the type checker: `metered` has looked
        families = [*_of_the_end(summary, code, lasted_s), *_of_the_summary(summary)]
        families.append(
            _gauge("open_items", "Orders that are waited for.", [({}, len(open_items(settings)))])
        )
        names = [each["name"] for each in summary.get("run", {}).get("mappings", ())]
        common = {"profile": settings.profile, "mapping": ",".join(names) or mapping}
        with written(path.parent):
            write_metrics(path, exposition(families, common))


def write_metrics(path: Path, text: str) -> None:
    """Write the file, whole or not at all; a reader never sees half of it."""
    with replacing(path, mode=_MODE) as out:
        out.write(text.encode())
    sync_folder(path.parent)


def exposition(families: Iterable[Family], common: Labels) -> str:
    r"""Write metrics in Prometheus' text format, version 0.0.4.

    >>> print(exposition([_gauge("x", "A\nB", [({"of": 'a"b'}, 2)])], {"profile": "p"}), end="")
    # HELP pipeline_x A\nB
    # TYPE pipeline_x gauge
    pipeline_x{profile="p",of="a\"b"} 2
    """
    lines: list[str] = []
    for each in families:
        says = each.says.replace("\\", r"\\").replace("\n", r"\n")
        lines += [f"# HELP {each.name} {says}", f"# TYPE {each.name} {each.kind}"]
        for ending, labels, value in each.samples:
            pairs = ",".join(
                f'{name}="{_escaped(text)}"' for name, text in {**common, **labels}.items()
            )
            lines.append(f"{each.name}{ending}{{{pairs}}} {value!r}")
    return "".join(f"{line}\n" for line in lines)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _gauge(name: str, says: str, samples: Iterable[tuple[Labels, float]]) -> Family:
    return Family(
        f"pipeline_{name}", "gauge", says, tuple(("", labels, value) for labels, value in samples)
    )


def _of_the_end(summary: Mapping[str, Any], code: int, lasted_s: float) -> Iterator[Family]:
    ended = summary.get("run", {}).get("ended_at")
    at = datetime.fromisoformat(ended) if ended else clock()
    yield _gauge("last_run_end_timestamp_seconds", "When the last run ended.",
                 [({}, round(at.timestamp(), 3))])  # fmt: skip
    yield _gauge("last_run_exit_code", "Exit code of the last run; 0 is all well, 3 is partial.",
                 [({}, code)])  # fmt: skip
    yield _gauge("last_run_duration_seconds", "How long the command ran.",
                 [({}, round(lasted_s, 3))])  # fmt: skip


def _of_the_summary(summary: Mapping[str, Any]) -> Iterator[Family]:
    """What only a run with a report has."""
    if not summary.get("run"):
        return
    rows, orders = summary["rows"], summary["orders"]
    yield _gauge("last_run_rows", "Rows of the last run's files, by what became of them.",
                 [({"outcome": name}, rows[name]) for name in _ROWS])  # fmt: skip
    yield _gauge(
        "last_run_orders", "Orders of the last run's files, by what became of them.",
        [({"outcome": name}, n) for name, n in orders.items() if name not in _ORDERS_NOT],
    )  # fmt: skip
    yield _gauge("last_run_orders_missing", "Orders that did not arrive, and never have before.",
                 [({}, orders["missing"])])  # fmt: skip
    yield _gauge(
        "last_run_mutations", "Changes inside orders, by type and by what became of them.",
        [({"type": each["type"], "outcome": name}, each[name])
         for each in summary["mutations"]
         for name in ("succeeded", "failed", "unknown", "not_attempted")],
    )  # fmt: skip
    if summary.get("traffic"):
        yield from _of_the_traffic(summary["traffic"])


def _of_the_traffic(traffic: Mapping[str, Any]) -> Iterator[Family]:
    answers = [({"status": status}, n) for status, n in traffic["answers"].items()]
    yield _gauge("last_run_requests", "Requests to the API by status; none: without an answer.",
                 [*answers, ({"status": "none"}, traffic["unanswered"])])  # fmt: skip
    yield _gauge("last_run_retries", "Requests that were made again.", [({}, traffic["retries"])])
    yield _gauge("last_run_throttles", "Answers that only asked to wait.",
                 [({}, traffic["throttles"])])  # fmt: skip
    yield _gauge("last_run_waited_seconds", "Time in which requests were held back, by reason.",
                 [({"reason": reason}, s) for reason, s in traffic["waited_s"].items()])  # fmt: skip
    yield _gauge("last_run_bytes", "Bytes of bodies, by direction.",
                 [({"direction": way}, n) for way, n in traffic["bytes"].items()])  # fmt: skip
    yield _gauge("last_run_in_flight_max", "Most requests that were in flight at one time.",
                 [({}, traffic["in_flight_max"])])  # fmt: skip
    yield _gauge("last_run_sending_seconds", "How long sending took.",
                 [({}, traffic["sending_s"])])  # fmt: skip
    times = traffic["latency_s"]
    quantiles = tuple(
        ("", {"quantile": f"{int(name[1:]) / 100:g}"}, times[name])
        for name in times if name[1:].isdigit()
    )  # fmt: skip
    yield Family(
        "pipeline_last_run_answer_seconds", "summary", "Time from request to whole answer.",
        (*quantiles, ("_sum", {}, times["sum"]), ("_count", {}, times["count"])),
    )  # fmt: skip
    yield _gauge("last_run_answer_max_seconds", "The longest time to a whole answer.",
                 [({}, times["max"])])  # fmt: skip
