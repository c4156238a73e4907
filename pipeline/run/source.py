"""Mappings and files to compiled plans and private snapshots."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.intake import (
    AT_ONCE,
    EMPTY,
    LOOKS_UNFINISHED,
    NOT_MEANT,
    STILL_WRITTEN,
    ArchiveCopy,
    Dialect,
    Found,
    Readiness,
    Remote,
    Servers,
    Snapshot,
    almost_claims,
    assign,
    claims,
    copy_archive,
    display_names,
    find_files,
    finished_name,
    is_packed,
    is_remote,
    is_workbook,
    is_zip,
    meant,
    members_meant,
    refuse_unknown_scheme,
    sheet_to_text,
    take_member,
    take_snapshot,
    unpacked_name,
)
from pipeline.mapping.compile import Compiled
from pipeline.mapping.mistakes import MappingRefused
from pipeline.mapping.plan import TEXT_FORMATS, Plan, Source
from pipeline.mapping_file import MappingMissing as MappingMissing
from pipeline.mapping_file import part_of, taken_apart
from pipeline.mapping_file import read_mapping as read_mapping
from pipeline.model.edi.partner import Partner
from pipeline.model.stops import SourceUnusable, StopRun
from pipeline.model.tables import SourceFile
from pipeline.read import Portion, Reading, adapted, corrected_form, read_header, settled
from pipeline.run.aside import (
    IMPORTED,
    UNFINISHED,
    UNUSABLE,
    Aside,
    Imported,
    Refusals,
    size_of,
    words_of,
)
from pipeline.run.desk import Desk
from pipeline.run.folder import RunFolder
from pipeline.run.partners import Reception

# Mistakes that say "the file has no such column": here the file may be the one to blame.
_HEADER_CODES = frozenset({"M201", "M216", "M302"})

_SEEN_MAX = 10  # files that a warning names


class InputsMissing(StopRun):
    """Nothing says which files are to be read (exit 2)."""

    exit_code = 2


class HeaderUnfit(MappingRefused):
    """The header of an input file lacks columns that the mapping names (exit 4)."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Job:
    """One mapping, its plan, and the files it reads; `sha256` covers its lookup files too.

    `readings` are the envelopes of EDI files and `portions` what this mapping reads of them, by the
    ordinal of the file. Several mappings may read one EDI file; it has an ordinal for each of them.
    `forms` are those of files that are written in another way than the mapping says, `headers` the
    names of the columns of files that have a header.
    """

    path: Path
    plan: Plan
    sha256: str
    files: tuple[tuple[SourceFile, Snapshot], ...]
    readings: Mapping[int, Reading] = field(default_factory=dict)
    portions: Mapping[int, Portion] = field(default_factory=dict)
    forms: Mapping[int, Source] = field(default_factory=dict)
    headers: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def source_of(self, index: int) -> Source:
        """How the file of this ordinal is written."""
        return self.forms.get(index, self.plan.source)


def compiled(mappings: Sequence[Path]) -> dict[Path, Compiled]:
    """Compile the mappings of a run, before any file is looked at; one with `sources` gives several.

    Raises:
        MappingMissing, MappingRefused: a mapping cannot be used.
    """
    made: dict[Path, Compiled] = {}
    for path in dict.fromkeys(taken_apart(each)[0] for each in mappings):
        whole = read_mapping(path)[0]
        parts = [replace(whole, plan=each) for each in whole.plans] or [whole]
        made |= {part_of(path, each.plan.part): each for each in parts}
    names = [each.plan.name for each in made.values()]
    if len(set(names)) != len(names):
        raise MappingMissing("two mappings of a run have the same `name:`", code="C104",
                             help="the report tells mappings apart by name")  # fmt: skip
    return made


@dataclass(frozen=True, slots=True)
class Opened:
    """What a run reads, and the files that it sets aside; their ordinals follow those of the jobs.

    `known` are files that it reads though they were imported before; `remote` says which files were
    fetched, and from where.
    """

    jobs: list[Job]
    aside: tuple[Aside, ...] = ()
    known: tuple[Aside, ...] = ()
    remote: Mapping[Path, Remote] = field(default_factory=dict)


