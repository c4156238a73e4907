"""Whether the files of a run are what their mappings declare of them (`source.expect`).

Judged after everything is read and before anything is sent. Every breach is a finding about a file;
whether it stops the run is for the mapping to say.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import PurePath
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.intake import Snapshot
from pipeline.mapping.expected import as_total
from pipeline.mapping.layout import shown
from pipeline.mapping.plan import Source
from pipeline.model.expectation import Act, Expectation, NameForm, Trailer, day_in_words
from pipeline.model.tables import SourceFile
from pipeline.read import TrailerRecord
from pipeline.report.summary import counted
from pipeline.run.aside import Aside, is_of
from pipeline.run.oddity import Oddity
from pipeline.run.source import Job, Opened
from pipeline.run.spool import Spooled, Total

READ_BEFORE = timedelta(days=2)  # how far back the runs go that may have read tonight's file

_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")


@dataclass(frozen=True, slots=True)
class Broken:
    """An expectation that does not hold, and what the mapping wants then.

    A file that is missing has an ordinal behind those of the files that are there, and is called
    `missing`, as it would be; where that is not known, as `source.files` means it.
    """

    oddity: Oddity
    act: Act
    missing: str = ""

    @property
    def words(self) -> str:
        """Say it in one line, without a cell."""
        file = f"{self.oddity.source}: " if self.oddity.source else ""
        return f"{file}{self.oddity.says} [{self.oddity.code}]"

    def plain(self) -> dict[str, str]:
        """Give it as JSON values."""
        return {"says": self.words, "act": self.act.value, "code": self.oddity.code}


def judged(
    opened: Opened, spooled: Spooled, read_before: Callable[[], Collection[str]],
    *, at: datetime, zone: str, past: bool,
) -> tuple[list[Broken], list[str]]:  # fmt: skip
    """Hold the files of a run against what is expected of them.

    `read_before` gives the names of the files that earlier runs have read. Files of the `past` belong
    to no day. Files that cannot be read are there all the same.

    Returns:
        What does not hold, and in words what trailers say that was checked and holds.
    """
    local = at.astimezone(ZoneInfo(zone))
    behind = sum(len(job.files) for job in opened.jobs) + len(opened.aside)

    def there() -> list[str]:
        return [*(each.source.name for each in opened.aside), *read_before()]

    found: list[Broken] = []
    held: list[str] = []
    for job in opened.jobs:
        expects = job.plan.expects
        if expects is None:
            continue
        for source, snapshot in job.files:
            found += _of_file(expects, source, snapshot, local, past=past)
            if expects.trailer is not None and source.index not in spooled.failed:
                broken, holds = _of_trailer(job, expects, expects.trailer, source, spooled)
                found += broken
                held += holds
            if expects.last_line_end and source.index in spooled.open_ends:
                found.append(_cut_off(expects, source, spooled.open_ends[source.index]))
        missing = None if past else _missing(job, expects, there, local, behind)
        if missing is not None:
            found.append(missing)
            behind += 1
        elif job.files:
            found += _few(job, expects, spooled)
        elif (none := _none(job, expects, opened.aside, behind, past=past)) is not None:
            found.append(none)
            behind += 1
    return found, held


def _of_file(
    expects: Expectation, source: SourceFile, snapshot: Snapshot, local: datetime, *, past: bool
) -> list[Broken]:
    broken = []
    if expects.name is not None and not any(map(expects.name.fits, _names(snapshot))):
        says = f"its name is not of the form {expects.name.written}"
        broken.append(_broken("F102", source, says, expects))
    elif expects.name is not None and not past:
        broken += _of_day(expects, expects.name, source, snapshot, local)
    if expects.max_age is not None and not past:
        broken += _age(expects, expects.max_age, source, snapshot, local)
    return broken


def _of_day(
    expects: Expectation, form: NameForm, source: SourceFile, snapshot: Snapshot, local: datetime
) -> list[Broken]:
    day = next((day for each in _names(snapshot) if (day := form.day_of(each))), None)
    wanted = expects.day(local.date())
    if day is None or day == wanted:
        return []
    says = f"it is of {day_in_words(day)}, expected is {day_in_words(wanted)}"
    return [_broken("F103", source, says, expects)]


def _age(
    expects: Expectation, most: timedelta, source: SourceFile, snapshot: Snapshot, local: datetime
) -> list[Broken]:
    original = snapshot.original
    # what is in an archive is as old as the archive
    file = next((each for each in (original, *original.parents) if each.is_file()), original)
    try:
        written = file.stat().st_mtime
    except OSError:
        return [_broken("F104", source, "its age cannot be told: it is gone", expects)]
    age = timedelta(seconds=local.timestamp() - written)
    if age <= most:
        return []
    at = datetime.fromtimestamp(written, local.tzinfo)
    says = (
        f"it was last written to {_length(age)} ago ({day_in_words(at.date())} {at:%H:%M}), at most "
        f"{_length(most)} are allowed"
    )
    return [_broken("F104", source, says, expects)]


def _missing(
    job: Job, expects: Expectation, read_before: Callable[[], Collection[str]], local: datetime,
    behind: int,
) -> Broken | None:  # fmt: skip
    """The file of the day, if it is nowhere; `behind` is the ordinal that it gets."""
    form, today = expects.name, local.date()
    if form is None or not expects.is_due(today):
        return None
    wanted = expects.day(today)

    def is_it(name: str) -> bool:
        return form.fits(name) if form.dated is None else form.day_of(name) == wanted

    if any(is_it(name) for _, snapshot in job.files for name in _names(snapshot)):
        return None
    if any(is_it(name) for each in read_before() for name in _unpacked(PurePath(each).name)):
        return None
    name = form.on(wanted)
    says = f"no file of {job.plan.name} for {day_in_words(wanted)}: {name} is not there"
    return Broken(Oddity("F105", "", behind, says), expects.on_missing, name)


def _cut_off(expects: Expectation, source: SourceFile, line: int) -> Broken:
    says = f"it ends within line {line:,}, without a line end: it seems to be cut off"
    return _broken("F110", source, says, expects, line)


def _few(job: Job, expects: Expectation, spooled: Spooled) -> list[Broken]:
    unread = any(source.index in spooled.failed for source, _ in job.files)
    if expects.min_rows is None or unread:
        return []
    number = sum(spooled.records.get(source.index, 0) for source, _ in job.files)
    if number >= expects.min_rows:
        return []
    files = "" if len(job.files) == 1 else f" in {len(job.files)} files"
    says = f"{counted(number, 'row')}{files}, at least {expects.min_rows:,} are expected"
    return [_broken("F101", job.files[0][0], says, expects)]


def _none(
    job: Job, expects: Expectation, aside: Collection[Aside], behind: int, *, past: bool
) -> Broken | None:
    """No file at all has fewer rows than any number; `behind` is the ordinal that it gets.

    With a name, whether a file of the day is missing has been judged already. What was set aside is
    there, and has a finding of its own.
    """
    judged_by_name = expects.name is not None and not past
    if expects.min_rows is None or judged_by_name or any(is_of(job.plan, each) for each in aside):
        return None
    says = f"there is no file of {job.plan.name}, at least {counted(expects.min_rows, 'row')} are expected"
    oddity = Oddity("F101", "", behind, says)
    return Broken(oddity, expects.on_broken, job.plan.source.files or job.plan.name)


def _broken(
    code: str, source: SourceFile, says: str, expects: Expectation, line: int = 0,
    column: str | None = None,
) -> Broken:  # fmt: skip
    return Broken(Oddity(code, source.name, source.index, says, column, line), expects.on_broken)


# -- the trailer ----------------------------------------------------------------------------------


def _of_trailer(
    job: Job, expects: Expectation, trailer: Trailer, source: SourceFile, spooled: Spooled
) -> tuple[list[Broken], list[str]]:
    """What of a file's trailer does not hold, and what does."""
    record = spooled.trailers.get(source.index)
    if record is None:
        says = (
            f'its last record does not begin with "{trailer.first_cell}": the file may be cut off'
        )
        return [_broken("F106", source, says, expects)], []
    broken: list[Broken] = []
    holds: list[str] = []
    wanted = [("", trailer.rows)] if trailer.rows is not None else []
    for column, cell in [*wanted, *trailer.totals]:
        declared = _number(record, cell, job.source_of(source.index))
        if declared is None:
            # its text is not quoted: of a record that only looks like a trailer it may be a person's
            there = cell <= len(record.cells) and record.cells[cell - 1] != ""
            fault = "is no number" if there else "is not there"
            of = f"the total of {column}" if column else "the number of rows"
            at = _place(cell, job.source_of(source.index))
            says = f"{at} of the trailer, {of}, {fault}"
            broken.append(_broken("F109", source, says, expects, record.line, column or None))
        elif not column:
            _judge_rows(declared, source, spooled, expects, record.line, broken, holds)
        else:
            _judge_total(column, declared, source, spooled, expects, record.line, broken, holds)
    said = ", ".join(holds) or "there"
    return broken, [f"{source.name}: trailer in line {record.line:,} checked: {said}"] * (
        not broken
    )


