"""Mistakes of a mapping: each with a place, a caret, a code and one hint (MAPPING §4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import combining, east_asian_width

from pipeline.model.likeness import nearest as nearest
from pipeline.model.stops import StopRun

if TYPE_CHECKING:  # a help text needs mistakes, and no Polars
    from pipeline.mapping.plan import Source

SHOWN_MAX = 20  # mistakes printed; how many more there are is said
_LINE_SHOWN = 160  # characters of a line
_BEFORE_CARET = 80


class Weight(StrEnum):
    """An ERROR stops the compilation; a WARNING is only said."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class MistakeCode:
    """One kind of mapping mistake, for `pipeline explain`."""

    code: str
    title: str
    why: str
    fix: str


_CODES = (
    ("M001", "Not readable as YAML", "the file is not well-formed", "correct the place that is marked"),
    ("M002", "Key written twice", "of two equal keys only one would win, silently", "remove one of them"),
    ("M003", "Mapping too large", "a mapping has limits so that a prepared file cannot exhaust the machine",
     "remove anchors that multiply, or split the file"),
    ("M100", "Unknown key", "the mapping language has a closed vocabulary, so that a typo cannot pass silently",
     "correct the key"),
    ("M101", "Unknown field of the order", "the Order API has no such field", "correct the name"),
    ("M102", "Required key missing", "the mapping cannot work without it", "add it"),
    ("M103", "Wrong kind of value", "the key takes another kind of value", "write it as the hint says"),
    ("M104", "Not one of the allowed words", "the key has a closed list of words", "use one of them"),
    ("M105", "Required field not mapped", "creating an order needs it",
     "map it, or set `mode: update_only`"),
    ("M106", "Field belongs to the server", "parcelLab sets this field itself", "remove it"),
    ("M107", "Object cannot become complete", "an object of the API has required parts, and not all are mapped",
     "map the missing parts, or remove the object"),
    ("M108", "Tracking cannot be identified", "parcelLab needs courier and tracking_number, or external_reference",
     "map one of the two identities"),
    ("M109", "Update that would create", "parcelLab creates an order that it does not have as soon as all is there that creating needs",
     "leave one of the fields out, or take `mode: create_or_update`"),
    ("M201", "Unknown column", "the file's header has no such column", "correct the name"),
    ("M202", "Name not possible",
     "names with a leading underscore belong to the pipeline; `*` and `^…$` would mean many columns",
     "choose another name"),
    ("M203", "Derived column hides a column", "two columns would have one name", "choose another name"),
    ("M204", "Template not readable", "a template is text with {Column} parts", "close the brace"),
    ("M205", "Unknown lookup table", "`lookups` has no such table", "correct the name"),
    ("M206", "Lookup file not usable", "the table cannot be read, or gives a value two meanings",
     "correct the file or the names of its columns; it lies in the folder of the mapping, or below"),
    ("M207", "Unknown step", "there are ten `do:` steps", "correct the step"),
    ("M208", "Step with wrong argument", "the step takes other arguments", "write it as the hint says"),
    ("M209", "Pattern not usable", "the regular expression is not valid, or not one that always ends quickly",
     "correct the pattern"),
    ("M210", "Value needs exactly one origin", "a value comes from one place", "keep one of them"),
    ("M211", "Fixed text does not fit", "the text cannot become the type of its target", "correct the text"),
    ("M212", "Date format not usable", "the format cannot be read, or lacks a part", "correct the format"),
    ("M213", "Time zone missing", "a time without offset is no moment", "set `source.timezone`"),
    ("M214", "Aggregate not possible here", "`aggregate` joins the rows of an order into one value",
     "use it on fields of the order only"),
    ("M215", "Key without effect", "a key that does nothing here would be passed over silently",
     "remove it, or write it where the hint says"),
    ("M216", "Delimiter does not fit the file",
     "the header has one column, with a name in which another delimiter stands",
     "set `source.delimiter` to the one that the file has"),
    ("M217", "Placeholder not replaced", "`mapping init` leaves it where the file does not say what to write",
     "write what is meant in its place, or remove the line"),
    ("M218", "Columns overlap", "two columns of fixed-width text would have the same characters",
     "correct the range that is wrong; make a part of a column with `derive` and `slice`"),
    ("M219", "Lines do not fit the positions", "`mapping check` was given a file whose lines all have another length",
     "correct `source.positions`, or declare the `length` that they have"),
    ("M220", "Number too large", "the piece of a row is part of its address, which has room for 255",
     "number the columns from 1, or leave those out"),
    ("M221", "Order told by a piece of a row", "a row belongs to one order, with all of its pieces",
     "tell the orders apart by columns of the file"),
    ("M230", "Too much for a mapping", "a mapping has limits so that a prepared one cannot exhaust the machine",
     "name columns once, put long lists into `lookups`, or split the mapping"),
    ("M301", "Expression not readable", "it is not a row-wise expression of the allowed SQL", "correct it"),
    ("M302", "Unknown column in expression", "the header has no such column", "correct the name"),
    ("M303", "CAST and STRPTIME are not offered", "they stop the whole file at the first bad row",
     "declare the type under source.columns"),
    ("M304", "Expression mixes rows", "an aggregate is not a value of a row", "use `aggregate:` on an order field"),
    ("M305", "Types do not fit in expression", "columns are text unless source.columns says otherwise",
     "declare the column's type under source.columns"),
    ("M306", "Condition expected", "the expression does not give true or false", "compare with something"),
    ("M401", "Path not readable", "a path of `extract` names a segment and an element: `BSN.2`",
     "correct the place that is marked"),
    ("M402", "Unknown message", "only messages whose structure is known can be read",
     "correct the type of the message"),
    ("M403", "Unknown segment", "the message has no such segment", "correct the segment"),
    ("M404", "Unknown level", "the message has no such level", "correct the level"),
    ("M405", "Unknown element", "the segment ends before it, or the element has no such component",
     "correct the number"),
    ("M406", "Segment stands elsewhere", "there is no such segment at the level, or in the loop, that is named",
     "name the one in which it stands, or none"),
    ("M407", "Message not in the file", "`mapping check` was given a file that has no message this mapping reads",
     "name another file, or correct `source.transaction` or `source.message`"),
    ("W101", "Never used", "a table or column is declared and not used", "remove it"),
    ("W102", "Required field under a condition",
     "creating an order needs the field; rows for which the condition does not hold give it no value",
     "add a `default`, or a last case without `when`"),
    ("W103", "Lines are never sent", "with `update_only` no order is new, and `send: on_create` means new orders",
     "set `lines.send: always`, or remove `lines`"),
    ("W104", "All rows form one order", "the order number is fixed text, and `rows.key` is not set",
     "map the column that holds the order number"),
    ("W105", "Column without values", "`mapping check` was given a file in which its paths find nothing",
     "correct the path if the file has the value elsewhere; leave it if other files have it there"),
    ("W106", "Lines of another length", "`mapping check` was given a file in which some lines do not fit the positions",
     "look at the line; nothing to do, if it is damaged"),
    ("W107", "Cells that do not fit", "`mapping check` was given a file with cells that a run would reject",
     "correct the notation in the mapping, or have the cells corrected"),
    ("W108", "Rows that cannot be read", "`mapping check` was given a file with rows that a run would reject",
     "correct `source`, or have the rows corrected"),
    ("W109", "Column always empty", "`mapping check` was given a file that has no value in a column the mapping reads",
     "nothing to do, if other files have values there"),
    ("W110", "Columns of the file never used", "`mapping check` was given a file with columns that nothing is made of",
     "nothing to do, if no field of the API is meant to have them"),
    ("W111", "Courier not of the account", "`couriers` in pipeline.toml does not list it, and parcelLab follows parcels of couriers that it knows",
     "correct the code, or add it to `couriers` in pipeline.toml"),
    ("W112", "Every record is a line", "of a file with several types of records only some are lines of an order",
     "say which: `when: \"record = 'L'\"`"),
    ("W113", "One text, two days", "of several formats the first that fits counts, and these fit the same texts",
     "keep one of them"),
    ("W114", "No test reaches it", "a branch or condition that no test reaches may be wrong unnoticed",
     "add rows to a test that come there"),
    ("W115", "Change of a line by its row number", "a later file with other rows, or in another order, gives the number to another line, which is changed then",
     "take an id that the file has, or the sku where an order names each once"),
    ("W116", "File is not meant", "`mapping check` was given a file that `source.files` does not mean, and a run reads only those that it means",
     "correct the pattern if such files are meant; nothing to do, if it is a copy for trying"),
    ("W117", "Condition never true", "`mapping check` was given a file in which no row meets the condition, and what hangs on it is not made",
     "compare with what the cells have; nothing to do, if other files have such rows"),
    ("W118", "Comparison never true", "the column is looked up in a table that never gives this text",
     "compare with a value of the table"),
)  # fmt: skip

