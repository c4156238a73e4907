"""Which mapping reads which file, and how messages call the files."""

import os
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline.intake.packing import unpacked_name
from pipeline.model.stops import SourceUnusable

# control characters, and those that end a line or a paragraph
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

__all__ = ["almost_claims", "assign", "claims", "display_names", "meant"]


def claims(pattern: str, file: Path) -> bool:
    """Tell whether a mapping's `source.files` means a file, packed or not.

    >>> claims("orders_*.csv", Path("in/orders_1.csv")), claims("orders_*.csv", Path("orders_1.csv.zst"))
    (True, True)
    >>> claims("orders_*.csv", Path("Orders_1.csv"))
    False
    """
    return fnmatchcase(file.name, pattern) or fnmatchcase(unpacked_name(file.name), pattern)


def almost_claims(pattern: str, file: Path) -> bool:
    """Tell whether a file is not meant by a `source.files` for upper and lower case alone.

    >>> almost_claims("orders_*.csv", Path("ORDERS_UP.CSV")), almost_claims("orders_*.csv", Path("orders_1.csv"))
    (True, False)
    """
    lower = claims(pattern.lower(), file.with_name(file.name.lower()))
    return lower and not claims(pattern, file)


def assign(
    files: Sequence[Path],
    patterns: Mapping[str, str | None],
    sharing: Collection[str] = (),
    by_name: Collection[str] = (),
) -> dict[str, list[Path]]:
    """Give each file to the one mapping whose `source.files` means it.

    `patterns` are the globs by the mappings' files, as messages call them. A mapping without one takes what no pattern
    claims. Those in `sharing` may read the same file; those in `by_name` say with `source.expect.name` which files they read. Every mapping is in the result, files in the
    order given.

    Raises:
        SourceUnusable: a file is claimed by nobody or by several; all such files are named.
    """
    assigned: dict[str, list[Path]] = {name: [] for name in patterns}
    others = [name for name, pattern in patterns.items() if pattern is None]
    shown = display_names(files)
    problems: list[str] = []
    keys = " or ".join(
        dict.fromkeys(
            "`source.expect.name`" if name in by_name else "`source.files`"
            for name, pattern in patterns.items()
            if pattern is not None
        )
    )
    for file in files:
        claiming = [
            name
            for name, pattern in patterns.items()
            if pattern is not None and claims(pattern, file)
        ] or others
        if len(claiming) == 1 or (claiming and all(name in sharing for name in claiming)):
            for name in claiming:
                assigned[name].append(file)
        elif claiming:
            problems.append(f"{shown[file]} is meant by several mappings: {', '.join(claiming)}")
        else:
            problems.append(f"{shown[file]} is meant by no mapping's {keys}")
    if problems:
        reads = ", ".join(f"{name} reads {meant(pattern)}" for name, pattern in patterns.items())
        raise SourceUnusable(
            "; ".join(problems),
            help=f"{reads}: correct {keys} there, or name other files or mappings",
        )
    return assigned


def meant(pattern: str | None) -> str:
    """What a mapping reads, in words.

    >>> meant("orders_*.csv"), meant(None)
    ('"orders_*.csv"', 'what no other mapping means')
    """
    return f'"{pattern}"' if pattern is not None else "what no other mapping means"


def display_names(
    files: Sequence[Path], least: Mapping[Path, int] | None = None
) -> dict[Path, str]:
    """Name files for people: the base name, with as many folders before it as tell them apart.

    `least` says how many parts of its path the name of a file has at least, where that is not one.

    >>> list(display_names([Path("de/orders.csv"), Path("at/orders.csv"), Path("de/b.csv")]).values())
    ['de/orders.csv', 'at/orders.csv', 'b.csv']
    """
    parts = [_in_characters(file.absolute()).parts for file in files]
    depth = [(least or {}).get(file, 1) for file in files]
    while True:
        names = ["/".join(part[-deep:]) for part, deep in zip(parts, depth, strict=True)]
        count = Counter(names)
        deeper = [
            deep + (count[name] > 1 and deep < len(part))
            for part, deep, name in zip(parts, depth, names, strict=True)
        ]
        if deeper == depth:
            return dict(zip(files, names, strict=True))
        depth = deeper


def _in_characters(file: Path) -> Path:
    r"""Show what no text can have: bytes that are no UTF-8, as another system has written them, and line ends.

    >>> _in_characters(Path("auftr\udce4ge.csv")).name, _in_characters(Path("a\nb")).name
    ('auftr\\xe4ge.csv', 'a\\nb')
    """
    text = os.fsencode(file).decode("utf-8", "backslashreplace")
    return Path(_BREAKS.sub(lambda found: repr(found.group())[1:-1], text))
