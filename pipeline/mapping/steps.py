"""The ten `do:` steps: small, named text changes (MAPPING §2).

A step is `Expr -> Expr` on text. Only `regex` can fail: no match makes null, and the caller names
that R208.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import polars as pl
import re2  # type: ignore[import-untyped]
from polars.exceptions import PolarsError


def _bare(text: pl.Expr) -> pl.Expr:
    """Take off what programs put around a text so that a spreadsheet does not change it."""
    text = text.str.strip_chars().str.replace(r'^="([^"]*)"$', "$1")
    return text.str.replace("^'", "").str.strip_chars()


PLAIN: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "strip": lambda text: text.str.strip_chars(),
    "upper": lambda text: text.str.to_uppercase(),
    "lower": lambda text: text.str.to_lowercase(),
    "digits": lambda text: text.str.replace_all(r"[^0-9]", ""),
    "bare": _bare,
    "collapse": lambda text: text.str.replace_all(r"\s+", " ").str.strip_chars(),
}
WITH_ARGUMENT: Mapping[str, str] = {
    "pad_left": 'pad_left: [5, "0"]',
    "slice": "slice: [0, 40]",
    "replace": 'replace: ["/", "-"]',
    "regex": "regex: '^(\\d+)'",
}
PAD_MAX = 255
_PATTERN_HINT = "one group in parentheses is taken; look-around and back-references are not offered"
_WHOLE = re.compile(r"-?[0-9]{1,6}")
EXPLAINED: Mapping[str, tuple[str, str]] = {
    "strip": ("strip", "no blanks around"),
    "upper": ("upper", "capitals"),
    "lower": ("lower", "small letters"),
    "digits": ("digits", "only the digits 0 to 9"),
    "bare": ("bare", "without what keeps a spreadsheet from changing a cell: `'75008` → `75008`, `=\"00123\"` → `00123`, and no blanks, "
             "tabs or no-break spaces around"),
    "collapse": ("collapse", "each run of blanks becomes one, none around"),
    "pad_left": ('{pad_left: [5, "0"]}', "filled from the left to this length: `1067` → `01067`"),
    "slice": ("{slice: [0, 40]}", "from the first position to before the second, counted from 0; "
              "`[3]` from there to the end, `[-4]` the last four, `[-4, -1]` those without the last"),
    "replace": ('{replace: ["/", "-"]}', "every occurrence of one text by another; no pattern"),
    "regex": ("{regex: '^K([0-9]+)'}", "what the group found, or the whole find without a group; "
              "R208 where nothing is found; RE2 syntax, always quick"),
}  # fmt: skip
NAMES: tuple[str, ...] = (*PLAIN, *WITH_ARGUMENT)


class StepMistake(Exception):  # noqa: N818 - the compiler turns it into a Mistake with a place
    """A step that cannot work; `code` is M207 to M209."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Step:
    """One compiled step. `pattern` is set for `regex`, the only step that can fail; `word` is it as written."""

    apply: Callable[[pl.Expr], pl.Expr]
    pattern: str | None = None
    word: str = ""


def step(name: str, argument: object = None) -> Step:
    """Compile one step.

    >>> made = step("pad_left", ["5", "0"]).apply(pl.lit("1067"))
    >>> pl.select(made).item()
    '01067'
    >>> pl.select(step("regex", "^([0-9]+)").apply(pl.lit("12 a"))).item()
    '12'

    Raises:
        StepMistake: M208 for a wrong argument, M209 for a pattern that RE2 does not take.
    """
    return replace(_step(name, argument), word=_word(name, argument))


def _word(name: str, argument: object) -> str:
    r"""A step as a mapping writes it.

    >>> _word("upper", None), _word("pad_left", ["5", "0"]), _word("regex", r"(\d+)")
    ('upper', 'pad_left [5, 0]', 'regex (\\d+)')
    """
    if isinstance(argument, list):
        return f"{name} [{', '.join(map(str, argument))}]"
    return name if argument is None else f"{name} {argument}"


def _step(name: str, argument: object) -> Step:
    if name in PLAIN:
        if argument is not None:
            raise StepMistake("M208", f"the step {name} takes no argument", f"write {name}")
        return Step(PLAIN[name])
    match name, argument:
        case "pad_left", [str(length), str(fill)] if len(fill) == 1:
            return _pad_left(_number(length), fill)
        case "slice", [str(start)]:
            return _slice(_number(start), None)
        case "slice", [str(start), str(stop)] if _number(stop) is not None:
            return _slice(_number(start), _number(stop))
        case "replace", [str(old), str(new)] if old:
            return Step(lambda text: text.str.replace_all(old, new, literal=True))
        case "regex", str(pattern) if pattern:
            return _regex(pattern)
    raise _wrong(name)


def _wrong(name: str) -> StepMistake:
    return StepMistake(
        "M208", f"the step {name} takes other arguments", f"write {WITH_ARGUMENT[name]}"
    )


def _number(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) else None


def _pad_left(length: int | None, fill: str) -> Step:
    if length is None or not 0 < length <= PAD_MAX:
        hint = f"the length is a number from 1 to {PAD_MAX}: {WITH_ARGUMENT['pad_left']}"
        raise StepMistake("M208", "the step pad_left takes other arguments", hint)
    return Step(lambda text: text.str.pad_start(length, fill))


def _slice(start: int | None, stop: int | None) -> Step:
    """Characters from `start` to before `stop`, both counted from 0, or from the end if negative."""
    if start is None:
        raise _wrong("slice")
    if stop is None:
        return Step(lambda text: text.str.slice(start) if start >= 0 else text.str.tail(-start))
    if start < 0 <= stop:
        hint = "a start from the end has no stop, or one from the end: slice: [-4] or [-4, -1]"
        raise StepMistake("M208", "the slice starts at the end and stops at the beginning", hint)
    if start >= stop and (start < 0) is (stop < 0):
        hint = "slice: [start, stop] takes the characters from start to before stop"
        raise StepMistake("M208", "the slice ends before it starts", hint)
    if start < 0:
        return Step(lambda text: text.str.tail(-start).str.head(stop))
    if stop < 0:
        return Step(lambda text: text.str.head(stop).str.slice(start))
    return Step(lambda text: text.str.slice(start, stop - start))


def check_pattern(pattern: str) -> int:
    """Give the number of groups of a pattern.

    Raises:
        StepMistake: M209, one of the two engines does not take it.
    """
    # RE2 and Polars' engine both run in linear time, so no cell can hang a run (FAULTS S12); asking
    # both keeps the language at what either takes.
    options = re2.Options()
    options.log_errors = False  # the mistake says it
    try:
        groups = int(re2.compile(pattern, options).groups)
        pl.select(pl.lit("").str.extract(pattern))
    except (re2.error, PolarsError):
        raise StepMistake("M209", "this pattern is not valid", _PATTERN_HINT) from None
    return groups


def _regex(pattern: str) -> Step:
    groups = check_pattern(pattern)
    if groups > 1:
        raise StepMistake("M209", f"the pattern has {groups} groups, one is taken", _PATTERN_HINT)
    return Step(lambda text: text.str.extract(pattern, groups), pattern)
