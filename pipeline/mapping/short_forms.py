"""Short forms of a mapping, written out before validation, so that errors speak of one form only (MAPPING §7)."""

from collections.abc import Mapping

from pipeline.mapping.document import Data, Document, Path
from pipeline.mapping.language import MappingDoc, PartDoc
from pipeline.model.likeness import nearest

EVERYWHERE = "*"  # of `source.null_values`: in every column


def place_nulls(document: Document, at: Path, source: Data | None) -> None:
    """Texts that mean "nothing" are a table of columns; written as a list they stand there all the same."""
    if isinstance(source, dict) and not isinstance(source.get("null_values", {}), dict):
        nulls = (*at, "null_values")
        document.also(nulls, (*nulls, EVERYWHERE))


def written_out(data: dict[str, Data]) -> dict[str, Data]:
    """Write short forms out before validation, so that errors speak of one form only.

    A section with a typo in its name is written out as the one that was probably meant.
    """
    full = dict(data)
    written = _written_names(full, [*MappingDoc.model_fields])
    for section in ("rows", "trackings"):
        name = written.get(section, section)
        if name in full:
            full[name] = _key_listed(full[name])
    source, sources = written.get("source", "source"), written.get("sources", "sources")
    if source in full:
        full[source] = _nulls_listed(full[source])
    several = full.get(sources)
    if isinstance(several, dict):
        full[sources] = {name: _part_written_out(each) for name, each in several.items()}
        if sources == "sources" and source not in full:
            full["source"] = {}
    return full


def _written_names(table: Mapping[str, Data], known: list[str]) -> dict[str, str]:
    """The keys of a table by the known names that they mean, as `structure` takes them."""
    free = [name for name in known if name not in table]
    meant = {nearest(key, free): key for key in table if key not in known}
    return {name: key for name, key in meant.items() if name is not None}


def _key_listed(section: Data) -> Data:
    if isinstance(section, dict):
        key = _written_names(section, ["key"]).get("key", "key")
        if isinstance(section.get(key), str):
            return {**section, key: [str(section[key])]}
    return section


def _part_written_out(part: Data) -> Data:
    part = _nulls_listed(part)
    if isinstance(part, dict):
        rows = _written_names(part, [*PartDoc.model_fields]).get("rows", "rows")
        if rows in part:
            return {**part, rows: _key_listed(part[rows])}
    return part


def _nulls_listed(source: Data) -> Data:
    if isinstance(source, dict) and "null_values" in source:
        return {**source, "null_values": _by_column(source["null_values"])}
    return source


def _by_column(nulls: Data) -> Data:
    """Texts that mean "nothing" as a table: those of all columns, and those of one."""
    if isinstance(nulls, dict):
        return {name: [each] if isinstance(each, str) else each for name, each in nulls.items()}
    return {EVERYWHERE: [nulls] if isinstance(nulls, str) else nulls}
