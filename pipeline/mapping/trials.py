"""The section `tests:` of a mapping: rows or a file, and what must come of them (MAPPING §5).

Here it is only read; `pipeline.run.trial` runs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import partial

from pipeline.mapping.columns import Scope
from pipeline.mapping.document import Data, Path
from pipeline.mapping.language import RejectedDoc, TestDoc
from pipeline.mapping.lookups import outside
from pipeline.mapping.mistakes import did_you_mean
from pipeline.model.rules import RULES

# What a test may write instead of a code, under `rule:`.
RULE_WORDS: Mapping[str, str] = {
    "number_invalid": "R201",
    "decimal_invalid": "R201",
    "date_invalid": "R202",
    "country_unknown": "R203",
    "decimals_too_many": "R204",
    "integer_invalid": "R205",
    "boolean_invalid": "R206",
    "time_invalid": "R207",
    "pattern_not_found": "R208",
    "key_empty": "R209",
    "digits_too_many": "R210",
    "required_on_create": "R301",
    "line_id_twice": "R302",
    "rows_disagree": "R303",
    "too_long": "R304",
    "too_short": "R305",
    "choice_unknown": "R306",
    "currency_unknown": "R307",
    "language_unknown": "R308",
    "timezone_unknown": "R309",
    "email_invalid": "R310",
    "amount_too_large": "R311",
    "below_minimum": "R312",
    "address_incomplete": "R313",
    "tracking_unidentified": "R314",
    "required_part_empty": "R315",
    "region_unknown": "R316",
    "url_invalid": "R317",
    "changes_differ": "R318",
    "line_unknown": "R321",
    "form_invalid": "R323",
    "belongs_to_no_order": "R330",
    "rows_missing": "R332",
    "joined_row_missing": "R333",
    "joined_rows_differ": "R335",
    "lookup_unknown": "R401",
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """A finding that a test expects; what is None is not compared."""

    code: str | None
    line: int | None
    segment: int | None
    column: str | None
    value: str | None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One test. Either `rows` (the text of a file) or `file` (beside the mapping) is given.

    `orders` are the payloads that must come of it, listed members only unless `exact`; None: they
    are not compared. `line` is the line of the mapping. Of a mapping with `sources`, `texts` and
    `files` have what is given for each source, by its name.
    """

    name: str
    rows: str | None
    file: str | None
    existing: tuple[str, ...]
    orders: list[Data] | None
    rejected: tuple[Rejection, ...]
    exact: bool
    line: int
    texts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def same(expected: Data, got: object) -> bool:
    """Whether a value is what a test says; numbers by what they are worth, texts as they are.

    >>> same("2.0", 2), same("2.0", "2"), same("true", True), same("1", True)
    (True, False, True, False)
    """
    if not isinstance(expected, str):
        return False
    if isinstance(got, bool):
        return expected == ("true" if got else "false")
    if isinstance(got, str):
        return expected == got
    try:
        return isinstance(got, int | float) and Decimal(expected) == Decimal(str(got))
    except InvalidOperation:
        return False


def read_trials(
    scope: Scope, docs: list[TestDoc], sources: tuple[str, ...] = ()
) -> tuple[Trial, ...]:
    """Read the tests of a mapping; their mistakes go to the scope.

    `sources` are the names of the mapping's sources, where it has several.
    """
    read = _trial if not sources else partial(_trial_of_sources, sources=sources)
    return tuple(read(scope, doc, ("tests", i)) for i, doc in enumerate(docs))


