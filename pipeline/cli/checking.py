"""mapping check: all mistakes of a mapping at once."""

from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import mapping_group
from pipeline.cli.session import Session
from pipeline.cli.shape import Words, verb
from pipeline.config import BadConfig, missing_file
from pipeline.mapping.mistakes import MISTAKES, MappingRefused, Mistake, Weight, in_order, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.mapping.compile import Compiled
    from pipeline.mapping.plan import Source
    from pipeline.run.fitting import Fit
    from pipeline.run.sample_files import Named, SampleFile
    from pipeline.run.sampling import Rejected

    _Files: TypeAlias = Sequence[SampleFile]

_IDLE_SHOWN = 12
_YAML = frozenset({".yaml", ".yml"})


@verb(
    mapping_group, "check",
    "pipeline mapping check mappings/wms.yaml --sample orders.csv",
    "pipeline mapping check mappings/wms.yaml --sample orders_1.csv --sample lines=items.csv",
    "pipeline mapping check mappings/*.yaml --format sarif > mappings.sarif",
    means={
        Exit.OK: "the mappings are usable; warnings are told",
        Exit.INTERNAL: "one of them has mistakes",
        Exit.USAGE: "a bad option, or there is no such file",
        Exit.INPUT: "FILE cannot be read as the mapping declares",
    },
)  # fmt: skip
@click.option("--format", "form", type=Words(["text", "json", "github", "sarif"]), default="text",
              show_default=True, help="How mistakes are written.")  # fmt: skip
@click.option("--sample", "samples", multiple=True, metavar="[NAME=]FILE",
              help="A file as the mapping reads it, to hold it against; of `sources` one for each, as "
              "often as needed.")  # fmt: skip
@click.option("--tests", is_flag=True,
              help="Warn of branches that no test of the mapping reaches (W114).")  # fmt: skip
@click.argument("paths", nargs=-1, required=True, metavar="MAPPING... [FILE...]",
                type=click.Path(path_type=Path))  # fmt: skip
@click.pass_obj
def check(
    session: Session, paths: tuple[Path, ...], samples: tuple[str, ...], form: str, *, tests: bool
) -> int:
    """Check mappings; with --sample also against what is in a file.

    Of text its header must have the columns that the mapping names, and its first 10,000 rows are
    taken through the stages of a run: what would be rejected is a warning per column (W107, W108),
    and so are columns without a value (W109) and those that nothing is made of (W110);
    what rows of an order say together is for `plan`. Of fixed width its lines must have the length
    for the positions (M219, W106). Of EDI all of it is read: the messages that the mapping reads must be there (M407), and columns whose paths find nothing
    are warnings (W105). A packed file is unpacked for that, a workbook read as a run reads it. The
    sample is a local file; it may also stand last, as FILE. Of a mapping with `sources` each file is held
    against the one whose `files` means it, or that is named: lines=items.csv.

    Where `couriers` in pipeline.toml lists those of the account, others are warnings (W111).
    """
    mappings, last = _told_apart(paths, has_samples=bool(samples))
    files: list[Named] = []
    if samples or last:  # a check without a file needs nothing of a run
        from pipeline.run.sample_files import named_samples

        files = list(named_samples([*samples, *map(str, last)], session.cwd))
    named = [*(("mapping file", each) for each in mappings), *(("file", f.path) for f in files)]
    for what, path in named:
        if (session.cwd / path).is_dir():
            raise _folder(what, path, session.cwd)
        if not (session.cwd / path).is_file():
            raise _remote(path) or missing_file(what, path, session.cwd)
    checked = [_checked(session, path, files, form, tests=tests) for path in mappings]
    return _told(session, checked, form)


