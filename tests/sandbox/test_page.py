"""docs/sandbox.md names the options that there are, of both doors."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli.app import cli
from pipeline.sandbox.__main__ import main

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def listed(door: str) -> set[str]:
    """The options in the first column of the table of a door."""
    table = PAGE.split(f"| option of `{door}` |", 1)[1].split("\n\n", 1)[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return {option for cell in cells for option in OPTION.findall(cell)}


def shown(door: str) -> set[str]:
    """The options in the command lines of the page."""
    lines = re.findall(rf"^    {re.escape(door)}( .*)?$", PAGE, re.MULTILINE)
    assert lines
    return {option for line in lines for option in OPTION.findall(line)}


def test_the_options_of_the_command_are_those_of_its_help() -> None:
    told = CliRunner().invoke(cli, ["sandbox", "--help"]).stdout
    options = told.split("Options:", 1)[1].split("\n\n", 1)[0]
    own = set(OPTION.findall(options)) - {"--help"}
    assert listed("pipeline sandbox") == own >= {"--port", "--data"}
    assert shown("pipeline sandbox") <= own


def test_the_options_of_the_module_are_those_of_its_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    own = set(OPTION.findall(capsys.readouterr().out)) - {"--help"}
    assert listed("python -m pipeline.sandbox") == own >= {"--port", "--data"}
    assert shown("python -m pipeline.sandbox") <= own
