"""The sentences of the catalogue: they agree with any number, and what to do is never empty talk."""

import re

import pytest

from pipeline.cli.codes import CODES
from pipeline.model.rules import RULES

_NOUNS = "bytes|characters|columns|decimals|digits|elements|lines|messages|rows|segments|times"
_AT_LEAST_TWO = {"E103", "E305"}  # one is never counted there


@pytest.mark.parametrize("code", sorted(RULES))
def test_a_sentence_is_right_for_one_as_for_many(code: str) -> None:
    counted = re.search(rf"\{{(?:value|detail)\}} (?:{_NOUNS})\b", RULES[code].says)
    assert counted is None or code in _AT_LEAST_TWO, counted


@pytest.mark.parametrize("code", sorted(RULES))
def test_what_to_do_says_what_to_do(code: str) -> None:
    fix = RULES[code].fix
    assert fix not in {"tell the partner", "look at it", "correct the rows", "fix the other row"}
    assert not fix.startswith("act as")
    assert "the message names" not in fix


def test_a_run_of_another_endpoint_is_told_by_its_keys() -> None:
    entry = CODES["C133"]
    assert "`base_url`" in entry.fix
    assert "`account`" in entry.fix
