"""A mapping file and its lookup files to a compiled mapping.

A module of its own, so that `mapping check` does not load what only a run needs.

Each source of a mapping with `sources` is a job of its own in a run, called `mapping.yaml#source`.
Such a path is kept wherever the path of a mapping is: a retry, a plan and the report find the source
again by it, and read the same file of text.
"""

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from pipeline.mapping.compile import Compiled, compile_mapping
from pipeline.mapping.document import BYTES_MAX
from pipeline.model.stops import StopRun

LOOKUP_MAX = 20_000_000  # bytes of a lookup file


class MappingMissing(StopRun):
    """A mapping file cannot be read (exit 2)."""

    exit_code = 2


def beside(mapping: Path, name: str) -> Path:
    """A file that a mapping names; it counts from the mapping's folder and has to lie there or below.

    Raises:
        OSError: a link in the name leads out of that folder. A mapping is passed around; it must not
            make others read files of theirs (FAULTS S13).
    """
    path = mapping.parent / name
    if not path.resolve().is_relative_to(mapping.parent.resolve()):
        raise OSError(0, "a link leads out of the folder of the mapping")
    return path


def _regular(path: Path) -> BinaryIO:
    """Open a file for reading if it is a regular one; never waits for a FIFO, never reads a device.

    Raises:
        OSError: it is none, or cannot be opened.
    """
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(0, "it is not a regular file")
    return os.fdopen(number, "rb")


def lookup_file(mapping: Path, name: str) -> bytes:
    """The bytes of a lookup file of a mapping, by its name there.

    Raises:
        OSError: it is not there, does not lie beside the mapping, is no file, or too large.
    """
    with _regular(beside(mapping, name)) as file:
        data = file.read(LOOKUP_MAX + 1)
    if len(data) > LOOKUP_MAX:
        raise OSError(0, f"it is larger than {LOOKUP_MAX // 1_000_000} MB")
    return data


_BETWEEN = "#"  # the file of a mapping and one of its sources


def part_of(path: Path, part: str) -> Path:
    """The path of a source of a mapping; that of the mapping itself where it has only one.

    >>> part_of(Path("wms.yaml"), "lines").name
    'wms.yaml#lines'
    """
    return path.with_name(f"{path.name}{_BETWEEN}{part}") if part else path


def taken_apart(path: Path) -> tuple[Path, str]:
    """The file and the source that a path leads to; a file that is called so is that file.

    >>> taken_apart(Path("mappings/wms.yaml#lines"))[1]
    'lines'
    """
    if _BETWEEN not in path.name or path.is_file():
        return path, ""
    name, _, part = path.name.rpartition(_BETWEEN)
    return (path.with_name(name), part) if name else (path, "")


def read_mapping(
    path: Path, header: Sequence[str] | None = None,
    headers: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Compiled, str]:  # fmt: skip
    """Compile a mapping file; gives it and a hash over the mapping and its lookup files.

    A path such as `wms.yaml#lines` gives the plan of that source, and `header` is of its file then;
    `headers` are those of several sources, by their names.

    Raises:
        MappingMissing: there is no such file.
        MappingRefused: it has mistakes.
    """
    path, part = taken_apart(path)
    digest = hashlib.sha256()

    def load(name: str) -> bytes:
        data = lookup_file(path, name)
        digest.update(name.encode() + b"\0" + data)
        return data

    try:
        with _regular(path) as file:
            # one byte more than a mapping may have is enough to refuse it
            data = file.read(BYTES_MAX + 1)
        text = data.decode("utf-8", "replace" if len(data) > BYTES_MAX else "strict")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        near = sorted(p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        hint = f"there is {', '.join(near[:5])} in {path.parent}" if near else ""
        raise MappingMissing(
            f"mapping file {path} does not exist", help=hint, code="C103"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise MappingMissing(
            f"mapping file {path} is not UTF-8: line {line} has a byte of another encoding",
            code="C103", place=f"{path}:{line}", help="save it as UTF-8",
        ) from None  # fmt: skip
    except OSError as error:
        words = getattr(error, "strerror", None) or str(error)
        raise MappingMissing(
            f"mapping file {path} cannot be read: {words}", code="C103",
            help="check that it is a file and that this user may read it",
        ) from None  # fmt: skip
    if part and header is not None:
        headers = {**(headers or {}), part: header}
    compiled = compile_mapping(text, str(path), header=header, load=load, headers=headers)
    digest.update(text.encode())
    if part:
        if all(each.part != part for each in compiled.plans):
            raise MappingMissing(f"the mapping {path} has no source {part}", code="C103",
                                 help="name the mapping alone: all of its sources belong together")  # fmt: skip
        compiled = compiled.of_part(part)
    return compiled, digest.hexdigest()