def open_jobs(
    mappings: Sequence[Path], inputs: Sequence[str], folder: RunFolder,
    warn: Callable[[str], None], own: Sequence[Path] = (), *, readiness: Readiness = AT_ONCE,
    reception: Reception | None = None, by_partner: bool = False,
    corrected: Mapping[Path, Path] | None = None,
    claims: Mapping[Path, Sequence[Path]] | None = None, before: Imported | None = None,
    s3_endpoint: str | None = None,
) -> Opened:  # fmt: skip
    """Compile the mappings, find the files, copy them, and compile again against their headers.

    Without inputs, what the mappings' `source.files` mean in the present folder. `own` are folders
    of this program, which need no word when they lie among the files. `readiness` says when a file
    counts as finished. `reception` judges who sent the interchanges of EDI files. With `by_partner`
    the mappings are those of the partners, and each reads what its partner sends. `corrected` are
    corrected files with the mapping of each; a person may have saved them with another delimiter.
    `claims` are the files of each mapping where that is known already. Where somebody has chosen the
    files so, all of them must be usable; of others those that are not are set aside. `before` are the
    files that were imported already, `s3_endpoint` is the store that s3:// means.

    Raises:
        MappingMissing, MappingRefused: a mapping cannot be used.
        SourceUnusable, HeaderUnfit: none of the files can be used, or one of those that were chosen.
    """
    refusals = Refusals(strict=corrected is not None or claims is not None)
    first = compiled(mappings)
    if by_partner:
        _each_reads_its_messages(first, reception.partners if reception else ())
    patterns = {
        str(path): None if corrected else each.plan.source.files for path, each in first.items()
    }
    if not inputs:
        _all_have_files(patterns)
    found, remote = _found(inputs, list(patterns.values()), readiness, folder, Servers(s3_endpoint))
    for original, refused in found.refused.items():
        with refusals.of(original):
            raise refused
    _say_left_alone(found, warn, own, list(patterns.values()), named=bool(inputs))
    plans = {path: each.plan.extract for path, each in first.items()}
    sharing = {str(path) for path, plan in plans.items() if plan is not None}
    if claims is not None:
        claimed = {str(path): list(claims.get(path, ())) for path in first}
    elif corrected:
        claimed = {
            str(path): [each for each in found.files if corrected[each] == path] for path in first
        }
    else:
        by_name = {
            str(path) for path, each in first.items()
            if each.plan.expects is not None and each.plan.expects.name is not None
            and each.plan.expects.name.glob == each.plan.source.files
        }  # fmt: skip
        claimed = assign(found.files, patterns, sharing, by_name)
    for name, files in claimed.items():
        if not files and not _comes_later(name, patterns, found):
            warn(
                f"no file for {name}, which reads {meant(patterns[name])}{_seen(found) if inputs else ''}"
            )
    copies = _Copies(found, folder)
    desk = Desk(reception or Reception(), by_partner=by_partner)
    for original in found.files:
        claiming = {
            path: plan for path, plan in plans.items()
            if plan is not None and original in claimed[str(path)]
        }  # fmt: skip
        if claiming:
            encodings = {first[path].plan.source.encoding for path in claiming}
            with (
                refusals.of(original),
                copies.perhaps_not_meant(original, {p: patterns[str(p)] for p in claiming}),
            ):
                desk.open(original, copies.of(original), claiming, encodings)
    ordinals = count()
    before = before or Imported()
    again = _read_together(first, claimed, copies, before)
    jobs = [
        _job(
            path,
            once.plan,
            claimed[str(path)],
            copies,
            ordinals,
            desk,
            warn,
            refusals,
            replace(before, skip=False) if path in again else before,
            corrected=corrected is not None,
        )
        for path, once in first.items()
    ]
    copies.done()
    _something_is_left(jobs, found, refusals, warn)
    of_mapping = {
        file: first[Path(name)].plan.name for name, files in claimed.items() for file in files
    }
    aside = tuple(_set_aside(found, refusals, of_mapping, ordinals, before, copies))
    return Opened(jobs, aside, tuple(_known(jobs, before)), remote)


