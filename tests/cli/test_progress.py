"""Lines, bars, prompts."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline.cli.console import Console, in_words
from pipeline.cli.importing import next_moment
from pipeline.cli.progress import Bars, Lines, NotConfirmed
from pipeline.config import Look


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A clock of the test's own."""
    clock = {"s": 1000.0}
    monkeypatch.setattr("pipeline.cli.progress.time.monotonic", lambda: clock["s"])
    return clock


def test_a_line_every_30_seconds(now: dict[str, float], capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(Console(Look()), approve=False)
    for second in range(95):
        now["s"] = 1000.0 + second
        lines.stage("send", second * 5, 683, "5.0/s")
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 3
    assert " INFO  sending 150/683 rate=5.0/s eta=" in err[0]


def test_a_wait_is_told_at_once_and_once(
    now: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines(Console(Look()), approve=False)
    lines.stage("send", 1, 10, "5.0/s")
    for left in (12, 11, 10):
        now["s"] += 1
        lines.stage("send", 1, 10, f"rate limited, waiting {left} s")
    lines.stage("send", 2, 10, "5.0/s")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" WARN  rate limited, waiting 12 s")


def test_a_wait_that_ends_and_begins_again_each_second_is_told_every_30_seconds(
    now: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines(Console(Look()), approve=False)
    for second in range(50):
        now["s"] = 1000.0 + second
        lines.stage("send", 1, 10, "0.0/s")
        lines.stage("send", 1, 10, f"{50 - second} orders with another process")
        if second == 3:
            lines.stage("send", 1, 10, "0.0/s")
            lines.stage("send", 1, 10, "API unreachable, probing")
    warned = [line for line in capsys.readouterr().err.splitlines() if " WARN " in line]
    said = [line.partition(" WARN  ")[2] for line in warned]
    assert said == [
        "50 orders with another process", "API unreachable, probing",
        "46 orders with another process", "16 orders with another process",
    ]  # fmt: skip


def test_a_stage_without_total_has_no_end(
    now: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines(Console(Look()), approve=False)
    lines.stage("read", 0, None)
    now["s"] += 31
    lines.stage("read", 62, None)
    assert capsys.readouterr().err.endswith(" INFO  reading 62 rate=2.0/s\n")


def test_events_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(Console(Look()), approve=False)
    lines.say("warning", "a\nb", note="x y", none=None)
    lines.say("debug", "hidden")
    assert capsys.readouterr().err.endswith(' WARN  a b note="x y"\n')
    assert in_words("done", {"exit": 0}) == "done exit=0"


def test_bars_draw_on_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars(Console(Look()), approve=True) as bars:
        bars.stage("read", 10, 20)
        bars.stage("send", 1, 2, "rate limited\x1b[31m")
        bars.say("warning", "careful")
        bars.say("info", "unimportant")
        assert bars.confirm("go?", "1618")
    said = capsys.readouterr()
    assert said.out == ""
    assert "careful" in said.err
    assert "unimportant" not in said.err


def test_without_a_terminal_nobody_is_asked() -> None:
    with pytest.raises(NotConfirmed) as caught:
        Lines(Console(Look()), approve=False).confirm("Send?", "1618")
    assert (caught.value.code, caught.value.exit_code) == ("C110", 2)
    assert Lines(Console(Look()), approve=True).confirm("Send?", "1618")


BERLIN = ZoneInfo("Europe/Berlin")


def test_until_is_the_next_such_time() -> None:
    evening = datetime(2026, 3, 28, 22, 0, tzinfo=BERLIN)
    morning = next_moment(time(6), evening)
    # the clocks go forward in this night
    assert morning.isoformat() == "2026-03-29T06:00:00+02:00"
    assert morning.astimezone(UTC) - evening.astimezone(UTC) == timedelta(hours=7)
    assert next_moment(time(23), evening).day == 28
    assert next_moment(datetime(2027, 1, 1), evening).tzinfo is BERLIN  # noqa: DTZ001 - as typed


def test_what_became_of_the_orders_stands_in_the_line_and_beside_the_bar(
    now: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    so_far = {"created": 270, "updated": 129, "refused": 3, "not_attempted": 1}
    lines = Lines(Console(Look()), approve=False)
    lines.stage("send", 0, 683, "5.0/s")
    now["s"] += 30
    lines.stage("send", 402, 683, "waiting 12 s (rate limit)", so_far)
    err = capsys.readouterr().err
    assert " sending 402/683 rate=13.4/s created=270 updated=129 refused=3 eta=" in err
    assert err.endswith('waiting="waiting 12 s (rate limit)"\n')
    with Bars(Console(Look()), approve=True) as bars:
        bars.stage("send", 402, 683, "4.9/s", so_far)
    assert "created 270 updated 129 refused 3" in " ".join(capsys.readouterr().err.split())
