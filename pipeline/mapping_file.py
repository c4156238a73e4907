"""A mapping file and its lookup files to a compiled mapping.

A module of its own, so that `mapping check` does not load what only a run needs.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pipeline.mapping.compile import Compiled, compile_mapping
from pipeline.model.stops import StopRun


class MappingMissing(StopRun):
    """A mapping file cannot be read (exit 2)."""

    exit_code = 2


def read_mapping(path: Path, header: Sequence[str] | None = None) -> tuple[Compiled, str]:
    """Compile a mapping file; gives it and a hash over the mapping and its lookup files.

    Raises:
        MappingMissing: there is no such file.
        MappingRefused: it has mistakes.
    """
    digest = hashlib.sha256()

    def load(name: str) -> bytes:
        data = (path.parent / name).read_bytes()
        digest.update(name.encode() + b"\0" + data)
        return data

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = sorted(p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        hint = f"there is {', '.join(near[:5])} in {path.parent}" if near else ""
        raise MappingMissing(
            f"mapping file {path} does not exist", help=hint, code="C103"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise MappingMissing(
            f"mapping file {path} cannot be read: {words}", code="C103",
            help="check that it is a file and that this user may read it",
        ) from None  # fmt: skip
    compiled = compile_mapping(text, str(path), header=header, load=load)
    digest.update(text.encode())
    return compiled, digest.hexdigest()
