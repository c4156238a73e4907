"""mapping check: all mistakes of a mapping at once; mapping test: the tests that stand in it."""

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import mapping_group
from pipeline.cli.session import Session
from pipeline.cli.shape import Words, verb
from pipeline.config import BadConfig, missing_file
from pipeline.mapping.mistakes import MappingRefused, Mistake, Weight, in_order, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.mapping.compile import Compiled
    from pipeline.mapping.plan import Source
    from pipeline.run.fitting import Fit
    from pipeline.run.trial import Tried

    _Text: TypeAlias = tuple[Path, str, Source]  # of a file, its name, and how it is written

_IDLE_SHOWN = 12


@verb(
    mapping_group, "check",
    "pipeline mapping check mappings/wms.yaml",
    "pipeline mapping check mappings/wms.yaml orders.csv",
    "pipeline mapping check mappings/wms.yaml --format github",
    means={
        Exit.OK: "the mapping is usable; warnings are told",
        Exit.INTERNAL: "it has mistakes",
        Exit.USAGE: "a bad option, or there is no such file",
        Exit.INPUT: "FILE cannot be read as the mapping declares",
    },
)  # fmt: skip
@click.option("--format", "form", type=Words(["text", "json", "github"]), default="text",
              show_default=True, help="How mistakes are written.")  # fmt: skip
@click.argument("mapping", type=click.Path(path_type=Path))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def check(session: Session, mapping: Path, file: Path | None, form: str) -> int:
    """Check a mapping; with FILE also against what is in it.

    Of delimited text its header is looked at: each column that the mapping names must be there. Of
    fixed width its first lines: they must have the length for the positions (M219, W106). Of EDI all
    of it is read: the messages that the mapping reads must be there (M407), and columns whose paths
    find nothing are warnings (W105). Without FILE none of this is checked. A packed file is unpacked for that, a
    workbook read as a run reads it. FILE is a local one.
    """
    for what, path in (("mapping file", mapping), ("file", file)):
        if path is not None and not (session.cwd / path).is_file():
            raise _remote(path) or missing_file(what, path, session.cwd)
    try:
        with ExitStack() as kept:
            compiled, text = _compiled(mapping, file, kept)
            fitting, found = _fitting(compiled, mapping, text)
    except MappingRefused as refused:
        if refused.exit_code == Exit.USAGE:
            return _told(session, mapping, refused.mistakes, refused.text, form)
        raise
    mistakes, read = in_order([*compiled.warnings, *fitting]), {}
    if text is not None and found is not None:
        read = {"read": {**asdict(found), "mistakes": len(found.mistakes)}}
        if form == "text" and not session.console.look.json:
            _say_read(session, text[1], found)
    return _told(session, mapping, mistakes, compiled.text, form, read)


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
    compiled: "Compiled", mapping: Path, text: "_Text | None"
) -> "tuple[Sequence[Mistake], Fit | None]":
    """What of a mapping fits nothing in a file, for files without a header."""
    if text is None:
        return [], None
    path, name, _ = text
    if compiled.plan.source.format == "fixed":
        from pipeline.run.fitting import fit_lines

        return fit_lines(compiled, str(mapping), path, name), None
    if compiled.plan.extract is None:
        return [], None
    from pipeline.read import open_edi
    from pipeline.run.fitting import fit

    encoding = compiled.plan.source.encoding
    found = fit(compiled, str(mapping), open_edi(path, name, encoding=encoding))
    return found.mistakes, found


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


def _compiled(mapping: Path, file: Path | None, kept: ExitStack) -> "tuple[Compiled, _Text | None]":
    """The mapping, held against the columns of a file, and the file as text while `kept` is open."""
    from pipeline.mapping_file import read_mapping

    try:
        compiled, _ = read_mapping(mapping)
        if file is None:
            return compiled, None
        from pipeline.run.source import as_read

        source = compiled.plan.source
        if compiled.plan.extract is not None:  # an interchange has no header
            return compiled, kept.enter_context(as_read(file, source))
    except MappingRefused as refused:
        if file is None or refused.source is None:
            raise
        source = refused.source  # so much is sound: the columns are judged with all the rest
    from pipeline.read import read_header
    from pipeline.run.source import as_read

    text = path, name, form = kept.enter_context(as_read(file, source))
    header = read_header(path, form, name=Path(name).name)
    return read_mapping(mapping, header)[0], text