MISTAKES: Mapping[str, MistakeCode] = {row[0]: MistakeCode(*row) for row in _CODES}


class Noticed(NamedTuple):
    """A second place of a mistake: where the parser noticed what began at the first."""

    line: int
    column: int
    words: str = "noticed here"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake and the stretch of text it points at; `line` and `column` count from 1."""

    code: str
    message: str
    line: int
    column: int
    length: int = 1
    help: str = ""
    weight: Weight = Weight.ERROR
    noticed: Noticed | None = None


class MappingRefused(StopRun):
    """The mapping has mistakes; all of them are in `mistakes`, sorted by place.

    `source` says how the file is written, where that much of the mapping is sound: its header can
    be read, and the mapping be judged against it. `sources` are those of a mapping with several.
    """

    exit_code = 2

    def __init__(
        self, name: str, text: str, mistakes: Iterable[Mistake], source: "Source | None" = None,
        sources: "Mapping[str, Source] | None" = None,
    ) -> None:  # fmt: skip
        self.mistakes = in_order(mistakes)
        self.text = text
        self.name = name
        self.source = source
        self.sources = sources or {}
        count = len(self.mistakes)
        what = "1 mistake" if count == 1 else f"{count} mistakes"
        first = self.mistakes[0]
        super().__init__(
            f"the mapping {name} has {what}",
            code=first.code,
            place=f"{name}:{first.line}:{first.column}",
        )

    def render(self) -> str:
        """The mistakes as a person reads them, at most 20."""
        return render(self.mistakes, self.name, self.text)


def in_order(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Mistakes by place, each once: a table or condition used twice is compiled twice."""
    return sorted(dict.fromkeys(mistakes), key=lambda m: (m.line, m.column, m.code))