def _judge_rows(
    declared: Decimal, source: SourceFile, spooled: Spooled, expects: Expectation, line: int,
    broken: list[Broken], holds: list[str],
) -> None:  # fmt: skip
    number = spooled.records.get(source.index, 0)
    if declared == number:
        holds.append(counted(number, "row"))
        return
    says = f"the trailer counts {_plain(declared)}, the file has {counted(number, 'row')}"
    broken.append(_broken("F107", source, says, expects, line))


def _judge_total(
    column: str, declared: Decimal, source: SourceFile, spooled: Spooled, expects: Expectation,
    line: int, broken: list[Broken], holds: list[str],
) -> None:  # fmt: skip
    """A total over cells of which some cannot be read says nothing; that is told, and is no breach."""
    total = spooled.totals.get(source.index, {}).get(column, Total())
    quarantined = spooled.records.get(source.index, 0) - spooled.read.get(source.index, 0)
    unread = quarantined + total.unread
    if unread:
        holds.append(f"{column} not checked, {counted(unread, 'row')} cannot be read")
    elif total.value == declared:
        holds.append(f"{column} {_plain(declared)}")
    else:
        says = f"the trailer has {_plain(declared)} for {column}, the rows add up to {_plain(total.value)}"
        broken.append(_broken("F108", source, says, expects, line, column))


