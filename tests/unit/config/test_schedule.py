"""The section [schedule]."""

from datetime import date, time
from pathlib import Path

import pytest

from pipeline.config.schedule import KEYS_OF_SCHEDULE
from pipeline.model.schedule import Schedule
from tests.unit.config.test_config import loaded, refused


def schedule(folder: Path, toml: str) -> Schedule | None:
    return loaded(folder, toml=toml).settings.schedule


def test_without_the_section_nothing_is_expected(tmp_path: Path) -> None:
    assert schedule(tmp_path, "") is None


def test_an_empty_section_expects_production_every_night(tmp_path: Path) -> None:
    found = schedule(tmp_path, "[schedule]\n")
    assert found == Schedule(profile="prod", days=frozenset(range(7)))


def test_all_keys_are_read(tmp_path: Path) -> None:
    toml = """
[schedule]
profile = "eu"
days = ["sat-mon", "wed"]
by = "06:00"
mappings = ["orders", "parcels"]
skip = ["2026-12-25", 2026-12-26]
"""
    found = schedule(tmp_path, toml)
    assert found == Schedule(
        profile="eu", days=frozenset({5, 6, 0, 2}), by=time(6), mappings=("orders", "parcels"),
        skip=frozenset({date(2026, 12, 25), date(2026, 12, 26)}),
    )  # fmt: skip
    assert set(KEYS_OF_SCHEDULE) <= {line.split(" = ")[0] for line in toml.splitlines()}
    as_time = schedule(tmp_path, '[schedule]\nby = 05:30:00\ndays = "mon-fri"\n')
    assert as_time is not None
    assert (as_time.by, as_time.days) == (time(5, 30), frozenset(range(5)))


@pytest.mark.parametrize(
    ("toml", "message", "line"),
    [
        ("schedule = 1\n", "schedule is not a section", 1),
        ("[schedule]\nday = 'daily'\n", "unknown key day in [schedule]", 2),
        ("[schedule]\ndays = 'mun-fri'\n", "'mun-fri' has an unknown day mun; did you mean", 2),
        ("[schedule]\ndays = []\n", "'[]' names no day for days of [schedule]", 2),
        ("[schedule]\nby = '6'\n", "'6' is not a time such as 06:00 for by of [schedule]", 2),
        ("[schedule]\nby = '25:00'\n", "'25:00' is not a time such as 06:00", 2),
        ("[schedule]\nskip = ['soon']\n", "'['soon']' is not a list of dates such as", 2),
        ("[schedule]\nskip = 'soon'\n", "'soon' is not a list of dates for skip", 2),
        ("[schedule]\nmappings = [1]\n", "'[1]' is not a list of texts for mappings", 2),
        ("[profile.prod.schedule]\n", "unknown key schedule in [profile.prod]", 1),
    ],
)
def test_a_mistake_has_its_line(tmp_path: Path, toml: str, message: str, line: int) -> None:
    error = refused(tmp_path, toml=toml)
    assert message in error.message
    assert error.place == f"pipeline.toml:{line}"
    assert error.help