def _found(
    inputs: Sequence[str],
    patterns: Sequence[str | None],
    readiness: Readiness,
    folder: RunFolder,
    servers: Servers,
) -> tuple[Found, dict[Path, Remote]]:
    """Find the files, those of servers included: each argument's are fetched to a folder of its own."""
    for each in inputs:
        refuse_unknown_scheme(each)
    into = folder.path.absolute() / "snapshots" / "fetched"
    fetched = {
        each: servers.fetch(each, patterns, readiness, into / str(number))
        for number, each in enumerate(dict.fromkeys(inputs))
        if is_remote(each)
    }
    places = [str(fetched[each].folder) if each in fetched else each for each in inputs]
    found = find_files(places or ["."], patterns, readiness)
    unfinished, refused = dict(found.unfinished), dict(found.refused)
    for one in fetched.values():
        unfinished |= one.unfinished
        refused |= one.refused
    remote = {file: each for one in fetched.values() for file, each in one.files.items()}
    return replace(found, unfinished=unfinished, refused=refused), remote


def _read_together(
    first: Mapping[Path, Compiled], claimed: Mapping[str, Sequence[Path]], copies: "_Copies",
    before: Imported,
) -> set[Path]:  # fmt: skip
    """The sources of which no file is skipped, because another source of their mapping has a new one.

    New orders need the customers of yesterday's file, and corrected lines the orders that they are of.
    """
    parts: dict[Path, list[Path]] = {}
    for path in first if before.skip else ():
        parts.setdefault(taken_apart(path)[0], []).append(path)
    again: set[Path] = set()
    for whole, paths in parts.items():
        if len(paths) == 1:
            continue
        sha256 = read_mapping(whole)[1]
        for original in (file for path in paths for file in claimed[str(path)]):
            try:
                if before.skips(copies.of(original).sha256, sha256):
                    continue
            except StopRun:  # said where its job is made
                pass
            again.update(paths)
            break
    return again


def _known(jobs: Sequence[Job], before: Imported) -> Iterator[Aside]:
    """The delimited files of a run that were imported before; of EDI its control references say so."""
    for job in jobs:
        for source, snapshot in job.files if job.plan.extract is None else ():
            if snapshot.sha256 in before.runs:
                says = f"run {before.runs[snapshot.sha256]} has imported the same content"
                yield Aside(source, snapshot.original, IMPORTED, says)


def _something_is_left(
    jobs: Sequence[Job], found: Found, refusals: Refusals, warn: Callable[[str], None]
) -> None:
    """Stop where nothing of the files can be used."""
    if any(job.files for job in jobs):
        return
    later = {file: reason for file, reason in found.unfinished.items() if reason != EMPTY}
    if later and not refusals.of_files:
        raise _nothing_finished(later)
    for original, refused in list(refusals.of_files.items())[1:]:
        warn(f"{original.name} {words_of(refused, original.name, str(original))}")
    for refused in refusals.of_files.values():
        raise refused


def _nothing_finished(later: Mapping[Path, str]) -> SourceUnusable:
    """A marker that never comes, or a file that is never renamed, must not pass for a quiet night."""
    file, reason = next(iter(later.items()))
    more = f" (and {len(later) - 1} more)" if len(later) > 1 else ""
    ways = {
        STILL_WRITTEN: "have it sent under a name ending in .part and renamed at the end",
        LOOKS_UNFINISHED: f"rename it to {finished_name(file).name} if it is finished",
    }
    way = ways.get(reason, "correct `marker` in pipeline.toml if it sends another one")
    return SourceUnusable(
        f"no file is finished: {file.name} {reason}{more}",
        help=f"run again when its sender has finished, ask its sender, or {way}",
    )


def _comes_later(name: str, patterns: Mapping[str, str | None], found: Found) -> bool:
    """Whether a file that is not finished yet is one that a mapping reads; an empty one is as good as none."""
    pattern, others = patterns[name], [each for each in patterns.values() if each is not None]
    return any(
        claims(pattern, file)
        if pattern is not None
        else not any(claims(other, file) for other in others)
        for file in (finished_name(each) for each, why in found.unfinished.items() if why != EMPTY)
    )


