"""Each folder of `samples/` is a test: what it finds and what it sends (samples/README.md)."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.rules import RULES
from tests.golden.product import SAMPLES, Finding, run_case

# A message of more than 64 MB is no sample; tests/unit/read/edi/test_pieces.py has one, made on the spot.
# What is unlike the nights before needs nights before; tests/run/test_guards.py and test_usual.py have them.
# So does a line that was added by an earlier run; tests/run/test_answers.py has it.
# What is expected of the files of a day depends on the day; tests/run/test_expected.py has it.
# Files as a whole need several in a run; tests/run/test_intake.py has them.
ELSEWHERE = {
    "E119",
    "R120",
    "R121",
    "R122",
    "R326",
    "D101",
    "D102",
    "D103",
    "D104",
    "D105",
    "D106",
    "F103",
    "F104",
}
CASES = sorted(folder for folder in SAMPLES.iterdir() if (folder / "mapping.yaml").exists())


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _as_told(found: Finding, told: Finding) -> Finding:
    """The members of a finding that the sample says something about; "" and null are one."""
    return {name: found.get(name) or None for name in told}


def _without_ids(payload: str) -> str:
    """The payload as it was sent, but for the names of its mutations."""
    body = json.loads(payload)
    for mutation in body.get("mutations", []):
        assert len(mutation["operation_id"]) == 36
        mutation["operation_id"] = "*"
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_sample_finds_and_sends_what_it_says(case: Path, tmp_path: Path) -> None:
    findings, payloads = run_case(case, tmp_path)

    told = _lines(case / "expected" / "findings.jsonl")
    assert [(f["line"], f["code"]) for f in findings] == [(t["line"], t["code"]) for t in told]
    seen = [_as_told(found, each) for found, each in zip(findings, told, strict=True)]
    assert seen == [{name: value or None for name, value in each.items()} for each in told]
    expected = (case / "expected" / "orders.jsonl").read_text(encoding="utf-8").splitlines()
    assert [_without_ids(payload) for payload in payloads] == expected


def test_every_code_is_produced_by_a_sample() -> None:
    shown = {
        each["code"] for case in CASES for each in _lines(case / "expected" / "findings.jsonl")
    }

    assert set(RULES) - shown == ELSEWHERE
    assert shown - set(RULES) == set()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_sample_is_named_after_what_it_shows(case: Path) -> None:
    code = case.name.split("-")[0]
    shown = {each["code"] for each in _lines(case / "expected" / "findings.jsonl")}

    several_files = not any(case.glob("input.*"))  # named after these
    assert code in shown or several_files or (code == "feature" and not shown)
