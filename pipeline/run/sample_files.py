"""The files that `mapping check` holds a mapping against, and of which of its sources each one is."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import BadConfig
from pipeline.intake import almost_claims, claims, is_zip, members_meant
from pipeline.mapping.compile import Compiled
from pipeline.mapping.mistakes import MISTAKES, Mistake, Weight
from pipeline.mapping.plan import Source
from pipeline.read import read_header
from pipeline.run.source import as_read

if TYPE_CHECKING:
    from pipeline.mapping.document import Path as At


@dataclass(frozen=True, slots=True)
class Named:
    """A file as somebody named it; `part` is "" where nobody said of which source it is."""

    path: Path
    part: str = ""


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A file as text: `path` is what is read, `name` what messages call it, `header` its columns.

    `source` says how it is written, `given` is the file that was named.
    """

    path: Path
    name: str
    given: Path
    source: Source
    header: tuple[str, ...] = ()
    part: str = ""


def one_sample(samples: Sequence[Named], mapping: str) -> Path:
    """The sample of a mapping that reads one kind of file.

    Raises:
        BadConfig: there are several, or one is said to be of a source.
    """
    named = next((each for each in samples if each.part), None)
    if named is not None:
        raise BadConfig(
            f"--sample {named.part}={named.path} names a source, and {mapping} has no `sources`",
            help=f"write --sample {named.path}", code="C101",
        )  # fmt: skip
    if len(samples) > 1:
        raise BadConfig(
            f"{mapping} reads one kind of file, and {len(samples)} samples are named",
            help="check it with one file after the other", code="C101",
        )  # fmt: skip
    return samples[0].path


def of_sources(
    samples: Sequence[Named], sources: Mapping[str, Source], mapping: str
) -> dict[str, Path]:
    """Give each sample to the source that it was named for, or whose `files` means it.

    Raises:
        BadConfig: it cannot be told of which source a file is, or two are of one.
    """
    given: dict[str, Path] = {}
    for sample in samples:
        part = sample.part or _meant(sample.path, sources)
        if part not in sources:
            raise BadConfig(
                f"{mapping} has no source {part}", help=f"there are: {', '.join(sources)}",
                code="C101",
            )  # fmt: skip
        if part in given:
            raise BadConfig(
                f"{given[part]} and {sample.path} are both of the source {part}",
                help="name one file for each source: --sample NAME=FILE", code="C101",
            )  # fmt: skip
        given[part] = sample.path
    return given


def _meant(file: Path, sources: Mapping[str, Source]) -> str:
    found = [
        name for name, each in sources.items() if each.files and source_means(each.files, file)
    ]
    others = [name for name, each in sources.items() if not each.files]
    found = found or (others if len(others) == 1 else [])
    if len(found) == 1:
        return found[0]
    listed = found or list(sources)
    ways = " or ".join(f"--sample {name}={file}" for name in listed)
    why = "several of its sources" if found else "no source"
    raise BadConfig(
        f"it cannot be told of which source {file} is: `files` of {why} means it",
        help=f"write {ways}", code="C101",
    )  # fmt: skip


def source_means(pattern: str, file: Path) -> bool:
    """Whether a `files` glob means a file; of a zip archive, whether it means one of its members."""
    if is_zip(file):
        return claims(pattern, file) or bool(members_meant(file, [pattern], whole=False))
    return claims(pattern, file)


def unmeant(compiled: Compiled, files: Sequence[SampleFile]) -> Iterator[Mistake]:
    """Warn of samples that a run of this mapping would refuse for their names (W116)."""
    for each in files:
        pattern, document = each.source.files, compiled.document
        if pattern is None or source_means(pattern, each.given):
            continue
        at: At = ("sources", each.part) if each.part else ("source",)
        written = (*at, "files")
        if written not in document.values:
            written = (*at, "expect", "name")
        place = document.place(written if written in document.values else at)
        case = almost_claims(pattern, each.given)
        hint = "upper and lower case count" if case else MISTAKES["W116"].fix
        text = (
            f'"{pattern}" does not mean {each.given.name}, and `plan` and `run` would not read it'
        )
        yield Mistake("W116", text, place.line, place.column, place.length, hint, Weight.WARNING)


def opened(file: Path, source: Source, part: str, kept: ExitStack, *, bare: bool) -> SampleFile:
    """A file as a run would read it, while `kept` is open; `bare` ones have no header.

    Raises:
        SourceUnusable: it cannot be read as the mapping declares.
    """
    path, name, form = kept.enter_context(as_read(file, source))
    header = () if bare else tuple(read_header(path, form, name=Path(name).name))
    return SampleFile(path, name, file, form, header, part)


def named_samples(texts: Sequence[str], cwd: Path) -> Iterator[Named]:
    """Samples as they are written: FILE, or NAME=FILE. A file that is called so is that file."""
    for text in texts:
        name, equals, file = text.partition("=")
        is_named = bool(equals) and "/" not in name and not (cwd / text).exists()
        yield Named(Path(file), name) if is_named else Named(Path(text))