def _place(cell: int, source: Source) -> str:
    """Where a trailer says something, as the mapping says it."""
    if not source.trailer_cells:
        return f"cell {cell}"
    position = source.trailer_cells[cell - 2]
    return f"character{'' if position.first == position.last else 's'} {shown(position)}"


def _number(record: TrailerRecord, cell: int, source: Source) -> Decimal | None:
    if cell > len(record.cells):
        return None
    made = as_total(pl.col("cell"), source)
    frame = pl.DataFrame({"cell": [record.cells[cell - 1]]}, schema={"cell": pl.String()})
    found: Decimal | None = frame.select(made.value).item()
    return found


def _plain(number: Decimal) -> str:
    """Write a number without the zeros of its type.

    >>> _plain(Decimal("8812.4000")), _plain(Decimal("1204.000")), _plain(Decimal("0.125"))
    ('8,812.40', '1,204', '0.125')
    """
    whole = number.normalize()
    exponent = whole.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return f"{number:,.{max(places, 2) if places else 0}f}"


def _names(snapshot: Snapshot) -> tuple[str, ...]:
    # not that of the original: of what is in an archive the archive's name says nothing
    return _unpacked(PurePath(snapshot.name).name)


def _unpacked(name: str) -> tuple[str, ...]:
    """A name, and the one without the ending of a packed file.

    >>> _unpacked("orders.csv.gz"), _unpacked("orders.csv")
    (('orders.csv.gz', 'orders.csv'), ('orders.csv',))
    """
    ending = next((each for each in _PACKED if name.lower().endswith(each)), "")
    return (name, name[: -len(ending)]) if ending else (name,)


def _length(span: timedelta) -> str:
    """Write a length of time in its largest sensible unit.

    >>> _length(timedelta(hours=26)), _length(timedelta(days=3, hours=5)), _length(timedelta(minutes=7))
    ('26 hours', '3 days', '7 minutes')
    """
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return counted(minutes, "minute")
    hours = minutes // 60
    return counted(hours, "hour") if hours < 48 else counted(hours // 24, "day")