def _set_aside(
    found: Found, refusals: Refusals, of_mapping: Mapping[Path, str], ordinals: Iterator[int],
    before: Imported, copies: "_Copies",
) -> Iterator[Aside]:  # fmt: skip
    """Number the files of which nothing is imported, behind the others."""
    facts = {file: copies.of(file).facts for file in refusals.skipped}
    meant = dict.fromkeys([*found.meant, *refusals.of_files])
    shown = display_names(list(meant), found.least_parts)
    told = [
        *(
            (file, UNUSABLE, words_of(why, shown[file], str(file), file.name))
            for file, why in sorted(refusals.of_files.items())
        ),
        *((file, UNFINISHED, reason) for file, reason in found.unfinished.items()),
        *(
            (file, IMPORTED, f"skipped: run {before.runs[sha256]} has imported the same content")
            for file, sha256 in sorted(refusals.skipped.items())
        ),
    ]
    for file, code, says in told:
        name, mapping = shown[file], of_mapping.get(file, "")
        member = found.members.get(file)
        original = file if member is None else member.archive
        source = SourceFile(next(ordinals), name, "", size_of(original), mapping)
        yield Aside(source, original, code, says, facts.get(file, ()))


def failed(jobs: Sequence[Job], of_files: Mapping[int, StopRun]) -> Iterator[Aside]:
    """The files that could not be read to their end."""
    for job in jobs:
        for source, snapshot in job.files:
            if source.index in of_files:
                says = words_of(of_files[source.index], source.name)
                yield Aside(source, snapshot.original, UNUSABLE, says)


class _Copies:
    """The snapshots of a run's files, each taken when it is first asked for."""

    def __init__(self, found: Found, folder: RunFolder) -> None:
        self._found = found
        self._shown = display_names(found.files, found.least_parts)
        self._into = folder.path / "snapshots"
        self._taken: dict[Path, Snapshot] = {}
        self._archives: dict[Path, ArchiveCopy] = {}

    def of(self, original: Path) -> Snapshot:
        """Give the copy of a file."""
        if original not in self._taken:
            ordinal, name = len(self._taken), self._shown[original]
            member = self._found.members.get(original)
            self._taken[original] = (
                take_snapshot(original, self._into, ordinal=ordinal, name=name)
                if member is None
                else take_member(self._archive(member.archive), member, self._into,
                                 ordinal=ordinal, name=name)
            )  # fmt: skip
        return self._taken[original]

    def _archive(self, archive: Path) -> ArchiveCopy:
        if archive not in self._archives:
            self._archives[archive] = copy_archive(
                archive, self._into, ordinal=len(self._archives)
            )  # fmt: skip
        return self._archives[archive]

    def file_name(self, original: Path) -> str:
        """The name of a file as it is read: without the ending of what it was packed with."""
        member = self._found.members.get(original)
        return unpacked_name(original.name) if member is None else member.name

    def done(self) -> None:
        """Remove the copies of archives: what was wanted of them is unpacked."""
        for archive in self._archives.values():
            archive.path.unlink(missing_ok=True)

    @contextmanager
    def perhaps_not_meant(
        self, original: Path, patterns: Mapping[Path, str | None]
    ) -> Iterator[None]:
        """Let the refusal of one file among several say how mappings leave it alone.

        `patterns` are the `source.files` of the mappings that read it.
        """
        try:
            yield
        except StopRun as refused:
            if refused.exit_code == SourceUnusable.exit_code and len(self._shown) > 1:
                ways = " and ".join(
                    f"narrow `source.files` ({meant(pattern)}) in {path}"
                    if pattern is not None
                    else f"name the files of {path} there, `source: {{files: …}}`"
                    for path, pattern in patterns.items()
                )
                stray = f"if {self._shown[original]} is not meant, {ways}"
                refused.help = f"{refused.help}; {stray}" if refused.help else stray
            raise


