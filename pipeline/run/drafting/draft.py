"""mapping init for delimited text: from files to proposed mappings, one for each shape of file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pipeline.intake import is_workbook
from pipeline.mapping.compile import Compiled, compile_mapping
from pipeline.mapping.mistakes import MappingRefused, Weight
from pipeline.mapping.plan import Source
from pipeline.model.stops import SourceUnusable
from pipeline.read.borders import likely_columns
from pipeline.report.visible import visible
from pipeline.run.drafting import page
from pipeline.run.drafting.changes import changes
from pipeline.run.drafting.choosing import Draft
from pipeline.run.drafting.dialect import Dialect, dialect, fixed_width
from pipeline.run.drafting.facts import Facts
from pipeline.run.drafting.flow import bare
from pipeline.run.drafting.grain import Grain, orders
from pipeline.run.drafting.key import order_column
from pipeline.run.drafting.like import Other, compared, other
from pipeline.run.drafting.like import notation as like_notation
from pipeline.run.drafting.like import sections as like_sections
from pipeline.run.drafting.lines import lines
from pipeline.run.drafting.looks import ALWAYS_NULL, look
from pipeline.run.drafting.names import meanings
from pipeline.run.drafting.notation import notation
from pipeline.run.drafting.order import country_claim, email_claim, order
from pipeline.run.drafting.parcels import tracking_claim, trackings
from pipeline.run.drafting.sample import ROWS_MAX, Sample, take
from pipeline.run.drafting.trials import tests
from pipeline.run.drafting.values import usual_date
from pipeline.run.sheet import Line
from pipeline.run.source import as_read

_ROUNDS = 40
_SECTIONS = ("lookups", "derive", "order", "lines", "trackings", "mutations")
_PARCEL = ("", "parcel", "ship", "order")


class NoOrderNumber(SourceUnusable):
    """No column of a file can be the number of its orders (exit 4)."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A proposed mapping: its text, what it was made of, and what to tell people.

    `hits` are its targets with their columns, `suggested` those that are comments.
    """

    name: str
    text: str
    files: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    hits: Mapping[str, tuple[str, ...]]
    suggested: Mapping[str, tuple[str, ...]]


def draft(
    files: Sequence[tuple[Path, str]], *, timezone: str | None = None, key: str | None = None,
    like: tuple[Path, str] | None = None,
) -> list[Drafted]:  # fmt: skip
    """Propose a mapping for each shape of file; files of one shape are its evidence together.

    `files` are paths with the names by which messages call them; `key` is the column of the order
    number, where somebody knows it; `like` is a mapping whose targets are taken over.

    Raises:
        MappingMissing, MappingRefused: `like` cannot be used.
        NoOrderNumber: nothing in a file can be an order number.
        SourceUnusable: a file cannot be read.
    """
    model = other(*like) if like is not None else None
    if model is not None:
        timezone = timezone or model.timezone
    shapes: dict[tuple[object, ...], list[tuple[Sample, str, bool]]] = {}
    for path, name in files:
        with _as_text(path) as (text, is_sheet):
            sample = take(text, name, _dialect(text, name, is_sheet=is_sheet))
        given = sample.source
        shape = (sample.names, given.format, given.delimiter, given.quote, given.names, is_sheet)
        shapes.setdefault(shape, []).append((sample, name, is_sheet))
    return [_drafted(group, timezone, key, model) for group in shapes.values()]


def _dialect(text: Path, name: str, *, is_sheet: bool) -> Dialect:
    """How a file is written; text of fixed width is what has no delimiter and lines of one length."""
    found = dialect(text, name, is_sheet=is_sheet)
    if is_sheet:
        return found
    columns = likely_columns(text, name)
    return fixed_width(text, found.source.encoding, columns) if len(columns) > 1 else found


@contextmanager
def _as_text(path: Path) -> Iterator[tuple[Path, bool]]:
    """The text of a file, unpacked, or of a workbook's sheet."""
    with as_read(path, Source()) as (text, _, _):
        yield text, is_workbook(path.name) and text != path


def _together(samples: Sequence[Sample]) -> Sample:
    """The rows of several files of one shape."""
    first = samples[0]
    if len(samples) == 1:
        return first
    encodings = [each.dialect for each in samples if each.source.encoding != "utf-8"]
    chosen = encodings[0] if encodings else first.dialect
    return replace(
        first, dialect=chosen, rows=pl.concat([each.rows for each in samples]).head(ROWS_MAX * 2),
        more=any(each.more for each in samples), faulty=sum(each.faulty for each in samples),
        warnings=tuple(text for each in samples for text in each.warnings),
    )  # fmt: skip


