"""mapping fields: the targets that a mapping can write."""

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import mapping_group
from pipeline.cli.session import Session
from pipeline.cli.shape import Words, verb
from pipeline.config import BadConfig

if TYPE_CHECKING:
    from pipeline.mapping.listing import Listed

_INDENT = "    "
_WIDTH_MAX, _WIDTH_MIN = 110, 40  # characters of a line of text that is read with ease
_KIND_MAX, _PATH_MIN = 12, 24  # characters: wider ones stand out of their column, less is none


@verb(
    mapping_group, "fields",
    "pipeline mapping fields country",
    "pipeline mapping fields 'tracking.*'",
    "pipeline mapping fields --section lines --json",
    means={
        Exit.OK: "targets are listed",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "a bad option, or no target is like PATTERN",
    },
)  # fmt: skip
@click.option("--section", type=Words(["order", "lines", "trackings", "mutations"]),
              help="Only targets of this section of the mapping.")  # fmt: skip
@click.argument("pattern", required=False)
@click.pass_obj
def fields(session: Session, pattern: str | None, section: str | None) -> int:
    """List the targets that a mapping can write: type, when needed, limits, meaning.

    PATTERN is a part of a path or of a description, or a glob of either; capitals do not matter. In
    the mapping, members of lines, trackings and mutations stand under `fields`.
    """
    from pipeline.mapping.listing import matching, near

    found = matching(pattern or "", section)
    if not found:
        name = near(str(pattern), section)
        # in another section there may be one
        other = matching(str(pattern)) if section else []
        where = ", ".join(dict.fromkeys(each.section for each in other))
        hint = f"there are some in {where}" if where else "`pipeline mapping fields` lists them all"
        within = f" in {section}" if section else ""
        raise BadConfig(
            f"no target{within} is like {pattern}",
            help=f"did you mean {name}?" if name and not where else hint,
        )
    console = session.console
    if console.look.json:
        console.json_result(Exit.OK, {"fields": [asdict(each) for each in found]})
    else:
        width = max(_WIDTH_MIN, min(_WIDTH_MAX, shutil.get_terminal_size().columns))
        console.result("\n".join(_lines(found, width)))
    return Exit.OK


def _lines(found: "Sequence[Listed]", width: int) -> Iterator[str]:
    # a few long ones, such as "object (members as in lines)", do not move all the others apart
    kinds = min(_KIND_MAX, max(len(each.kind) for each in found))
    room = width - kinds - max(len(each.use) for each in found) - 4
    paths = min(room, max(len(each.path) for each in found)) if room >= _PATH_MIN else 0
    for each in found:
        kind = f"{each.kind:<{kinds}}" if paths and each.use else each.kind
        yield f"{each.path:<{paths}}  {kind}  {each.use}".rstrip()
        said = "; ".join([each.doc.rstrip("."), *each.limits])
        yield textwrap.fill(
            said, width, initial_indent=_INDENT, subsequent_indent=_INDENT,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
