"""Short forms of a mapping, written out before validation, so that errors speak of one form only (MAPPING §7)."""

from pipeline.mapping.document import Data, Document, Path

EVERYWHERE = "*"  # of `source.null_values`: in every column


def place_nulls(document: Document, at: Path, source: Data | None) -> None:
    """Texts that mean "nothing" are a table of columns; written as a list they stand there all the same."""
    if isinstance(source, dict) and not isinstance(source.get("null_values", {}), dict):
        nulls = (*at, "null_values")
        document.also(nulls, (*nulls, EVERYWHERE))


def written_out(data: dict[str, Data]) -> dict[str, Data]:
    """Write short forms out before validation, so that errors speak of one form only."""
    full = dict(data)
    for section in ("rows", "trackings"):
        table = full.get(section)
        if isinstance(table, dict) and isinstance(table.get("key"), str):
            full[section] = {**table, "key": [str(table["key"])]}
    if "source" in full:
        full["source"] = _nulls_listed(full["source"])
    sources = full.get("sources")
    if isinstance(sources, dict):
        full["sources"] = {
            name: _rows_listed(_nulls_listed(each)) for name, each in sources.items()
        }
        full.setdefault("source", {})
    return full


def _rows_listed(source: Data) -> Data:
    rows = source.get("rows") if isinstance(source, dict) else None
    if isinstance(source, dict) and isinstance(rows, dict) and isinstance(rows.get("key"), str):
        return {**source, "rows": {**rows, "key": [str(rows["key"])]}}
    return source


def _nulls_listed(source: Data) -> Data:
    if isinstance(source, dict) and "null_values" in source:
        return {**source, "null_values": _by_column(source["null_values"])}
    return source


def _by_column(nulls: Data) -> Data:
    """Texts that mean "nothing" as a table: those of all columns, and those of one."""
    if isinstance(nulls, dict):
        return {name: [each] if isinstance(each, str) else each for name, each in nulls.items()}
    return {EVERYWHERE: [nulls] if isinstance(nulls, str) else nulls}
