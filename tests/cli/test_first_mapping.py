"""The five commands of docs/mapping.md's first section run as they stand there, on the sample night's export."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Call

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mapping.md").read_text("utf-8")
SECTION = PAGE.partition("## The first mapping in five minutes\n")[2].partition("\n1. ")[0]
COMMANDS = [shlex.split(line)[1:] for line in re.findall(r"^ {4}(pipeline .+)$", SECTION, re.M)]
SOME_ROWS_REJECTED = 3  # of the sample night, which is full of dirt


@pytest.fixture
def export(folder: Path) -> Path:
    """The export of the sample night, and nothing else."""
    return Path(
        shutil.copy(
            ROOT / "samples" / "nightly" / "auftraege_2026-11-20.csv", folder / "orders.csv"
        )
    )


@pytest.mark.usefixtures("export")
def test_each_command_works_after_the_one_before(call: Call) -> None:
    said = {words[0] if words[0] == "plan" else words[1]: call(*words) for words in COMMANDS}

    assert list(said) == ["init", "check", "test", "show", "plan"]
    assert {verb: each.code for verb, each in said.items()} == {
        "init": 0, "check": 0, "test": 0, "show": 0, "plan": SOME_ROWS_REJECTED,
    }  # fmt: skip
    assert "2 tests, all passed" in said["test"].out
    assert "order_number" in said["show"].out
    assert "orders.yaml:" in said["show"].out
