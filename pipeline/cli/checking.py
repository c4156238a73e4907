"""mapping check: all mistakes of a mapping at once; mapping test: the tests that stand in it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import mapping_group
from pipeline.cli.session import Session
from pipeline.cli.shape import Words, verb
from pipeline.config import missing_file
from pipeline.mapping.mistakes import MappingRefused, Mistake, Weight, render

if TYPE_CHECKING:
    from pipeline.mapping.compile import Compiled
    from pipeline.run.trial import Tried


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
    """Check a mapping; with FILE also against its header.

    Without FILE the names of columns are not checked.
    """
    for what, path in (("mapping file", mapping), ("file", file)):
        if path is not None and not (session.cwd / path).is_file():
            raise missing_file(what, path, session.cwd)
    try:
        compiled = _compiled(mapping, file)
    except MappingRefused as refused:
        if refused.exit_code == Exit.USAGE:
            return _told(session, mapping, refused.mistakes, refused.text, form)
        raise
    return _told(session, mapping, list(compiled.warnings), compiled.text, form)


def _compiled(mapping: Path, file: Path | None) -> "Compiled":
    from pipeline.run.source import read_mapping

    try:
        compiled, _ = read_mapping(mapping)
        if file is None or compiled.plan.extract is not None:  # an interchange has no header
            return compiled
        source = compiled.plan.source
    except MappingRefused as refused:
        if file is None or refused.source is None:
            raise
        source = refused.source  # so much is sound: the columns are judged with all the rest
    from pipeline.read import read_header

    return read_mapping(mapping, read_header(file, source))[0]


def _told(session: Session, path: Path, mistakes: list[Mistake], text: str, form: str) -> int:
    code = Exit.INTERNAL if any(m.weight is Weight.ERROR for m in mistakes) else Exit.OK
    console = session.console
    if console.look.json or form == "json":
        console.json_result(code, {"mapping": path, "mistakes": [asdict(m) for m in mistakes]})
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
    counted = f"({tried.orders} orders, {tried.rejections} rejections)"
    lines = [f"{'ok  ' if tried.fine else 'FAIL'} {path}:{tried.line} {tried.name}  {counted}"]
    for each in tried.differences:
        lines += [
            f"     at {each.at}",
            f"       expected {each.expected}",
            f"       got      {each.got}",
        ]
    lines += [f"     the API would refuse {refusal}" for refusal in tried.refusals]
    return lines