def _drafted(
    group: Sequence[tuple[Sample, str, bool]],
    timezone: str | None,
    key: str | None,
    model: Other | None,
) -> Drafted:
    """The mapping of files of one shape."""
    sample = _together([each for each, _, _ in group])
    names = tuple(name for _, name, _ in group)
    is_sheet = group[0][2]
    made = _begun(sample, names[0], timezone, key or _key_of(model, sample))
    if model is not None and model.data.get("mode") != "update_only":
        made.creates = True
    sections = _sections(made)
    name = page.mapping_name(Path(names[0]).name)
    files = [Path(each).name for each in names]
    head, source = page.head(made, files, name), page.source(made, files, is_sheet=is_sheet)
    left = page.left_over(made)
    if model is not None:
        head, source, left = _after(model, head, source, sample)
        sections = like_sections(model, dict(zip(_SECTIONS, sections, strict=True)))
    written, compiled = _sound(_flat([head, source, *sections, left]), sample, made, model)
    text = "\n".join(line.written() for line in discreet(written, made)) + "\n"
    if model is not None:
        made.facts.used.update(set(compiled.plan.reads) & made.facts.looks.keys())
    tested = tests(made, text, compiled, files)
    if tested:
        text += "\n" + "\n".join(line.written() for line in tested) + "\n"
    return Drafted(
        name,
        text,
        names,
        tuple(made.private.without(each, sample.names) for each in _notes(made, names)),
        sample.warnings,
        dict(made.hits),
        dict(made.suggested),
    )


def _key_of(model: Other | None, sample: Sample) -> str | None:
    """The column of the other mapping's order number, if this file has it."""
    order = model.data.get("order") if model is not None else None
    column = order.get("order_number") if isinstance(order, dict) else None
    return column if isinstance(column, str) and column in sample.names else None


def _after(
    model: Other, head: list[Line], source: list[Line], sample: Sample
) -> tuple[list[Line], list[Line], list[Line]]:
    """Head, source and end of a mapping that follows another one."""
    at = next(i for i, line in enumerate(head) if line.text.startswith("version"))
    told = [Line(f"# {each}") for each in compared(model, sample.names)]
    mode = model.data.get("mode")
    kept = [line for line in head if mode is None or not line.text.startswith("mode:")]
    head = [
        *kept[:at],
        *told,
        *kept[at:],
        *([Line(f"mode: {mode}", f"as in {model.name}")] if mode else []),
    ]
    return head, like_notation(model, source, sample.names), []


def _begun(sample: Sample, name: str, timezone: str | None, key: str | None) -> Draft:
    """All that is known of a file, and what its rows are."""
    looks = {column: look(column, sample.rows[column]) for column in sample.names}
    nulls = tuple(dict.fromkeys(text for each in looks.values() for text in each.nulls))
    nulls = tuple(sorted(nulls, key=lambda text: (text not in ALWAYS_NULL, text)))
    headless = sample.names[0] == "column_1"
    found = key if key is not None else order_column(looks, headless=headless)
    if found is None or found not in looks:
        if len(sample.names) == 1 and key is None:
            raise NoOrderNumber(
                f"no delimiter takes {visible(name)} apart, and its lines are not of one length",
                help="write `source` by hand, docs/mapping.md#source; text of fixed width needs the layout of its sender",
            )
        listed = ", ".join(bare(each) for each in sample.names[:40])
        raise NoOrderNumber(
            f"no column of {visible(name)} looks like an order number"
            if key is None
            else f"{visible(name)} has no column {key!r}",
            help=f"a mapping makes orders; if a column tells which order a row is of, name it with --key; the columns are {listed}",
        )
    known = {column: meanings(column)[0].concept for column in looks if meanings(column)}
    facts = Facts(
        sample,
        looks,
        notation(list(looks.values()), known),
        nulls,
        orders(sample.rows, found, nulls),
        timezone,
        headless,
    )
    made = Draft(facts)
    dated = [column for column, each in looks.items() if each.formats and _is_date(column)]
    made.usual = usual_date(facts, dated)
    country, doubt = country_claim(made)
    parcels = tracking_claim(made)[0] is not None
    sold = any(facts.claims(each) for each in ("order_total_amount", "order_date")) or facts.claims(
        "unit_price", ("", "item")
    )
    mail = email_claim(made)[0]
    handed_over = parcels and not sold and (mail is None or not looks[mail.column].filled)
    made.creates = country is not None and not doubt and not country.doubt and not handed_over
    has_lines = any(
        facts.claims(each, ("", "item"))
        for each in ("sku", "quantity", "article_name", "barcode", "line_item_id")
    )
    made.grain = Grain.LINE if has_lines else Grain.PARCEL if parcels else Grain.ORDER
    return made


def _is_date(column: str) -> bool:
    return any(each.concept in _DATE_CONCEPTS for each in meanings(column))


_DATE_CONCEPTS = frozenset([
    "order_date", "announced_delivery_date", "announced_delivery_date_min", "announced_delivery_date_max",
    "announced_send_date",
])  # fmt: skip


