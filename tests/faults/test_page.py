"""docs/faults.md names a test for each row of the fault matrix, and each of them exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
README = Path(__file__).with_name("README.md")
ROWS = {"P": 13, "D": 9, "L": 5, "I": 12, "N": 25}
_ROW = re.compile(r"^\| (?P<id>[A-Z]\d+) \|(?P<rest>.*)\|$")
_TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)(::(?P<name>test_\w+))?`")


def rows() -> dict[str, str]:
    found = (_ROW.match(line) for line in PAGE.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row["rest"] for row in found if row}


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def test_every_fault_of_the_matrix_has_its_row() -> None:
    wanted = [f"{letter}{n + 1}" for letter, count in ROWS.items() for n in range(count)]
    assert list(rows()) == wanted


@pytest.mark.parametrize("number", rows())
def test_a_row_has_a_test_or_a_reason(number: str) -> None:
    text = rows()[number]
    assert _TEST.search(text) or "not tested: " in text


@pytest.mark.parametrize("page", [PAGE, README], ids=["docs", "tools"])
def test_each_test_that_is_named_exists(page: Path) -> None:
    named = list(_TEST.finditer(page.read_text(encoding="utf-8")))
    gone = [
        each[0]
        for each in named
        if not (ROOT / each["path"]).exists()
        or (each["name"] and each["name"] not in functions(each["path"]))
    ]
    assert named
    assert gone == []