def lines_of(text: str) -> list[str]:
    """The lines as YAML counts them; `splitlines` would also break at U+2028 and others."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def render(mistakes: list[Mistake], name: str, text: str) -> str:
    """Write mistakes with their place, line and caret; says how many are not shown."""
    lines = lines_of(text)
    blocks = [_block(mistake, name, lines) for mistake in mistakes[:SHOWN_MAX]]
    if len(mistakes) > SHOWN_MAX:
        blocks.append(f"and {len(mistakes) - SHOWN_MAX} more")
    return "\n\n".join(blocks)


def _block(mistake: Mistake, name: str, lines: list[str]) -> str:
    noticed = mistake.noticed
    margin = " " * len(str(max(mistake.line, noticed.line if noticed else 0)))
    block = [
        f"{mistake.weight.value}[{mistake.code}]: {_visible(mistake.message)}",
        f"{margin}--> {name}:{mistake.line}:{mistake.column}",
        f"{margin} |",
        *_excerpt(lines, mistake.line, mistake.column, mistake.length, len(margin)),
    ]
    if noticed is not None:
        if noticed.line > mistake.line + 1:
            block.append(f"{margin} …")
        *source, carets = _excerpt(lines, noticed.line, noticed.column, 1, len(margin))
        block += [*source, f"{carets} {_visible(noticed.words)}"]
    if mistake.help:
        block.append(f"{margin} = help: {_visible(mistake.help)}")
    return "\n".join(block)


def _excerpt(lines: list[str], line: int, column: int, length: int, width: int) -> list[str]:
    """A line with its number and, below it, carets; of a very long line the part around them."""
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    cut = max(0, column - _BEFORE_CARET) if len(source) > _LINE_SHOWN else 0
    shown = source[cut : cut + _LINE_SHOWN]
    at = column - cut - 1
    visible = _visible(shown)
    before, marked = _places(visible[:at]), _places(visible[at : at + length])
    return [
        f"{line:>{width}} | {visible}".rstrip(),
        f"{' ' * width} | {' ' * (before + max(0, at - len(visible)))}{'^' * max(1, marked)}",
    ]


def _places(text: str) -> int:
    """How many places of a terminal a text takes: an accent of its own none, a wide character two.

    >>> [_places(each) for each in ("ab", "e\u0301", "\u65e5\u672c", "\U0001f600")]
    [2, 1, 4, 2]
    """
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _visible(text: str) -> str:
    """Text whose characters each take one place: a tab is a blank, what a terminal would obey a dot."""
    return "".join(
        " " if char == "\t" else char if char.isprintable() else "\N{MIDDLE DOT}" for char in text
    )


def did_you_mean(word: str, known: Iterable[str], *, parts: bool = True) -> str:
    """A hint for a typo, with `parts` also for a short form or a part of a name, or "".

    >>> did_you_mean("Landd", ["Land", "Name"])
    'did you mean "Land"?'
    """
    near = nearest(word, known, parts=parts)
    return f'did you mean "{near}"?' if near is not None else ""
