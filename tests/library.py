"""The table of docs/library.md: the mappings of `mappings/` as they stand there."""

import re
from pathlib import Path

from pipeline.mapping.compile import Compiled
from pipeline.mapping.plan import Mode, Plan, Sending, Source
from pipeline.run.source import read_mapping

FOLDER = Path(__file__).parent.parent / "mappings"
# What a mapping says of its format, and where it is known from.
MARKS = {
    "F": "a real file that was measured",
    "D": "documents",
    "C": "code that reads or writes it",
    "K": "general knowledge, not verified",
}
_TABLE = re.compile(r"<!-- table: library -->\n.*?<!-- end -->", re.DOTALL)
_BEFORE = re.compile(r"<!-- before use: ([\w-]+) -->\n.*?<!-- end -->", re.DOTALL)
_NAMED = {"\t": "tab", ",": "`,`", ";": "`;`", '"': '`"`', "'": "`'`"}


def library() -> list[Path]:
    """All mappings of delimited text that ship, by name; those of EDI have a page of their own."""
    return sorted(FOLDER.glob("*.yaml"), key=lambda path: path.stem)


def head(text: str) -> str:
    """The comment at the beginning of a mapping."""
    return text.partition("version: 1")[0]


def marks(text: str) -> list[str]:
    """Where the format is known from, the best source first."""
    told = set(re.findall(r"^#\s+\[([A-Z])\] ", head(text), re.MULTILINE))
    return [mark for mark in MARKS if mark in told]


def grain(text: str) -> str:
    """What a row stands for; "" where the mapping does not say it."""
    found = re.search(r"^# Grain: one row per (.+)$", head(text), re.MULTILINE)
    return found[1] if found else ""


def before_use(text: str) -> list[str]:
    """What must be looked at before the mapping is used, point by point."""
    points = head(text).partition("# Before use\n")[2]
    joined = re.sub(r"\n#     +", " ", points)
    return re.findall(r"^#   - (.+)$", joined, re.MULTILINE)


def filled(page: str) -> str:
    """Fill in the table, and what stands at the top of each mapping under "Before use", anew."""
    page = _BEFORE.sub(
        lambda place: f"<!-- before use: {place[1]} -->\n{_points(place[1])}<!-- end -->", page
    )
    rows = "".join(_row(path, read_mapping(path)[0]) for path in library())
    head_row = (
        "| mapping | file | one row per | makes | tests | known from |\n|---|---|---|---|---|---|\n"
    )
    return _TABLE.sub(lambda _: f"<!-- table: library -->\n\n{head_row}{rows}\n<!-- end -->", page)


def _points(name: str) -> str:
    path = FOLDER / f"{name}.yaml"
    compiled = read_mapping(path)[0]
    files = ", ".join(f"`{plan.source.files}`" for plan in compiled.plans or (compiled.plan,))
    key = "`files`" if compiled.plans else "`source.files`"
    named = f"{key} ({files}): a run reads only files that are called so"
    points = [named, *before_use(path.read_text("utf-8"))]
    return "- **Before use**:\n" + "".join(f"  - {point}\n" for point in points)


def _row(path: Path, compiled: Compiled) -> str:
    text = path.read_text("utf-8")
    cells = [
        f"[{path.stem}](#{path.stem})", _file(compiled.plan.source), grain(text),
        ", ".join(dict.fromkeys(made for plan in _making(compiled) for made in _made(plan))), str(len(compiled.trials)), " ".join(marks(text)),
    ]  # fmt: skip
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _file(source: Source) -> str:
    encoding = "/".join([source.encoding, *source.fallbacks])
    quote = "no quotes" if source.quote is None else _NAMED.get(source.quote, source.quote)
    shown = [encoding, _NAMED.get(source.delimiter, f"`{source.delimiter}`")]
    return ", ".join([*shown, *([quote] if source.quote != '"' else [])])


def _making(compiled: Compiled) -> list[Plan]:
    """The plans that make something; those of joined files do not."""
    return [plan for plan in compiled.plans or (compiled.plan,) if not plan.is_reference]


def _made(plan: Plan) -> list[str]:
    made = ["updates" if plan.mode is Mode.UPDATE_ONLY else "orders"]
    if plan.lines is not None:
        made.append("lines" if plan.lines.send is Sending.ON_CREATE else "lines each time")
    if plan.trackings is not None:
        made.append("parcels with articles" if plan.trackings.articles else "parcels")
    return [*made, *(f"`{mutation.type}`" for mutation in plan.mutations)]
