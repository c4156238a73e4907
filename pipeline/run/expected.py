"""Whether the files of a run are what their mappings declare of them (`source.expect`).

Judged after everything is read and before anything is sent. Every breach is a finding about a file;
whether it stops the run is for the mapping to say.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath
from zoneinfo import ZoneInfo

from pipeline.intake import Snapshot
from pipeline.model.expectation import Act, Expectation, NameForm, day_in_words
from pipeline.model.tables import SourceFile
from pipeline.report.summary import counted
from pipeline.run.source import Job
from pipeline.run.usual import Oddity

READ_BEFORE = timedelta(days=2)  # how far back the runs go that may have read tonight's file

_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")


@dataclass(frozen=True, slots=True)
class Broken:
    """An expectation that does not hold, and what the mapping wants then.

    A file that is missing has an ordinal behind those of the files that are there, and is called
    `missing`, as it would be.
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
    jobs: Sequence[Job], rows: Callable[[int], int], read_before: Callable[[], Collection[str]],
    *, at: datetime, zone: str, past: bool, aside: int = 0,
) -> list[Broken]:  # fmt: skip
    """Hold the files of a run against what is expected of them.

    `rows` counts the records of a file by its ordinal, quarantined ones included. `read_before` gives
    the names of the files that earlier runs have read. Files of the `past` belong to no day. `aside`
    files have ordinals behind those of the jobs.
    """
    local = at.astimezone(ZoneInfo(zone))
    behind = sum(len(job.files) for job in jobs) + aside
    found: list[Broken] = []
    for job in jobs:
        expects = job.plan.expects
        if expects is None:
            continue
        for source, snapshot in job.files:
            found += _of_file(expects, source, snapshot, local, past=past)
        missing = None if past else _missing(job, expects, read_before, local, behind)
        if missing is not None:
            found.append(missing)
            behind += 1
        else:
            found += _few(job, expects, rows)
    return found


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
    try:
        written = snapshot.original.stat().st_mtime
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


def _few(job: Job, expects: Expectation, rows: Callable[[int], int]) -> list[Broken]:
    if expects.min_rows is None or not job.files:
        return []
    number = sum(rows(source.index) for source, _ in job.files)
    if number >= expects.min_rows:
        return []
    files = "" if len(job.files) == 1 else f" in {len(job.files)} files"
    says = f"{counted(number, 'row')}{files}, at least {expects.min_rows:,} are expected"
    return [_broken("F101", job.files[0][0], says, expects)]


def _broken(code: str, source: SourceFile, says: str, expects: Expectation) -> Broken:
    return Broken(Oddity(code, source.name, source.index, says), expects.on_broken)


def _names(snapshot: Snapshot) -> tuple[str, ...]:
    return _unpacked(snapshot.original.name)


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
