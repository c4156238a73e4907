"""mapping test: the tests that stand in mappings, what they reach, and their expectations."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import mapping_group
from pipeline.cli.session import Session
from pipeline.cli.shape import Words, verb
from pipeline.config import missing_file

if TYPE_CHECKING:
    from pipeline.run.accepting import Acceptance
    from pipeline.run.coverage import Coverage, Gap
    from pipeline.run.trial import Tried

_KEYS_SHOWN = 10  # of a lookup table
_MEMBERS_SHOWN = 5  # of payloads


@verb(
    mapping_group, "test",
    "pipeline mapping test mappings/*.yaml mappings/edi/*.yaml",
    "pipeline mapping test mappings/wms.yaml --coverage",
    "pipeline mapping test mappings/wms.yaml -k storno --accept",
    means={
        Exit.OK: "all tests passed; with --accept they do now",
        Exit.INTERNAL: "a test failed, or its outcome was not accepted",
        Exit.USAGE: "a bad option, or a mapping that is not there, has mistakes, or cannot be written",
    },
)  # fmt: skip
@click.option("-k", "word", metavar="WORD", default="",
              help="Only tests whose name has WORD in it; capitals do not matter.")  # fmt: skip
@click.option("--coverage", "covering", is_flag=True,
              help="Also list what no test of the mapping reaches.")  # fmt: skip
@click.option("--accept", "accepting", is_flag=True,
              help="Write what comes of the rows into the expectations that differ; the change is shown first.")  # fmt: skip
@click.option("--yes", "agreed", is_flag=True, help="With --accept: write it without asking.")
@click.option("--format", "form", type=Words(["text", "json", "github"]), default="text",
              show_default=True, help="How the outcome is written.")  # fmt: skip
@click.argument("mappings", nargs=-1, required=True, metavar="MAPPING...",
                type=click.Path(path_type=Path))  # fmt: skip
@click.pass_obj
def test(
    session: Session, mappings: tuple[Path, ...], word: str, covering: bool, accepting: bool,
    agreed: bool, form: str,
) -> int:  # fmt: skip
    """Run the tests that stand in mappings.

    Each goes through the stages of a real run, with a ledger that knows what the test says; nothing
    is sent. What would be sent is also checked against the API's published document.

    --coverage lists, of all tests of a mapping, targets that never have a value, sections that are in
    no payload, cases and conditions that are never taken, true or false, defaults that are never
    needed, and keys of lookup tables that are never looked up. It fails nothing.

    --accept changes the members that a test lists and that differ, and nothing else of the file; a
    test with `expect: {}` gets all that comes of it. The diff is shown, and written when you agree:
    on a terminal it asks, elsewhere only --yes writes. What the API would refuse is never accepted.
    """
    for path in mappings:
        if not (session.cwd / path).is_file():
            raise missing_file("mapping file", path, session.cwd)
    if accepting:
        return _accept(session, mappings, word, agreed=agreed, form=form)
    if agreed:
        raise click.UsageError("--yes goes with --accept")
    from pipeline.mapping_file import read_mapping
    from pipeline.run.trial import results, unlisted

    ended = {path: list(results(path, read_mapping(path)[0], word)) for path in mappings}
    tried = {path: [each.tried for each in listed] for path, listed in ended.items()}
    missed = {path: unlisted(listed) for path, listed in ended.items()}
    covered = _covered(mappings) if covering else {}
    failed = any(not each.fine for listed in tried.values() for each in listed)
    code = Exit.INTERNAL if failed else Exit.OK
    if session.console.look.json or form == "json":
        session.console.json_result(code, {
            "tests": [
                {"mapping": path, **asdict(each), "fine": each.fine}
                for path, listed in tried.items()
                for each in listed
            ],
            "unlisted": [{"mapping": path, "members": each} for path, each in missed.items() if each],
            **({"coverage": [_as_json(path, each) for path, each in covered.items()]}
               if covering else {}),
        })  # fmt: skip
    elif form == "github":
        lines = [*_annotations(tried), *(_notice(p, g) for p, c in covered.items() for g in c.gaps)]
        if lines:
            session.console.result("\n".join(lines))
    else:
        _say(session, tried, word)
        for path, each in covered.items():
            session.console.result("\n".join(_covered_lines(path, each)))
        if not word and not failed:
            _say_unlisted(session, missed)
    return code


def _say_unlisted(session: Session, missed: "Mapping[Path, Sequence[str]]") -> None:
    """Say what no test of each mapping looks at, such as a target that is new."""
    for path, members in missed.items():
        if not members:
            continue
        more = len(members) - _MEMBERS_SHOWN
        said = ", ".join(members[:_MEMBERS_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
        number = "1 member" if len(members) == 1 else f"{len(members):,} members"
        session.console.note(
            f"{path}: {number} of the payloads {'is' if len(members) == 1 else 'are'} in no expectation "
            f"({said}); `exact: true` in a test compares all"
        )


def _say(session: Session, tried: "Mapping[Path, Sequence[Tried]]", word: str) -> None:
    console = session.console
    for path, listed in tried.items():
        if not listed and not word:
            console.note(f"{path} has no tests")
        told: set[str] = set()
        for each in listed:
            console.result("\n".join(_tried_lines(path, each, told)))
    every = [each for listed in tried.values() for each in listed]
    failed = sum(not each.fine for each in every)
    words = f"{len(every)} test{'' if len(every) == 1 else 's'}"
    if word and not every:
        console.result(f"no test has {word!r} in its name")
        return
    if not every:
        console.result("no tests")
        return
    console.result(f"{words}, {failed} failed" if failed else f"{words}, all passed")
    if failed and any(each.differences for each in every):
        wrong = [str(path) for path, listed in tried.items() if not all(t.fine for t in listed)]
        command = shlex.join(["pipeline", "mapping", "test", *wrong, "--accept"])
        console.note(
            f"What came of the rows may be right. See it as a change to the tests: {command}"
        )


def _tried_lines(path: Path, tried: "Tried", told: set[str]) -> list[str]:
    """What is said of a test; `told` are reasons that were given for an earlier one of the mapping."""
    from pipeline.report.summary import counted

    sums = f"({counted(tried.orders, 'order')}, {counted(tried.rejections, 'rejection')})"
    lines = [f"{'ok  ' if tried.fine else 'FAIL'} {path}:{tried.line} {tried.name}  {sums}"]
    for each in tried.differences:
        lines += [
            f"     at {each.at}",
            f"       expected {each.expected}",
            f"       got      {each.got}",
        ]
    if tried.unread:
        lines.append(f"     {'as above' if tried.unread in told else tried.unread}")
        told.add(tried.unread)
    lines += [f"     {refusal}" for refusal in tried.refusals]
    return lines


def _annotations(tried: "Mapping[Path, Sequence[Tried]]") -> Iterator[str]:
    for path, listed in tried.items():
        for each in listed:
            told = [f"at {d.at}: expected {d.expected}, got {d.got}" for d in each.differences]
            unread = [each.unread] if each.unread else []
            if not each.fine:
                yield _at(
                    path, "error", each.line, each.name, "\n".join([*told, *unread, *each.refusals])
                )


def _notice(path: Path, gap: "Gap") -> str:
    return _at(path, "notice", gap.line, "not reached by a test", _words(gap))


def _at(path: Path, kind: str, line: int, title: str, text: str) -> str:
    from pipeline.cli.annotations import escaped

    return (
        f"::{kind} file={escaped(str(path), name=True)},line={line},"
        f"title={escaped(title, name=True)}::{escaped(text)}"
    )


# -- coverage ---------------------------------------------------------------------------------


def _covered(mappings: Sequence[Path]) -> "dict[Path, Coverage]":
    from pipeline.mapping_file import read_mapping
    from pipeline.run.coverage import covered

    return {path: covered(path, read_mapping(path)[0]) for path in mappings}


_SEVERAL = {
    "target": "targets", "section": "sections", "branch": "branches", "condition": "conditions",
    "default": "defaults", "lookup key": "lookup keys",
}  # fmt: skip


def _covered_lines(path: Path, covered: "Coverage") -> Iterator[str]:
    yield ""
    yield f"what the tests of {path} reach"
    for part, (done, every) in covered.counts.items():
        yield f"  {done:>4,} of {every:>4,}  {_SEVERAL[part.value]}"
    if covered.unread:
        yield f"  tests whose rows cannot be read: {', '.join(covered.unread)}"
    if covered.gaps:
        yield "and what none of them does"
    for gap in covered.gaps:
        yield f"  {path}:{gap.line}: {_words(gap)}"


def _words(gap: "Gap") -> str:
    more = len(gap.keys) - _KEYS_SHOWN
    keys = ", ".join(gap.keys[:_KEYS_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    return f"{gap.name}: {gap.text}" + (f": {keys}" if keys else "")


def _as_json(path: Path, covered: "Coverage") -> dict[str, object]:
    counts = {part.value: {"reached": done, "all": every}
              for part, (done, every) in covered.counts.items()}  # fmt: skip
    gaps = [{**asdict(gap), "part": gap.part.value} for gap in covered.gaps]
    return {"mapping": path, "counts": counts, "gaps": gaps, "unread": covered.unread}


# -- accept -----------------------------------------------------------------------------------


def _accept(
    session: Session, mappings: Sequence[Path], word: str, *, agreed: bool, form: str
) -> int:
    from pipeline.run.accepting import acceptance, write

    console = session.console
    # one that is named twice, or by a link, is written once
    once: dict[Path, Path] = {}
    for path in mappings:
        once.setdefault((session.cwd / path).resolve(), path)
    found = [acceptance(path, word) for path in once.values()]
    changed = [each for each in found if each.taken]
    as_json = console.look.json or form == "json"
    if not as_json:
        for each in found:
            _show(session, each)
    written = bool(changed) and (agreed or (not as_json and _agrees(session, changed)))
    if written:
        for each in changed:
            write(each)
    code = Exit.OK if written or not changed else Exit.INTERNAL
    if any(each.left for each in found):
        code = Exit.INTERNAL
    if as_json:
        console.json_result(code, {"written": written, "mappings": [
            {"mapping": each.path, "accepted": each.taken, "diff": each.diff(),
             "left": [asdict(left) for left in each.left]}
            for each in found
        ]})  # fmt: skip
        return code
    _conclude(session, found, word, written=written)
    return code


def _show(session: Session, found: "Acceptance") -> None:
    if found.taken:
        session.console.result(found.diff())
    for each in found.left:
        session.console.note(f"{found.path}:{each.line} {each.name}: not accepted, {each.why}")


def _agrees(session: Session, changed: "Sequence[Acceptance]") -> bool:
    """Ask on a terminal; elsewhere nobody has agreed."""
    if not (sys.stdin.isatty() and session.console.interactive()):
        return False
    tests = sum(len(each.taken) for each in changed)
    names = ", ".join(str(each.path) for each in changed)
    question = f"Write the outcome of {tests} test{'' if tests == 1 else 's'} into {names}?"
    return click.confirm(question, default=False, err=True)


def _conclude(session: Session, found: "Sequence[Acceptance]", word: str, *, written: bool) -> None:
    changed = [each for each in found if each.taken]
    if not changed:
        session.console.result("there is nothing to accept")
        if not word:
            _say_unlisted(session, {each.path: each.unlisted for each in found})
    elif written:
        for each in changed:
            session.console.result(f"{each.path} is written: {', '.join(each.taken)}")
    else:
        names = [str(each.path) for each in changed]
        chosen = ["-k", word] if word else []
        command = ["pipeline", "mapping", "test", *names, *chosen, "--accept", "--yes"]
        session.console.note(f"Nothing is written. Write it: {shlex.join(command)}")