def _trial_of_sources(scope: Scope, doc: TestDoc, at: Path, sources: tuple[str, ...]) -> Trial:
    given: dict[str, dict[str, str]] = {}
    for key, told in (("rows", doc.rows), ("file", doc.file)):
        given[key] = told if isinstance(told, dict) else {}
        if isinstance(told, str):
            hint = f"{key}: {{{sources[0]}: …, {sources[-1]}: …}}"
            text = f"`{key}` names the source of each text"
            scope.mistake("M103", text, (*at, key), hint)
        for name in given[key]:
            if name not in sources:
                hint = did_you_mean(name, sources) or f"one of: {', '.join(sources)}"
                text = f'there is no source "{name}"'
                scope.mistake("M104", text, (*at, key, name), hint, key=True)
        for name, file in given[key].items() if key == "file" else ():
            _refuse_outside(scope, file, (*at, key, name))
    both = sorted(set(given["rows"]) & set(given["file"]))
    if both or (not any(given.values()) and not scope.unsure(at, (*at, "rows"), (*at, "file"))):
        hint = f"rows: {{{sources[0]}: | …}} with the lines of each file, or file: {{{sources[0]}: tests/orders.csv}}"
        text = "each source of a test has either `rows` or `file`"
        scope.mistake("M103", text, at, hint)
    for i, each in enumerate(doc.expect.rejected):
        if each.source is not None and each.source not in sources:
            hint = did_you_mean(each.source, sources) or f"one of: {', '.join(sources)}"
            place = (*at, "expect", "rejected", i, "source")
            scope.mistake("M104", f'there is no source "{each.source}"', place, hint)
    return Trial(
        doc.name, None, None, tuple(doc.existing), doc.expect.orders, _rejected(scope, doc, at),
        doc.exact, scope.document.place(at).line, given["rows"], given["file"],
    )  # fmt: skip


def _refuse_outside(scope: Scope, file: str, at: Path) -> None:
    if outside(file):
        text = f"the file {file} does not lie in the folder of the mapping"
        scope.mistake("M103", text, at, "write a name such as tests/orders.csv")


def _rejected(scope: Scope, doc: TestDoc, at: Path) -> tuple[Rejection, ...]:
    listed = (*at, "expect", "rejected")
    return tuple(
        _rejection(scope, each, (*listed, i)) for i, each in enumerate(doc.expect.rejected)
    )


def _trial(scope: Scope, doc: TestDoc, at: Path) -> Trial:
    for key, told in (("rows", doc.rows), ("file", doc.file)):
        if isinstance(told, dict):
            text = f"`{key}` is one text where the mapping has no `sources`"
            scope.mistake("M103", text, (*at, key), "write the lines of the file")
            doc = doc.model_copy(update={key: ""})
    if (doc.rows is None) is (doc.file is None) and not scope.unsure(
        at, (*at, "rows"), (*at, "file")
    ):
        hint = "rows: | with the lines of a file, or file: tests/orders.csv"
        scope.mistake("M103", "a test has either `rows` or `file`", at, hint)
    if doc.file is not None:
        _refuse_outside(scope, doc.file, (*at, "file"))
    return Trial(
        doc.name, doc.rows, doc.file, tuple(doc.existing), doc.expect.orders, _rejected(scope, doc, at),
        doc.exact, scope.document.place(at).line,
    )  # fmt: skip


def _rejection(scope: Scope, doc: RejectedDoc, at: Path) -> Rejection:
    code = doc.code
    if code is not None and code not in RULES:
        hint = did_you_mean(code, RULES) or "docs/codes.md lists them all"
        scope.mistake("M104", f'"{code}" is not a code', (*at, "code"), hint)
    if doc.rule is not None:
        code = doc.rule if doc.rule in RULES else RULE_WORDS.get(doc.rule)
        if code is None:
            hint = did_you_mean(doc.rule, RULE_WORDS) or f"one of: {', '.join(RULE_WORDS)}"
            scope.mistake("M104", f'"{doc.rule}" is not a rule', (*at, "rule"), hint)
    if doc.rule is not None and doc.code is not None:
        scope.mistake("M103", "`code` and `rule` say the same", (*at, "rule"), "keep one of them")
    return Rejection(code, doc.line, doc.segment, doc.column, doc.value, doc.source)
