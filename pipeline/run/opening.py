"""Files that a person names for one mapping, as a run reads them; of `sources` a job for each.

Nothing is copied but what is packed: nothing is sent of these files.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from pipeline.intake import Snapshot, is_zip, meant
from pipeline.mapping.compile import Compiled
from pipeline.mapping.mistakes import did_you_mean
from pipeline.mapping.plan import Plan
from pipeline.mapping_file import part_of, read_mapping
from pipeline.model.stops import StopRun
from pipeline.model.tables import SourceFile
from pipeline.read import Reading, open_edi, read_header, settled
from pipeline.run.aside import sources_missing
from pipeline.run.sample_files import Named, source_means
from pipeline.run.source import Job, as_read, fitting


class FilesUnclear(StopRun):
    """It cannot be told which source of the mapping a file is of, or files are too many (exit 2)."""

    exit_code = 2


class FilesMissing(StopRun):
    """A source has no file, and the rows of the others mean nothing without it (exit 2)."""

    exit_code = 2


@contextmanager
def opened(mapping: Path, files: Sequence[Named]) -> Iterator[list[Job]]:
    """Give the jobs of a mapping with the files that were named, in the order in which they are read.

    Of `sources`, those that no file is named for have none.

    Raises:
        FilesUnclear: a file is of no source, or of several.
        StopRun: the mapping or a file cannot be used.
    """
    compiled, _ = read_mapping(mapping)
    taken = _assigned(mapping, compiled, files)
    ordinals = count()
    with ExitStack() as kept:
        yield [
            _job(part_of(mapping, plan.part), plan, taken.get(plan.part, ()), ordinals, kept)
            for plan in compiled.plans or (compiled.plan,)
        ]


def _job(
    path: Path, plan: Plan, files: Sequence[Path], ordinals: Iterator[int], kept: ExitStack
) -> Job:
    job = Job(path, plan, "", ())
    reads: dict[str, None] = {}  # numbered columns go as far as those of one of the files
    for file in files:
        at, name, written = kept.enter_context(as_read(file, plan.source))
        index = next(ordinals)
        taken = (
            *job.files,
            (SourceFile(index, name, "", 0, plan.name), Snapshot(name, file, at, "", 0)),
        )
        if plan.extract is not None:
            reading: Reading = open_edi(at, name, encoding=plan.source.encoding)
            job = replace(job, files=taken, readings={index: reading})
            continue
        form = settled(at, written, name)
        header = read_header(at, form, name=name)
        fitted = fitting(path, plan, header, name)[0].plan
        reads |= dict.fromkeys(fitted.reads)
        job = replace(
            job, plan=replace(fitted, reads=tuple(sorted(reads)) if len(files) > 1 else fitted.reads),
            files=taken, forms={**job.forms, index: form},
            headers={**job.headers, index: tuple(header)},
        )  # fmt: skip
    return job


# -- which file is of which source ------------------------------------------------------------


def _assigned(mapping: Path, compiled: Compiled, files: Sequence[Named]) -> dict[str, list[Path]]:
    """The files of each source; of a mapping without `sources` the only one."""
    if not compiled.plans:
        return {"": _only(mapping, files)}
    taken: dict[str, list[Path]] = {}
    problems: list[str] = []
    unclear: list[Named] = []
    for each in files:
        meaning = _sources_of(each, compiled.plans)
        if len(meaning) == 1 or (meaning and is_zip(each.path)):
            for part in meaning:  # an archive may have a file for each
                taken.setdefault(part, []).append(each.path)
            continue
        unclear.append(each)
        if each.part:
            problems.append(f"{mapping} has no source {each.part}")
        elif meaning:
            problems.append(f"{each.path} may be of {' or of '.join(meaning)}")
        else:
            problems.append(f"{each.path} is of no source that {mapping} names")
    if problems:
        names = [plan.part for plan in compiled.plans]
        without = next((name for name in names if name not in taken), names[0])
        reads = ", ".join(
            f"{plan.part} reads {meant(plan.source.files)}" for plan in compiled.plans
        )
        way = f"{reads}; say which one it is, such as {without}={unclear[0].path}"
        if unclear[0].part:
            way = did_you_mean(unclear[0].part, names) or f"one of: {', '.join(names)}"
        raise FilesUnclear("; ".join(problems), code="C101", help=way)
    return taken


def _only(mapping: Path, files: Sequence[Named]) -> list[Path]:
    """The file of a mapping that reads one."""
    named = next((each for each in files if each.part), None)
    if named is not None:
        raise FilesUnclear(f"{mapping} has no source {named.part}", code="C101",
                           help=f"it reads one file: name {named.path} alone")  # fmt: skip
    if len(files) > 1:
        raise FilesUnclear(f"{mapping} reads one FILE, and {len(files)} are named", code="C101",
                           help=f"name one of them: pipeline mapping show {mapping} {files[0].path} …")  # fmt: skip
    return [each.path for each in files]


def _sources_of(file: Named, plans: Sequence[Plan]) -> list[str]:
    """The sources that a file may be of: those whose glob means it, else those that have none."""
    if file.part:
        return [plan.part for plan in plans if plan.part == file.part]
    patterns = {plan.part: plan.source.files for plan in plans}
    claiming = [
        part
        for part, pattern in patterns.items()
        if pattern is not None and source_means(pattern, file.path)
    ]
    return claiming or [part for part, pattern in patterns.items() if pattern is None]


def given(mapping: Path, jobs: Sequence[Job], *, whole: bool) -> list[Job]:
    """The jobs that have files, if those say enough; where `whole` orders are asked for, those of a run.

    Raises:
        FilesMissing: what is joined to their rows is not there, or what makes orders of them.
    """
    lacking = sources_missing([(job.plan, bool(job.files)) for job in jobs], joined=not whole)
    if lacking:
        told = {plan.part: why for plan, why in lacking}
        names = {plan.part: plan.source.files or f"{plan.part}.csv" for plan, _ in lacking}
        wanted = " ".join(f"{part}=FILE" for part in told)
        raise FilesMissing(
            "; ".join(f"no file of the source {part} is named, and {why}" for part, why in told.items()),
            code="C112",
            help=f"name {', '.join(names.values())} too: pipeline mapping show {mapping} … {wanted}",
        )  # fmt: skip
    return [job for job in jobs if job.files or (whole and not job.plan.is_reference)]