def _sections(made: Draft) -> list[list[Line]]:
    """The sections behind `source`; tables that nothing reads are left out."""
    targets = [order(made), lines(made), trackings(made)]
    text = "\n".join(line.text for each in targets for line in each if line.active)
    if "lookup: countries" not in text:
        made.tables.countries = {}
    elif not any(code for code, _ in made.tables.countries.values()):
        made.tables.countries["Germany"] = ("DEU", 0)
    if "lookup: couriers" not in text:
        made.tables.couriers = []
    derived = made.derived if _numbered(made, text) else []
    return [made.tables.lines(), derived, *targets, changes(made)]


def _numbered(made: Draft, text: str) -> bool:
    """Whether a line that is written counts the rows of an order."""
    return bool(made.derived) and f'{{{made.derived[1].text.strip().partition(":")[0]}}}"' in text


def discreet(written: Sequence[Line], made: Draft) -> list[Line]:
    """The lines without what may be a person's: the last look at what comments say of the file's cells."""
    told = [line for line in written if line.comment or not line.active]
    names = made.facts.sample.names
    if not made.private.found_in("\n".join(line.written() for line in told)):
        return list(written)
    return [
        replace(
            line,
            comment=made.private.without(line.comment, names) if line.comment else "",
            text=line.text if line.active else made.private.without(line.text, names),
        )
        for line in written
    ]


def _flat(blocks: Sequence[Sequence[Line]]) -> list[Line]:
    made: list[Line] = []
    for block in blocks:
        if block:
            made += [*([Line("")] if made else []), *block]
    return made


def _sound(
    page_lines: list[Line], sample: Sample, made: Draft, model: Other | None
) -> tuple[list[Line], Compiled]:
    """Make comments of lines that the compiler refuses, with its reason; gives what is left, compiled.

    Raises:
        MappingRefused: something else is wrong with it, which is a bug.
    """
    load = model.load if model is not None else None
    for _ in range(_ROUNDS):
        text = "\n".join(line.written() for line in page_lines) + "\n"
        try:
            return page_lines, compile_mapping(
                text, "proposed.yaml", header=sample.names, load=load
            )
        except MappingRefused as refused:
            wrong = {
                each.line - 1: each.message
                for each in refused.mistakes
                if each.weight is Weight.ERROR
            }
            done = [_put_aside(page_lines, at, message, made) for at, message in wrong.items()]
            if True not in done:
                raise
    return page_lines, compile_mapping(
        "\n".join(line.written() for line in page_lines),
        "proposed.yaml",
        header=sample.names,
        load=load,
    )


def _put_aside(page_lines: list[Line], at: int, message: str, made: Draft) -> bool:
    """Make a comment of a line and of all below it; False where that cannot be done."""
    line = page_lines[at]
    depth = _depth(line)
    if not line.active or line.text.partition(":")[0] in _NEEDED:
        return False
    end = at + 1
    while (
        end < len(page_lines) and page_lines[end].text.strip() and _depth(page_lines[end]) > depth
    ):
        end += 1
    for i in range(at, end):
        each = page_lines[i]
        comment = "; ".join(filter(None, (message, each.comment))) if i == at else each.comment
        page_lines[i] = Line(each.text, comment, active=False)
        _forget(made, each)
    # a table of which nothing is left must not stand there alone
    above = next(
        (
            i
            for i in range(at - 1, -1, -1)
            if page_lines[i].active and page_lines[i].text.strip() and _depth(page_lines[i]) < depth
        ),
        None,
    )
    if (
        above is not None
        and page_lines[above].text.rstrip().endswith(":")
        and page_lines[above].text.partition(":")[0] not in _NEEDED
    ):
        inner = range(above + 1, len(page_lines))
        left = False
        for i in inner:
            if not page_lines[i].text.strip() or (
                page_lines[i].active and _depth(page_lines[i]) <= _depth(page_lines[above])
            ):
                break
            left = left or page_lines[i].active
        if not left:
            page_lines[above] = Line(
                page_lines[above].text, page_lines[above].comment, active=False
            )
    return True


_NEEDED = frozenset(["version", "name", "mode", "source", "order", "  order_number"])


def _depth(line: Line) -> int:
    return len(line.text) - len(line.text.lstrip())


def _forget(made: Draft, line: Line) -> None:
    name = line.text.strip().partition(":")[0]
    for target in [each for each in made.hits if each.endswith(f".{name}")]:
        made.suggested[target] = made.hits.pop(target)


def _notes(made: Draft, files: Sequence[str]) -> Iterator[str]:
    """The evidence, for stderr."""
    facts = made.facts
    given = facts.sample.source
    rows = (
        f"the first {facts.sample.rows.height:,} rows"
        if facts.sample.more
        else f"{facts.sample.rows.height:,} rows"
    )
    yield f"{', '.join(map(visible, files))}: {rows}, {given.encoding}, delimiter {json.dumps(given.delimiter)}, {made.grain.value} by {bare(facts.key)}"
    for key, said in facts.sample.dialect.why.items():
        if key != "delimiter":
            yield f"{key}: {said}"
    yield from facts.notation.told