def _told_apart(
    paths: tuple[Path, ...], *, has_samples: bool
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """The mappings, and the samples behind them: those that are no YAML, where no option names any."""
    count = len(paths)
    while not has_samples and count > 1 and paths[count - 1].suffix.lower() not in _YAML:
        count -= 1
    return paths[:count], paths[count:]


def _folder(what: str, path: Path, cwd: Path) -> BadConfig:
    inside = sorted(each.name for each in (cwd / path).iterdir() if each.is_file())
    such = f", such as {path / inside[0]}" if inside else ""
    return BadConfig(f"{path} is a folder, and no {what}", help=f"name one file{such}", code="C103")


@dataclass(frozen=True, slots=True)
class _Checked:
    """What was found in one mapping; `read` says what of a file was looked at, for JSON."""

    path: Path
    mistakes: list[Mistake]
    text: str
    read: "Mapping[str, object]" = field(default_factory=dict)
    rejected: "Sequence[Rejected]" = ()

    @property
    def usable(self) -> bool:
        return not any(mistake.weight is Weight.ERROR for mistake in self.mistakes)


def _checked(
    session: Session, mapping: Path, named: "Sequence[Named]", form: str, *, tests: bool
) -> _Checked:
    from pipeline.mapping.couriers import unlisted_couriers

    try:
        with ExitStack() as kept:
            compiled, files = _compiled(mapping, named, kept)
            rejected: list[Rejected] = []
            fitting, found = _fitting(compiled, mapping, files, rejected)
            if files:
                from pipeline.run.sample_files import unmeant

                fitting = [*fitting, *unmeant(compiled, files)]
    except MappingRefused as refused:
        if refused.exit_code == Exit.USAGE:
            return _Checked(mapping, refused.mistakes, refused.text)
        raise
    couriers = unlisted_couriers(compiled, _couriers(session))
    untested = _untested(mapping, compiled) if tests else []
    mistakes, read = in_order([*compiled.warnings, *fitting, *couriers, *untested]), {}
    told = form == "text" and not session.console.look.json
    if found is not None:
        read = {"read": {**asdict(found), "mistakes": len(found.mistakes)}}
        if told:
            _say_read(session, files[0].name, found)
    left = [
        each.part for each in compiled.plans if files and each.part not in {f.part for f in files}
    ]
    if left and told:
        session.console.note(
            f"{mapping}: without a sample, not looked at: {', '.join(left)} (--sample {left[0]}=FILE)"
        )
    return _Checked(mapping, mistakes, compiled.text, read, rejected)


def _untested(mapping: Path, compiled: "Compiled") -> list[Mistake]:
    """What the tests of a mapping never reach; without tests that is one warning."""
    from pipeline.run.coverage import unreached

    document, hint = compiled.document, MISTAKES["W114"].fix
    if not compiled.trials:
        return [Mistake("W114", "the mapping has no tests", 1, 1, 1, hint, Weight.WARNING)]
    found = []
    for gap in unreached(mapping, compiled):
        place = document.key_place(document.key_on(gap.line))
        text = f"no test reaches {gap.name}: {gap.text}"
        found.append(
            Mistake("W114", text, place.line, place.column, place.length, hint, Weight.WARNING)
        )
    return found


def _couriers(session: Session) -> frozenset[str]:
    """The courier codes of the account; none where nobody has listed them."""
    listed = (session.loaded or session.load()).values["couriers"]
    return frozenset(map(str, listed)) if isinstance(listed, tuple) else frozenset()


def _remote(path: Path) -> BadConfig | None:
    """Say that files on servers are not looked at; None where the path means none."""
    from pipeline.intake import is_remote

    # as a path, the slashes of a URL are one
    if not is_remote(str(path).replace(":/", "://", 1)):
        return None
    return BadConfig(
        "mapping check reads local files only", help="fetch one of the files, and name that",
        code="C103",
    )  # fmt: skip


def _fitting(
    compiled: "Compiled", mapping: Path, files: "_Files", rejected: "list[Rejected]"
) -> "tuple[Sequence[Mistake], Fit | None]":
    """What of a mapping does not fit its files."""
    if not files:
        return [], None
    if compiled.plan.extract is None:
        return _fitting_text(compiled, mapping, files, rejected), None
    name, path = files[0].name, files[0].path
    from pipeline.read import open_edi
    from pipeline.run.fitting import fit

    encoding = compiled.plan.source.encoding
    found = fit(compiled, str(mapping), open_edi(path, name, encoding=encoding))
    return found.mistakes, found


def _fitting_text(
    compiled: "Compiled", mapping: Path, files: "_Files", rejected: "list[Rejected]"
) -> "Sequence[Mistake]":
    from pipeline.run.fitting import fit_lines
    from pipeline.run.sampling import fit_rows, fit_sources

    lines: list[Mistake] = []
    for each in files:
        # of records of several types each has a length of its own: those that do not fit are rows
        # that cannot be read (W108)
        if each.source.format == "fixed" and each.source.records is None:
            part = compiled.of_part(each.part) if each.part else compiled
            lines += fit_lines(part, str(mapping), each.path, each.name)
    if any(mistake.weight is Weight.ERROR for mistake in lines):
        return lines
    if compiled.plans:
        return [*lines, *fit_sources(compiled, files, rejected)]
    file = files[0]
    name = Path(file.name).name
    return [*lines, *fit_rows(compiled, file.path, name, file.source, file.header, rejected)]


def _say_read(session: Session, file: str, found: "Fit") -> None:
    """What of an EDI file was looked at, on stderr."""
    console = session.console
    if not any(found.messages.values()):
        return
    kinds = ", ".join(f"{count:,} × {kind}" for kind, count in found.messages.items())
    console.note(f"{file}: {kinds}; {found.rows:,} row{'' if found.rows == 1 else 's'}")
    if found.rejected:
        console.warn(
            f"{found.rejected:,} of {found.rows:,} rows are of rejected messages; "
            f"`pipeline edi show {file} --problems` says why"
        )
    if found.idle:
        shown = ", ".join(found.idle[:_IDLE_SHOWN])
        more = len(found.idle) - _IDLE_SHOWN
        console.note(
            "no values, but another path of the column has some: "
            + shown + (f" and {more:,} more" if more > 0 else "")
        )  # fmt: skip


def _compiled(
    mapping: Path, named: "Sequence[Named]", kept: ExitStack
) -> "tuple[Compiled, _Files]":
    """The mapping, held against the columns of files, and these as text while `kept` is open."""
    from pipeline.mapping_file import read_mapping

    sources: Mapping[str, Source]
    try:
        compiled, _ = read_mapping(mapping)
        if not named:
            return compiled, ()
        sources = {each.part: each.source for each in compiled.plans or (compiled.plan,)}
        bare = compiled.plan.extract is not None  # an interchange has no header
        files = _opened(mapping, named, sources, kept, bare=bare)
        if bare:
            return compiled, files
    except MappingRefused as refused:
        sources = refused.sources or ({} if refused.source is None else {"": refused.source})
        # the columns are judged with all the rest where so much is sound
        if not named or not sources:
            raise
        files = _opened(mapping, named, sources, kept)
    if "" in sources:
        return read_mapping(mapping, files[0].header)[0], files
    return read_mapping(mapping, headers={each.part: each.header for each in files})[0], files


def _opened(
    mapping: Path, named: "Sequence[Named]", sources: "Mapping[str, Source]", kept: ExitStack, *,
    bare: bool = False,
) -> "_Files":  # fmt: skip
    from pipeline.run.sample_files import of_sources, one_sample, opened

    if "" in sources:
        given = {"": one_sample(named, str(mapping))}
    else:
        given = of_sources(named, sources, str(mapping))
    return [opened(file, sources[part], part, kept, bare=bare) for part, file in given.items()]


def _told(session: Session, checked: list[_Checked], form: str) -> int:
    from pipeline.cli.annotations import annotation, sarif

    code = Exit.OK if all(each.usable for each in checked) else Exit.INTERNAL
    console = session.console
    if console.look.json or form == "json":
        told = [
            {"mapping": each.path, "mistakes": [asdict(m) for m in each.mistakes], **each.read}
            for each in checked
        ]
        console.json_result(code, told[0] if len(told) == 1 else {"mappings": told})
    elif form == "sarif":
        console.result(sarif({each.path: each.mistakes for each in checked}))
    elif form == "github":
        lines = [annotation(each.path, m) for each in checked for m in each.mistakes]
        if lines:
            console.result("\n".join(lines))
    else:
        for each in checked:
            if each.mistakes:
                console.note(render(each.mistakes, str(each.path), each.text))
            verdict = f"{each.path} {_verdict(each)}"
            console.result(f"{verdict}: {_counted(each.mistakes)}")
        if len(checked) > 1:
            console.result(_summed_up(checked))
    return code


def _verdict(checked: _Checked) -> str:
    """Whether a mapping is usable, and whether most rows of a sample would be rejected."""
    if not checked.usable:
        return "cannot be used"
    most = [each for each in checked.rejected if each.rows * 2 > each.of]
    told = (f"{each.rows:,} of {each.of:,} rows of {each.file}" for each in most)
    return f"is usable, but {' and '.join(told)} would be rejected" if most else "is usable"


def _summed_up(checked: list[_Checked]) -> str:
    every = [mistake for each in checked for mistake in each.mistakes]
    bad = sum(not each.usable for each in checked)
    verdict = f"{bad} of them cannot be used" if bad else "all of them are usable"
    return f"{len(checked)} mappings, {verdict}: {_counted(every)}"


def _counted(mistakes: list[Mistake]) -> str:
    words = []
    for weight, word in ((Weight.ERROR, "mistake"), (Weight.WARNING, "warning")):
        number = sum(m.weight is weight for m in mistakes)
        if number:
            words.append(f"{number} {word}{'s' if number > 1 else ''}")
    return ", ".join(words) or "no mistakes"
