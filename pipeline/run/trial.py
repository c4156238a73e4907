"""The tests in a mapping, run through the stages of a real run up to `compare` (MAPPING §5).

What the ledger knows is what the test says; nothing is sent, and nothing stays on the disk.
"""

import json
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.compare import COMPARED_SCHEMA, AckedOperation
from pipeline.intake import Snapshot, take_snapshot
from pipeline.ledger import KnownOrder
from pipeline.mapping.compile import Compiled, compile_mapping
from pipeline.mapping.document import Data
from pipeline.mapping.mistakes import MappingRefused
from pipeline.mapping.plan import Plan
from pipeline.mapping.trials import Rejection, Trial, same
from pipeline.mapping_file import beside, lookup_file
from pipeline.model.findings import Findings
from pipeline.model.origin import SEGMENTS_MAX, place
from pipeline.model.rules import RULES, Severity
from pipeline.model.stops import SourceUnusable, StopRun
from pipeline.model.tables import RawTable, SourceFile
from pipeline.read import open_edi, read_header
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder
from pipeline.run.prepare import Made, grouped_of, of_partition
from pipeline.run.request import Options
from pipeline.run.source import Job, read_mapping
from pipeline.run.spool import PARTITION_BYTES, Share, batches_of, spool

ACCOUNT = 1618  # any would do: it stands in the payload and goes nowhere
OF_THE_RUN = frozenset({"account", "operation_id"})  # members that no mapping makes
_SHOWN_MAX = 200  # characters of a value
_NO_COLUMN = re.compile(r'column "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as the test says; `at` is a path such as `orders[0].channel`."""

    at: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Tried:
    """How one test ended.

    `refusals` are what the published API would not take of the payloads, `unread` says why its rows
    cannot be read with this mapping, or "".
    """

    name: str
    line: int
    orders: int
    rejections: int
    differences: tuple[Difference, ...]
    refusals: tuple[str, ...]
    unread: str = ""

    @property
    def fine(self) -> bool:
        """Whether everything is as the test says, and could be sent."""
        return not (self.differences or self.refusals or self.unread)


@dataclass(frozen=True, slots=True)
class Result:
    """A test, how it ended, and what came of its rows; `stopped` where they could not be used at all."""

    trial: Trial
    tried: Tried
    payloads: tuple[dict[str, Any], ...]
    found: "tuple[Told, ...]"
    stopped: bool = False


def try_mapping(path: Path, word: str = "") -> list[Tried]:
    """Run the tests of a mapping file, in order; with `word` those whose name holds it.

    Raises:
        MappingMissing, MappingRefused: the mapping cannot be used.
    """
    return [result.tried for result in results(path, read_mapping(path)[0], word)]


def results(path: Path, compiled: Compiled, word: str = "") -> Iterator[Result]:
    """Run the tests of a compiled mapping, in order; with `word` those whose name holds it."""
    return (result for _, result in chosen(path, compiled, word))


def chosen(path: Path, compiled: Compiled, word: str = "") -> Iterator[tuple[int, Result]]:
    """The same, each with its number from 0: a line may hold several tests."""
    plans: Plans = {}
    for number, trial in enumerate(compiled.trials):
        if word.casefold() in trial.name.casefold():
            yield number, _result(path, compiled, trial, plans)


def _result(path: Path, compiled: Compiled, trial: Trial, plans: "Plans") -> Result:
    stop = None
    try:
        payloads, found = come_of(path, compiled, trial, plans)
    except MappingRefused as refused:
        unread = _unread(path, refused)
        return Result(
            trial, Tried(trial.name, trial.line, 0, 0, (), (), unread), (), (), stopped=True
        )
    except StopRun as stopped:
        stop = stopped
        payloads, found = [], [_of_a_stop(stopped, path, files_of(path, compiled, trial), trial)]
    differences = tuple(differing(trial, payloads, found))
    tried = Tried(
        trial.name, trial.line, len(payloads), len(found), differences, tuple(refusals(payloads))
    )
    return Result(trial, tried, tuple(payloads), tuple(found), stop is not None)


def _unread(path: Path, refused: MappingRefused) -> str:
    """Why a mapping that is sound does not fit the header of a test's rows, with lines of the mapping."""
    lines: dict[str, int] = {}
    others = []
    for each in refused.mistakes:
        column = _NO_COLUMN.search(each.message) if each.code in {"M201", "M302"} else None
        if column is not None:
            lines.setdefault(column[1], each.line)
        else:
            others.append(f"{each.message} ({path.name}:{each.line})")
    said = (
        [f"the mapping does not fit the rows of this test: {'; '.join(others)}"] if others else []
    )
    if lines:
        told = ", ".join(f"{column} ({path.name}:{line})" for column, line in lines.items())
        word = "column" if len(lines) == 1 else "columns"
        said.insert(0, f"the rows of this test have no {word} {told}, which the mapping reads")
    return "; ".join(said)


def differing(
    trial: Trial, payloads: Sequence[dict[str, Any]], found: "Sequence[Told]"
) -> Iterator[Difference]:
    """Where what came of a test is not what it says."""
    yield from _rejections(trial.rejected, found)
    if trial.orders is not None:
        yield from compared(trial.orders, list(payloads), "orders", exact=trial.exact)


# -- the way ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """A finding, as it is compared with what a test expects."""

    place: str
    line: int
    segment: int
    code: str
    column: str
    value: str
    words: str
    source: str = ""

    @property
    def shown(self) -> str:
        """It in a line."""
        column = f' column "{self.column}"' if self.column else ""
        value = f' value "{self.value}"' if self.value else ""
        return f"{self.place} {self.code}".strip() + f"{column}{value}{self.words}"


@dataclass(frozen=True, slots=True)
class _Existing:
    """A ledger that knows orders by their number and nothing else of them."""

    numbers: frozenset[str]

    def known(self, order_numbers: Sequence[str]) -> Mapping[str, KnownOrder]:
        known = KnownOrder(
            content_sha256="", fully_applied=True, external_id=None, updated_at=clock()
        )
        return {number: known for number in order_numbers if number in self.numbers}

    def operations(
        self,
        order_numbers: Sequence[str],  # noqa: ARG002 - it knows of none
    ) -> Mapping[str, Mapping[str, AckedOperation]]:
        return {}


def _beside(path: Path, name: str) -> Path:
    """The file of a test, if it lies where a mapping may look."""
    try:
        return beside(path, name)
    except OSError as error:
        raise SourceUnusable(f"{name} cannot be read: {error.strerror}") from None


def come_of(
    path: Path, compiled: Compiled, trial: Trial, plans: "Plans | None" = None
) -> tuple[list[dict[str, Any]], list[Told]]:
    """The payloads that would be sent, and every error but those of rows held with another.

    Raises:
        StopRun: the rows or the file cannot be used at all.
    """
    payloads: list[dict[str, Any]] = []
    found: list[Told] = []
    files = files_of(path, compiled, trial)
    at = partial(_place, path, trial)
    with _opened(path, compiled, trial, plans) as (jobs, folder):
        spooled = spool(jobs, folder, lambda _rows: None, PARTITION_BYTES)
        for partition in range(spooled.count):
            shares = spooled.take(partition)
            made = sent_of(shares, [file.name for file in files], trial.existing)
            payloads += [json.loads(body) for body in made.ready.get_column("body").drop_nulls()]
            found += _errors(made.grouped.findings.to_dicts(), files, at)
        found += _errors(spooled.references.accounts()[1].rows.to_dicts(), files, at)
    return payloads, found


def sent_of(shares: Sequence[Share], names: Sequence[str], existing: Collection[str]) -> Made:
    """What a run would send of some rows, with a ledger that knows nothing but some order numbers.

    `names` are those of the files, by their ordinals.
    """
    return of_partition(shares, names, _Existing(frozenset(existing)), ACCOUNT, Options())


def grouped_in_part(
    shares: Sequence[Share], names: Sequence[str], existing: Collection[str]
) -> Made:
    """The same where files of the orders are not there: their rows, and nothing that is sent."""
    grouped = grouped_of(shares, names, _Existing(frozenset(existing)), Options())
    return Made(grouped, pl.DataFrame(schema=COMPARED_SCHEMA))


@dataclass(frozen=True, slots=True)
class TestFile:
    """A file of a test, or its text: how findings call it, and of which source it is ("" for the only one)."""

    __test__ = False  # for pytest, which takes every class Test… for its own

    name: str
    part: str
    text: str | None
    file: str | None


def files_of(path: Path, compiled: Compiled, trial: Trial) -> list[TestFile]:
    """The files of a test, in the order in which they are read."""
    if not compiled.plans:
        name = trial.file or _of_text(path, trial)
        return [TestFile(name, "", trial.rows, trial.file)]
    parts = [plan.part for plan in compiled.plans]
    return [
        TestFile(trial.files.get(part, f"{_of_text(path, trial)} ({part})"), part,
                 trial.texts.get(part), trial.files.get(part))
        for part in parts if part in trial.texts or part in trial.files
    ]  # fmt: skip


def _of_text(path: Path, trial: Trial) -> str:
    """How the text in a test is called where a file has its name."""
    return f"{path.name}:{trial.line}"


def _place(path: Path, trial: Trial, file: TestFile, line: int, segment: int) -> str:
    """Where a row of a test stands: a line of the test's text is not one of the mapping."""
    if file.text is None or not line:
        return place(file.name, line, segment)
    row = place("", line, segment).removeprefix(":")
    return f"test at {_of_text(path, trial)}, line {row}" + (
        f" of {file.part}" if file.part else ""
    )


# Of one mapping, by the headers that it was compiled for.
Plans = dict[tuple[str, ...], tuple[Plan, ...]]


def rows_of(
    path: Path, compiled: Compiled, trial: Trial, plans: Plans | None = None
) -> Iterator[list[Share]]:
    """Read the rows of a test as a run does, partition by partition; first those that are joined to others.

    Raises:
        StopRun: the rows or the file cannot be used at all.
    """
    with _opened(path, compiled, trial, plans) as (jobs, folder):
        yield [_joined(job) for job in jobs if job.plan.is_reference and job.files]
        spooled = spool(jobs, folder, lambda _rows: None, PARTITION_BYTES)
        for partition in range(spooled.count):
            yield spooled.take(partition)


def _joined(job: Job) -> Share:
    """The readable rows of a file that is joined to others."""
    batches = [batch for source, copy in job.files for batch in batches_of(job, source, copy)]
    rows = RawTable(pl.concat(batch.raw.rows for batch in batches))
    return Share(job.plan, rows, pl.DataFrame(), Findings.none())


@contextmanager
def _opened(
    path: Path, compiled: Compiled, trial: Trial, plans: Plans | None
) -> Iterator[tuple[list[Job], RunFolder]]:
    with tempfile.TemporaryDirectory() as made:
        folder = RunFolder(Path(made))
        (folder.path / "snapshots").mkdir()
        first = {plan.part: plan for plan in compiled.plans or (compiled.plan,)}
        taken: dict[str, tuple[SourceFile, Snapshot]] = {}
        for index, each in enumerate(files_of(path, compiled, trial)):
            plan = first[each.part]
            original = _beside(path, each.file) if each.file is not None else path
            if each.text is not None:
                original = folder.path / f"rows{index}"
                original.write_bytes(each.text.encode(plan.source.encoding or "utf-8", "replace"))
            elif not original.is_file():
                raise SourceUnusable(f"{each.file} does not exist beside {path.name}")
            snapshot = take_snapshot(
                original, folder.path / "snapshots", ordinal=index, name=each.name
            )
            source = SourceFile(index, each.name, snapshot.sha256, snapshot.size_bytes, plan.name)
            taken[each.part] = source, snapshot
        jobs = [Job(path, plan, "", (taken[part],) if part in taken else ())
                for part, plan in first.items()]  # fmt: skip
        if compiled.plan.extract is None:
            headers = {
                job.plan.part: read_header(snapshot.path, job.plan.source, name=source.name)
                for job in jobs
                for source, snapshot in job.files
            }
            fitted = _fitted(path, compiled, headers, {} if plans is None else plans)
            jobs = [replace(job, plan=plan) for job, plan in zip(jobs, fitted, strict=True)]
        else:
            source, snapshot = taken[""]
            reading = open_edi(snapshot.path, source.name, encoding=compiled.plan.source.encoding)
            jobs = [replace(jobs[0], readings={0: reading})]
        yield jobs, folder


def _fitted(
    path: Path, compiled: Compiled, headers: Mapping[str, Sequence[str]], plans: Plans
) -> tuple[Plan, ...]:
    """The plans for the headers of a test; most tests of a mapping have the same ones."""
    known = tuple(name for part, header in headers.items() for name in (part, *header))
    if known not in plans:
        made = compile_mapping(
            compiled.text, str(path), header=headers.get(""), headers=headers,
            load=lambda name: lookup_file(path, name),
        )  # fmt: skip
        plans[known] = made.plans or (made.plan,)
    return plans[known]


def _errors(
    rows: Sequence[Mapping[str, Any]],
    files: Sequence[TestFile],
    at_row: Callable[[TestFile, int, int], str],
) -> list[Told]:
    """The errors of a partition; that of a message once, not again for each of its rows."""
    errors = [
        row
        for row in rows
        if row["code"] != "H001" and RULES[row["code"]].severity is Severity.ERROR
    ]
    at = {(row["_segment"], row["code"], row["column"] or "") for row in errors}
    found = []
    for row in errors:
        _, comma, segment = str(row["detail"] or "").rpartition(", segment ")
        column = row["column"] or ""
        if comma and segment.isdecimal() and int(segment) != row["_segment"] & SEGMENTS_MAX and (
            int(segment), row["code"], column
        ) in at:  # fmt: skip
            continue
        file = files[row["_file"]]
        found.append(
            Told(
                at_row(file, row["_line"], row["_segment"]), row["_line"],
                row["_segment"] & SEGMENTS_MAX, row["code"], column, row["value"] or "", "", file.part,
            )
        )  # fmt: skip
    return found


def _of_a_stop(stopped: StopRun, path: Path, files: Sequence[TestFile], trial: Trial) -> Told:
    """A file that cannot be used at all is one finding, too."""
    name, _, number = (stopped.place or "").rpartition(":")
    line = int(number) if number.isdecimal() else 0
    file = next((each for each in files if each.name == name), None)
    at = _place(path, trial, file, line, 0) if file is not None else stopped.place or "the file"
    return Told(at, line, 0, stopped.code or "", "", "", f": {stopped.message}")


# -- expected and got -------------------------------------------------------------------------


def unlisted(ended: Iterable[Result]) -> list[str]:
    """The members of payloads, such as `mutations[].tracking.courier`, that no expectation has.

    A new target passes all tests; this is how they say that none of them looks at it.
    """
    made: dict[str, None] = {}
    listed: set[str] = set()
    for result in ended:
        if result.trial.orders is None:
            continue
        made |= dict.fromkeys(_members(result.payloads))
        listed |= set(_members(result.payloads if result.trial.exact else result.trial.orders))
    return [path for path in made if path not in listed]


def _members(data: object, at: str = "") -> Iterator[str]:
    """The paths of all values, but those that a run adds; of lists without numbers."""
    match data:
        case dict():
            for name, value in data.items():
                if name not in OF_THE_RUN:
                    yield from _members(value, f"{at}.{name}" if at else str(name))
        case list() | tuple():
            for each in data:
                yield from _members(each, f"{at}[]" if at else "")
        case _:
            yield at


def _rejections(expected: Sequence[Rejection], found: Sequence[Told]) -> Iterator[Difference]:
    """Every expected one must be found, and nothing else."""
    for number, each in enumerate(expected):
        if not any(is_it(each, finding) for finding in found):
            yield Difference(f"rejected[{number}]", _written(each), "not found")
    for finding in found:
        if not any(is_it(each, finding) for each in expected):
            yield Difference("rejected", "nothing more", finding.shown)


def is_it(expected: Rejection, found: Told) -> bool:
    """Whether a finding is the one that a test expects."""
    names = ("code", "line", "segment", "column", "value", "source")
    pairs = ((getattr(expected, name), getattr(found, name)) for name in names)
    return all(told is None or told == is_ for told, is_ in pairs)


def _written(expected: Rejection) -> str:
    names = ("source", "line", "segment", "column", "code", "value")
    told = [(name, getattr(expected, name)) for name in names]
    return ", ".join(f"{name} {value}" for name, value in told if value is not None)


def compared(expected: Data, got: object, at: str, *, exact: bool) -> Iterator[Difference]:
    """Where a payload is not what a test says: listed members only unless `exact`, whole lists.

    Every scalar of a test is text, so a number is compared by what it is worth; an empty text
    means that the member is not there.
    """
    match expected, got:
        case dict(), dict():
            yield from _of_table(expected, got, at, exact=exact)
        case list(), list():
            if len(expected) != len(got):
                yield Difference(at, f"{len(expected)} entries", f"{len(got)}: {_shown(got)}")
            for i, (one, other) in enumerate(zip(expected, got, strict=False)):
                yield from compared(one, other, f"{at}[{i}]", exact=exact)
        case _:
            if not same(expected, got):
                yield Difference(at, _shown(expected), _shown(got))


def _of_table(
    expected: dict[str, Data], got: dict[str, object], at: str, *, exact: bool
) -> Iterator[Difference]:
    for name, value in expected.items():
        if name in got:
            yield from compared(value, got[name], f"{at}.{name}", exact=exact)
        elif value != "":
            yield Difference(f"{at}.{name}", _shown(value), "nothing")
    for name in got if exact else ():
        if name not in expected and name not in OF_THE_RUN:
            yield Difference(f"{at}.{name}", "nothing", _shown(got[name]))


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else f"'{value}'"
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"


def refusals(payloads: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What the published document and its prose have against payloads.

    Delivery methods are the account's own, so any is taken.
    """
    from pipeline.sandbox.validation import BodyRules

    methods = {
        str(body["delivery_method"])
        for body in _tables(payloads)
        if isinstance(body.get("delivery_method"), str)
    }
    rules = BodyRules(methods)
    for number, body in enumerate(payloads):
        violations = dict(rules.violations(body))
        for path, text in violations.items():
            yield f"OpenAPI: orders[{number}]{_path(path)}: {text}"
        for error in rules.judge(body):
            if (error.attr or "") not in violations:
                yield f"the API would refuse orders[{number}]{_path(error.attr)}: {error.detail}"


def _path(attr: str | None) -> str:
    """A path of the API as differences have it: `mutations.0.type` is `.mutations[0].type`."""
    return "".join(
        f"[{step}]" if step.isdecimal() else f".{step}" for step in (attr or "").split(".") if step
    )


def _tables(data: object) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        yield data
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for each in inner:
        yield from _tables(each)