def _told(
    session: Session, path: Path, mistakes: list[Mistake], text: str, form: str,
    read: "Mapping[str, object] | None" = None,
) -> int:  # fmt: skip
    code = Exit.INTERNAL if any(m.weight is Weight.ERROR for m in mistakes) else Exit.OK
    console = session.console
    if console.look.json or form == "json":
        told = [asdict(mistake) for mistake in mistakes]
        console.json_result(code, {"mapping": path, "mistakes": told, **(read or {})})
    elif form == "github":
        if mistakes:
            console.result("\n".join(_annotation(path, mistake) for mistake in mistakes))
    else:
        if mistakes:
            console.note(render(mistakes, str(path), text))
        verdict = f"{path} is usable" if code is Exit.OK else f"{path} cannot be used"
        console.result(f"{verdict}: {_counted(mistakes)}")
    return code


def _counted(mistakes: list[Mistake]) -> str:
    words = []
    for weight, word in ((Weight.ERROR, "mistake"), (Weight.WARNING, "warning")):
        number = sum(m.weight is weight for m in mistakes)
        if number:
            words.append(f"{number} {word}{'s' if number > 1 else ''}")
    return ", ".join(words) or "no mistakes"


def _annotation(path: Path, mistake: Mistake) -> str:
    """One line that GitHub shows beside the code."""
    message = f"{mistake.message}{f' ({mistake.help})' if mistake.help else ''}"
    for sign, spelled in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        message = message.replace(sign, spelled)
    name = str(path).replace("%", "%25").replace(",", "%2C").replace(":", "%3A")
    return (
        f"::{mistake.weight.value} file={name},line={mistake.line},col={mistake.column},"
        f"endColumn={mistake.column + mistake.length},title={mistake.code}::{message}"
    )


@verb(
    mapping_group, "test",
    "pipeline mapping test mappings/wms.yaml",
    "pipeline mapping test mappings/*.yaml mappings/edi/*.yaml",
    "pipeline -q mapping test mappings/wms.yaml && echo fine",
    means={
        Exit.OK: "all tests passed",
        Exit.INTERNAL: "a test failed",
        Exit.USAGE: "a bad option, or a mapping that is not there or has mistakes",
    },
)  # fmt: skip
@click.argument("mappings", nargs=-1, required=True, metavar="MAPPING...",
                type=click.Path(path_type=Path))  # fmt: skip
@click.pass_obj
def test(session: Session, mappings: tuple[Path, ...]) -> int:
    """Run the tests that stand in mappings.

    Each goes through the stages of a real run, with a ledger that knows what the test says; nothing
    is sent.
    """
    from pipeline.run.trial import try_mapping

    for path in mappings:
        if not (session.cwd / path).is_file():
            raise missing_file("mapping file", path, session.cwd)
    tried = {path: try_mapping(path) for path in mappings}
    every = [each for listed in tried.values() for each in listed]
    failed = sum(not each.fine for each in every)
    code = Exit.INTERNAL if failed else Exit.OK
    console = session.console
    if console.look.json:
        told = [
            {"mapping": path, **asdict(each), "fine": each.fine}
            for path, listed in tried.items()
            for each in listed
        ]
        console.json_result(code, {"tests": told})
        return code
    for path, listed in tried.items():
        if not listed:
            console.note(f"{path} has no tests")
        for each in listed:
            console.result("\n".join(_tried_lines(path, each)))
    words = f"{len(every)} test{'' if len(every) == 1 else 's'}"
    console.result(f"{words}, {failed} failed" if failed else f"{words}, all passed")
    return code


def _tried_lines(path: Path, tried: "Tried") -> list[str]:
    from pipeline.report.summary import counted

    sums = f"({counted(tried.orders, 'order')}, {counted(tried.rejections, 'rejection')})"
    lines = [f"{'ok  ' if tried.fine else 'FAIL'} {path}:{tried.line} {tried.name}  {sums}"]
    for each in tried.differences:
        lines += [
            f"     at {each.at}",
            f"       expected {each.expected}",
            f"       got      {each.got}",
        ]
    lines += [f"     the API would refuse {refusal}" for refusal in tried.refusals]
    return lines
