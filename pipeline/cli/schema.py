"""mapping schema: what editors need to complete and to explain mappings."""

from pathlib import Path

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import mapping_group
from pipeline.cli.session import Session
from pipeline.cli.shape import verb
from pipeline.config import BadConfig


@verb(
    mapping_group, "schema",
    "pipeline mapping schema --out mappings/mapping.schema.json",
    "pipeline mapping schema > mapping.schema.json",
    "pipeline mapping schema --out mapping.schema.json --json",
    means={
        Exit.OK: "the schema is written",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "a bad option, or FILE is something else",
    },
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it to FILE; an older schema there is replaced, nothing else is.")  # fmt: skip
@click.pass_obj
def schema(session: Session, out: Path | None) -> int:
    """Print the JSON Schema of mappings, for editors.

    It has every key of the language and every field of the Order API with its description, type and
    limits (draft 2020-12). stderr says the two lines with which a mapping begins, so that VS Code and
    JetBrains find it; no network is needed. Write it again after an update.
    """
    from pipeline.mapping.schema import modelines, schema_text

    console, text = session.console, schema_text()
    if out is not None:
        _write(session.cwd / out, out, text)
    name = f"./{out.name}" if out is not None else "./mapping.schema.json"
    if console.look.json:
        console.json_result(Exit.OK, {"file": out, "modelines": modelines(name)})
        return Exit.OK
    console.result(str(out) if out is not None else text.rstrip("\n"))
    first, second = modelines(name)
    console.note(f"a mapping beside it begins with\n{first}\n{second}")
    return Exit.OK


def _write(path: Path, shown: Path, text: str) -> None:
    """Write the schema, and over an older one.

    Raises:
        BadConfig: something else is there, or it cannot be written (C114).
    """
    from pipeline.mapping.schema import TITLE

    try:
        if path.exists() and TITLE not in path.read_text(encoding="utf-8", errors="replace"):
            raise BadConfig(f"{shown} is something else", help="choose another --out", code="C114")
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadConfig(f"{shown} cannot be written: {error.strerror}", code="C114") from None
