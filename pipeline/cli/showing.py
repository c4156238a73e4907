"""mapping show: where the values of a row or of an order come from."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import mapping_group
from pipeline.cli.session import Session
from pipeline.cli.shape import setting, verb
from pipeline.config import missing_file

if TYPE_CHECKING:
    from pipeline.run.showing import FieldShown, RowShown, Shown

_YAML = (".yaml", ".yml")
_ROW = re.compile(r"(?:(.*[^0-9:].*):)?0*([1-9][0-9]{0,9})(?::([0-9]{1,10}))?", re.ASCII)
_PADDED_MAX = 44  # characters of a target that others are aligned to


_Asked = tuple[str, int, int | None]


class _Row(click.ParamType[_Asked]):
    """A line of a file, of EDI also with the number of a segment: 41, 14:6, lines.csv:3."""

    name = "row"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> _Asked:
        """Read it."""
        if isinstance(value, tuple):
            return value
        found = _ROW.fullmatch(str(value).strip())
        if found is None:
            self.fail(
                f"'{value}' is no line such as 41, with its file lines.csv:3, or of EDI 14:6 with its segment",
                param, ctx,
            )  # fmt: skip
        file, line, segment = found.groups()
        return file or "", int(line), int(segment) if segment else None


@verb(
    mapping_group, "show",
    "pipeline mapping show mappings/wms.yaml orders.csv --row 41",
    "pipeline mapping show mappings/wms-files.yaml orders.csv lines.csv customers.csv --order 1001",
    "pipeline mapping show mappings/edi/x12-856.yaml night.edi --row 14:6",
    means={
        Exit.OK: "it is shown, also where rows are rejected",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "a bad option, a mapping with mistakes, or no such file, row or order",
        Exit.INPUT: "FILE cannot be read as the mapping declares",
    },
)  # fmt: skip
@click.option("--row", type=_Row(), metavar="[FILE:]LINE[:SEGMENT]",
              help="The row that begins on this line, of several files with the name of its own; of EDI also by the number of its segment.")  # fmt: skip
@click.option(
    "--order",
    "number",
    metavar="NR",
    help="All rows of this order, and the request that they make.",
)
@click.option("--existing", is_flag=True,
              help="As for an order that parcelLab has already; without it as for a new one.")  # fmt: skip
@setting(
    "mapping", "-m", "--mapping", metavar="FILE", says="The mapping, where only FILE is named."
)
@click.argument("paths", nargs=-1, required=True, metavar="[MAPPING] FILE...",
                type=click.Path(path_type=Path))  # fmt: skip
@click.pass_obj
def show(
    session: Session, row: _Asked | None, number: str | None, existing: bool,
    paths: tuple[Path, ...],
) -> int:  # fmt: skip
    """Show where each value of a row, or of an order, comes from.

    For each member of the request: the raw cells, what is done to them step by step, the value, and
    the line of the mapping. What has no value says why: a condition that is false, or a finding with
    its code. Rows that are left out, rejected or held back are shown, too. The values are those of a
    run, made by the same expressions; nothing is sent, and nothing is kept.

    Of a mapping with `sources` each FILE is taken for the source whose `files` means its name; NAME=FILE
    says it otherwise. For an order all files are needed that a run needs, for a row those that are joined
    to it. Cells of joined files stand with their place; a row of such a file tells which rows name it.

    The output has the values of FILE as they are, people included.
    """
    if (row is None) is (number is None):
        raise click.UsageError("say which one: --row LINE, or --order NR")
    mapping, files = _named(session, paths)
    from pipeline.run.locating import RowAsked
    from pipeline.run.sample_files import named_samples
    from pipeline.run.showing import show_order, show_row

    named = list(named_samples(files, session.cwd))
    for each in named:
        if not (session.cwd / each.path).is_file():
            raise missing_file("file", each.path, session.cwd)
    if row is not None:
        file, line, segment = row
        shown = show_row(mapping, named, RowAsked(line, segment, file), existing=existing)
    else:
        shown = show_order(mapping, named, str(number), existing=existing)
    console = session.console
    if console.look.json:
        payloads = {} if row is not None else {"payloads": shown.payloads}
        told = {key: value for key, value in asdict(shown).items() if key != "payloads"}
        console.json_result(Exit.OK, {**told, **payloads})
    else:
        console.result("\n".join(_lines(shown, requests=number is not None)))
        if shown.not_named:
            means = "what their rows mean for this one is not told"
            console.note(
                f"not named: files of {', '.join(shown.not_named)}; "
                + (means if row is not None else "it is as if they had no rows")
            )
    return Exit.OK


def _named(session: Session, paths: tuple[Path, ...]) -> tuple[Path, list[str]]:
    """The mapping, and the files; an option may name the mapping, as of `run`."""
    listed = list(paths)
    given = next((path for path in listed if path.suffix.lower() in _YAML), None)
    if given is None and len(listed) == 2:
        given = listed[0]
    if given is not None and len(listed) > 1:
        mapping = given
        listed.remove(mapping)
    else:
        mappings = cast("tuple[Path, ...]", session.load().values["mapping"])
        if len(mappings) != 1:
            files = " ".join(map(str, listed))
            raise click.UsageError(
                f"say which mapping reads {files}: pipeline mapping show MAPPING {files} …"
            )
        (mapping,) = mappings
    if not (session.cwd / mapping).is_file():
        raise missing_file("mapping file", mapping, session.cwd)
    return mapping, [str(path) for path in listed]


# -- in words ---------------------------------------------------------------------------------


def _lines(shown: "Shown", *, requests: bool) -> Iterator[str]:
    name = Path(shown.mapping).name
    for nth, row in enumerate(shown.rows):
        if nth:
            yield ""
        sent = shown.payloads.get(row.order_number or "") if requests else None
        yield from _row_lines(row, name, sent)
    for number, outcome in shown.outcomes.items() if requests else ():
        yield ""
        yield f"order {number}: {outcome}"
        if number in shown.payloads:
            yield json.dumps(shown.payloads[number], indent=2, ensure_ascii=False)


def _row_lines(row: "RowShown", mapping: str, sent: Mapping[str, object] | None) -> Iterator[str]:
    """A row; `sent` is the request of its order, where that is shown."""
    order = f"  order {row.order_number}" if row.order_number else ""
    source = f" ({row.source})" if row.source else ""
    why = f"{'' if row.outcome.endswith(' to') else ':'} {row.why}" if row.why else ""
    yield f"{row.place}{source}{order}  {row.outcome}{why}"
    for found in row.findings:
        yield f"  {found.weight}[{found.code}]: {found.text}"
    if row.paths:
        yield "  columns"
        width = max(map(len, row.paths))
        for name, path in row.paths.items():
            yield f"    {name:<{width}}  {_quoted(row.cells.get(name))}  {path}"
    elif row.cells and all(each.section == "sources" for each in row.fields):
        yield "  cells"
        yield "    " + ", ".join(f"{name}={_quoted(text)}" for name, text in row.cells.items())
    for section, listed in groupby(row.fields, key=lambda each: each.section):
        fields = list(listed)
        yield f"  {section}"
        # of a parcel and of a change the heading says what they are members of
        names = [each.target.removeprefix("mutations.add_tracking.") for each in fields]
        width = min(_PADDED_MAX, max(map(len, names)))
        for target, each in zip(names, fields, strict=True):
            yield f"    {target:<{width}}  {_way(each, sent)}   {mapping}:{each.line}"
    for off in row.off:
        yield f"  {off.section}: not this row, {off.why}   {mapping}:{off.line}"


def _way(shown: "FieldShown", sent: Mapping[str, object] | None) -> str:
    """Cells → stages → value: `Land="D" → lookup countries → DEU`."""
    story = shown.story
    value = None if shown.value is None else _bare(shown.value)
    cells = ", ".join(
        f"{cell.name}={_quoted(cell.text)}{f' ({cell.place})' if cell.place else ''}"
        for cell in story.cells
    )
    parts = [cells] if cells else []
    last = story.cells[0].text if len(story.cells) == 1 else None
    for stage in story.stages:
        before = last.strip() if last is not None else None
        if stage.value is None and not before:
            continue  # nothing stays nothing
        if stage.word.startswith("as ") and before in {stage.value, value}:
            continue  # it stands there already as the API has it
        if stage.word.startswith("default ") and before == stage.value:
            continue  # it was not needed
        said = stage.value is not None and stage.value not in {last, value}
        said = said and not stage.word.startswith("as ")
        parts.append(f"{stage.word} {_quoted(stage.value)}" if said else stage.word)
        last = stage.value
    parts.append(_end(shown, value, sent))
    return " ".join([*(f"{taken}:" for taken in story.taken), " → ".join(parts)])


def _end(shown: "FieldShown", value: str | None, sent: Mapping[str, object] | None) -> str:
    """The value; of several rows' it is the share of one, and the order has what is made of them."""
    codes = f" [{', '.join(shown.codes)}]" if shown.codes else ""
    if value is None:
        absent = f", {shown.story.absent}" if shown.story.absent and not shown.codes else ""
        return f"nothing{codes}{absent}"
    joined = ""
    if shown.aggregate:
        whole = _member(sent, shown.target) if sent is not None else None
        joined = f" (of this row; {shown.aggregate} over the order" + (
            f": {_short(whole)})" if whole else ")"
        )
    return f"{_short(value)}{joined}{codes}"


def _member(sent: Mapping[str, object], target: str) -> str | None:
    """What a request has at a path such as `order_total_amount`."""
    found: object = sent
    for name in target.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return None if found is None else _bare(json.dumps(found, ensure_ascii=False))


def _bare(value: str) -> str:
    """A JSON text without its quotes, where it is one."""
    try:
        made = json.loads(value)
    except ValueError:
        return value  # a derived column has no JSON
    return made if isinstance(made, str) and value.startswith('"') else value


def _quoted(text: str | None) -> str:
    return "(empty)" if text is None else f'"{_short(text)}"'


def _short(text: str) -> str:
    from pipeline.model.findings import shorten

    return shorten(text)
