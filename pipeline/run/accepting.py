"""What came of tests becomes what they expect: proposed as a new text of the mapping, then written.

Nothing is proposed that could not be sent, and nothing that the tests would not pass with.
"""

import difflib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.mapping.accepting import NotAcceptable, Outcome, accepted
from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused
from pipeline.mapping.trials import RULE_WORDS, Trial
from pipeline.mapping_file import lookup_file, read_mapping
from pipeline.model.stops import StopRun
from pipeline.run.trial import OF_THE_RUN, Result, Told, chosen, differing, is_it, unlisted

_TIMES = Counter(RULE_WORDS.values())
_WORD_OF = {code: word for word, code in RULE_WORDS.items() if _TIMES[code] == 1}


class NotWritten(StopRun):
    """The mapping could not be written, or was changed meanwhile (exit 2)."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Left:
    """A test that is not brought to what came of it, and why."""

    name: str
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A mapping with tests that expect what came: its text before and after.

    `taken` are the names of tests that change, `left` those that differ and stay as they are;
    `unlisted` are members of payloads that no expectation has.
    """

    path: Path
    before: str
    after: str
    taken: tuple[str, ...]
    left: tuple[Left, ...]
    unlisted: tuple[str, ...]

    def diff(self) -> str:
        """A unified diff of the two, "" where nothing changes."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True),
            str(self.path), f"{self.path} (accepted)",
        )  # fmt: skip
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def acceptance(path: Path, word: str = "") -> Acceptance:
    """Propose what `mapping test --accept` writes; with `word`, for tests whose name holds it.

    Raises:
        MappingMissing, MappingRefused: the mapping cannot be used.
    """
    compiled, _ = read_mapping(path)
    before = _read(path)
    outcomes: dict[int, Outcome] = {}
    made: dict[int, Result] = {}
    left: list[Left] = []
    ended = list(chosen(path, compiled, word))
    for number, result in ended:
        if result.tried.fine and not _is_new(result.trial):
            continue
        why = why_not(result)
        if why:
            left.append(Left(result.trial.name, result.trial.line, why))
            continue
        outcome = _outcome(result)
        problem = _tried_on(before, path, {**outcomes, number: outcome}, {**made, number: result})
        if problem:
            left.append(Left(result.trial.name, result.trial.line, problem))
        else:
            outcomes[number], made[number] = outcome, result
    after = accepted(before, outcomes)
    taken = tuple(result.trial.name for result in made.values())
    return Acceptance(
        path, before, after, taken, tuple(left), tuple(unlisted([r for _, r in ended]))
    )


def write(acceptance: Acceptance) -> None:
    """Write the text of an acceptance, whole or not at all; the file keeps its mode.

    Raises:
        NotWritten: it cannot be written, or somebody has changed it since it was read.
    """
    path = acceptance.path.resolve()
    beside = None
    try:
        if _read(path) != acceptance.before:
            raise NotWritten(
                f"{acceptance.path} has changed meanwhile, and is left as it is",
                help="run the command again",
            )
        mode = path.stat().st_mode & 0o7777
        if not mode & 0o222 or not os.access(path, os.W_OK):
            raise NotWritten(f"{acceptance.path} cannot be written: it is read-only")
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        beside = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(acceptance.after)
        beside.chmod(mode)
        beside.replace(path)
    except OSError as error:
        raise NotWritten(f"{acceptance.path} cannot be written: {error.strerror}") from None
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:  # with the line ends that it has
        return file.read()


def _is_new(trial: Trial) -> bool:
    """A test that says nothing yet: all that comes of it is taken."""
    return trial.orders is None and not trial.rejected


def why_not(result: Result) -> str:
    """Why what came of a test is not to be expected of it; "" where it may be."""
    if result.tried.refusals:
        return f"its payload cannot be sent; {result.tried.refusals[0]}"
    if result.tried.unread:
        return result.tried.unread
    if result.stopped and not all(each.code for each in result.found):
        return "its rows cannot be read" + "".join(each.words for each in result.found)
    return ""


def _outcome(result: Result) -> Outcome:
    trial = result.trial
    new = _is_new(trial)
    payloads = [_sent(body) for body in result.payloads]
    orders = payloads if new or trial.orders is not None else None
    rejected: list[int | Mapping[str, object]] = [
        *(n for n, each in enumerate(trial.rejected) if any(is_it(each, f) for f in result.found)),
        *(
            _entry(found)
            for found in result.found
            if not any(is_it(each, found) for each in trial.rejected)
        ),
    ]
    differs = rejected != list(range(len(trial.rejected)))
    return Outcome(orders, rejected if differs or (new and rejected) else None, trial.exact)


def _sent(data: Any) -> Any:  # noqa: ANN401 - JSON
    """A payload without what a run adds."""
    if isinstance(data, dict):
        return {name: _sent(value) for name, value in data.items() if name not in OF_THE_RUN}
    return [_sent(each) for each in data] if isinstance(data, list) else data


def _entry(found: Told) -> Mapping[str, object]:
    """A finding as a test expects it."""
    word = _WORD_OF.get(found.code)
    said: dict[str, object] = {
        "source": found.source, "line": found.line, "segment": found.segment, "column": found.column,
        **({"rule": word} if word else {"code": found.code}), "value": found.value,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value}


def _tried_on(
    before: str, path: Path, outcomes: Mapping[int, Outcome], made: Mapping[int, Result]
) -> str:
    """Why the new text would not do: it is no mapping any more, or the test still fails."""
    try:
        after = accepted(before, outcomes)
        trials = compile_mapping(
            after.replace("\r\n", "\n"), str(path),
            load=lambda name: lookup_file(path, name),
        ).trials  # fmt: skip
    except NotAcceptable as error:
        return f"its expectation is left as it is (line {error.line}): {error.why}"
    except MappingRefused as refused:
        return f"what came of it cannot be written down: {refused.mistakes[0].message}"
    for number, result in made.items():
        lacking = next(_still(trials, number, result), None)
        if lacking is not None:
            return f"what came of it cannot be written down: {lacking}"
    return ""


def _still(trials: Sequence[Trial], number: int, result: Result) -> Iterator[str]:
    differences = differing(trials[number], result.payloads, result.found)
    return (each.at for each in differences)