def _job(
    path: Path, plan: Plan, claimed: Sequence[Path], copies: _Copies, ordinals: Iterator[int],
    desk: Desk, warn: Callable[[str], None], refusals: Refusals, before: Imported, *, corrected: bool,
) -> Job:  # fmt: skip
    """One mapping with its files; an EDI file of which it reads nothing is left to the others."""
    if plan.extract is not None:
        originals = [each for each in claimed if path in desk.portions.get(each, ())]
        taken = [_numbered(copies.of(each), plan, ordinals) for each in originals]
        return _of_envelopes(path, taken, originals, desk, warn)
    made, sha256 = read_mapping(path)
    files, forms, headers = [], {}, {}
    reads: dict[str, None] = {}  # numbered columns go as far as those of one of the files
    for original in claimed:
        with refusals.of(original), copies.perhaps_not_meant(original, {path: plan.source.files}):
            copy = copies.of(original)
            if before.skips(copy.sha256, sha256):
                refusals.skipped[original] = copy.sha256
                continue
            form = plan.source
            if corrected:
                form = adapted(copy.path, form, copy.name)
            elif is_workbook(copies.file_name(original)):
                form = _as_text(copy, form)
            form = settled(copy.path, form, copy.name)
            if form.encoding in plan.source.fallbacks:
                warn(f"{copy.name} is not in {plan.source.encoding}: read as {form.encoding}")
            header = read_header(copy.path, form, name=copy.name)
            made, sha256 = fitting(path, plan, header, copy.name)
            reads |= dict.fromkeys(made.plan.reads)
            source, _ = numbered = _numbered(copy, plan, ordinals)
            files.append(numbered)
            headers[source.index] = tuple(header)
            if form is not plan.source:
                forms[source.index] = form
    if made.plan.belongs is None and not made.plan.is_reference:  # once for all sources
        _say_warnings(path, made, warn)
    whole = replace(made.plan, reads=tuple(sorted(reads))) if reads else made.plan
    return Job(path, whole, sha256, tuple(files), forms=forms, headers=headers)


def _as_text(copy: Snapshot, source: Source) -> Source:
    """Write the sheet that a mapping reads as the text that it reads otherwise; gives how it is written."""
    if source.format == "fixed":
        raise SourceUnusable(
            f"{copy.name} is a workbook, and its mapping reads fixed-width text",
            help="ask for the text that its `positions` describe, or write a mapping of the sheet: its columns have names",
        )
    # they would be looked for in the text of the cells; and the rows of a sheet are all of one width
    for key in ("escape", "record_end", "records"):
        if getattr(source, key) is not None:
            raise SourceUnusable(
                f"{copy.name} is a workbook, and its mapping says `{key}`",
                help=f"leave out `source.{key}`",
            )
    plain = corrected_form(source)
    form = replace(source, delimiter=plain.delimiter, quote=plain.quote)
    dialect = Dialect(form.encoding, form.delimiter, form.quote)
    sheet_to_text(copy.path, source.sheet, dialect, copy.name)
    return form if form != source else source


@contextmanager
def as_read(file: Path, source: Source) -> Iterator[tuple[Path, str, Source]]:
    """Give the text that a run would read of one file, its name, and how it is written.

    A packed file is unpacked, and of a zip archive the first member that the mapping means; of a workbook it is the
    text of the sheet. Copies are gone when the context ends.

    Raises:
        SourceUnusable, SnapshotFailed: as in a run.
    """
    if not (is_packed(file.name) or is_workbook(file.name)):
        yield file, str(file), source
        return
    with TemporaryDirectory() as folder:
        into, inner, name = Path(folder), unpacked_name(file.name), str(file)
        if is_zip(file):
            members = members_meant(file, [source.files], whole=True) or {}
            member = next(iter(members.values()))
            inner, name = member.name, f"{file}/{member.name}"
            archive = copy_archive(file, into, ordinal=0)
            copy = take_member(archive, member, into, ordinal=0, name=name)
        else:
            copy = take_snapshot(file, into, ordinal=0, name=name)
        sheet = is_workbook(inner) and source.format in TEXT_FORMATS
        yield copy.path, name, _as_text(copy, source) if sheet else source


def _numbered(copy: Snapshot, plan: Plan, ordinals: Iterator[int]) -> tuple[SourceFile, Snapshot]:
    return SourceFile(next(ordinals), copy.name, copy.sha256, copy.size_bytes, plan.name), copy


def _each_reads_its_messages(first: Mapping[Path, Compiled], partners: Sequence[Partner]) -> None:
    """Refuse mappings of partners that do not read what they are named for."""
    for partner in partners:
        for message, mapping in partner.mappings.items():
            plan = first[Path(mapping)].plan.extract
            if plan is None or plan.syntax is not partner.syntax or message not in plan.messages:
                reads = "no EDI" if plan is None else f"{plan.syntax} {', '.join(plan.messages)}"
                raise MappingMissing(
                    f"{mapping} is the mapping of {message} for partner {partner.name}, but it reads {reads}",
                    code="C101", help=f"correct `mappings` in [partner.{partner.name}]",
                )  # fmt: skip


def _all_have_files(patterns: Mapping[str, str | None]) -> None:
    lacking = [name for name, pattern in patterns.items() if pattern is None]
    if lacking:
        raise InputsMissing(
            f"no file is named, and {lacking[0]} has no `source.files`", code="C112",
            help="name files or folders after the options, or add `source: {files: …}`",
        )  # fmt: skip


def _seen(found: Found) -> str:
    """The files of a folder that no mapping means: one of them may have a name nobody expected."""
    others = [path.name for path, reason in found.left_alone.items() if reason == NOT_MEANT]
    more = f" and {len(others) - _SEEN_MAX} more" if len(others) > _SEEN_MAX else ""
    return f"; other files there: {', '.join(others[:_SEEN_MAX])}{more}" if others else ""


def _say_left_alone(
    found: Found, warn: Callable[[str], None], own: Sequence[Path],
    patterns: Sequence[str | None], *, named: bool,
) -> None:  # fmt: skip
    ours = {path.resolve() for path in own}
    for left, reason in (found.left_alone if named else {}).items():
        # other files of a folder are nobody's concern
        if reason != NOT_MEANT and left.resolve() not in ours:
            warn(f"left alone: {left.name} {reason}")
    for left, reason in found.left_alone.items():
        almost = (each for each in patterns if each and almost_claims(each, left))
        pattern = next(almost, None) if reason == NOT_MEANT else None
        if pattern is not None:
            warn(
                f"left alone: {left.name} is {meant(pattern)} but for upper and lower case, which are different"
            )
    for left, reason in found.unfinished.items():
        warn(f"left alone: {left.name} {reason}")


def _say_warnings(path: Path, made: Compiled, warn: Callable[[str], None]) -> None:
    for mistake in made.warnings:
        warn(f"{path}:{mistake.line}: {mistake.message} [{mistake.code}]")


def fitting(path: Path, plan: Plan, header: Sequence[str], name: str) -> tuple[Compiled, str]:
    """Compile a mapping against the header of a file; gives it and its hash.

    `plan` is the mapping without the header.

    Raises:
        HeaderUnfit: the header lacks columns.
        SourceUnusable: it lacks all of them; then the file is another one, and no line of the
            mapping is to blame.
        MappingRefused: the mapping has other mistakes.
    """
    try:
        return read_mapping(path, header)
    except MappingRefused as refused:
        if not all(mistake.code in _HEADER_CODES for mistake in refused.mistakes):
            raise
        if len(plan.own_reads) > 1 and not set(plan.own_reads) & set(header):
            delimiter = plan.source.delimiter
            apart = (
                f", and whether {delimiter!r} is its delimiter"
                if len(header) == 1 and delimiter
                else ""
            )
            raise SourceUnusable(
                f"{name} has none of the columns that {path} names",
                help=f"its header is: {', '.join(header)}; look whether it is the right file{apart}",
            ) from None
        unfit = HeaderUnfit(refused.name, refused.text, refused.mistakes)
        unfit.message = f"{name} does not have the columns that {path} names"
        unfit.help = f"its header is: {', '.join(header)}"
        raise unfit from None


def _of_envelopes(
    path: Path, taken: list[tuple[SourceFile, Snapshot]], originals: Sequence[Path], desk: Desk,
    warn: Callable[[str], None],
) -> Job:  # fmt: skip
    """Compile once more for the hash; what each file says of itself is known already."""
    made, sha256 = read_mapping(path)
    _say_warnings(path, made, warn)
    files = [source.index for source, _ in taken]
    readings = [desk.readings[original] for original in originals]
    portions = [desk.portions[original][path] for original in originals]
    return Job(
        path, made.plan, sha256, tuple(taken),
        dict(zip(files, readings, strict=True)), dict(zip(files, portions, strict=True)),
    )  # fmt: skip
