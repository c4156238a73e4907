"""How a delimited file is written, as a run keeps it, and how a file with rows of it to correct is."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from pipeline.mapping.plan import ColumnType, Position, RecordType, RecordTypes, Repair, Source
from pipeline.read.decoding import is_ebcdic

_FORM = (
    "format", "encoding", "delimiter", "quote", "escape", "record_end", "skip_lines", "names",
    "find_header", "comment", "footer", "repair", "positions", "length", "trimmed", "records",
)  # fmt: skip
_LEFT_OUT = (
    "escape",
    "record_end",
    "skip_lines",
    "names",
    "find_header",
    "comment",
    "footer",
    "repair",
    "positions",
    "length",
    "trimmed",
    "records",
)


def form_of(source: Source) -> dict[str, Any]:
    """All that it takes to read the file again cell by cell, as JSON can have it; no more than is declared.

    >>> form_of(Source(delimiter="+|", skip_lines=1))
    {'format': 'csv', 'encoding': 'utf-8', 'delimiter': '+|', 'quote': '"', 'skip_lines': 1}
    """
    usual = {each.name: each.default for each in fields(Source)}
    found = {name: getattr(source, name) for name in _FORM}
    said = {
        name: asdict(value) if isinstance(value, Repair | RecordTypes) else value
        for name, value in found.items()
        if name not in _LEFT_OUT or value != usual[name]
    }
    if source.repair is not None and source.repair.join:
        said |= {
            name: getattr(source, name)
            for name in (
                "decimal",
                "thousands",
                "dates",
                "timezone",
                "null_values",
                "null_values_of",
                "trim",
            )
        }
        said["columns"] = {name: str(each) for name, each in source.columns.items()}
    return said


def source_of(form: Mapping[str, Any]) -> Source:
    """Undo `form_of`; cells keep the blanks around them."""
    given = dict(form)
    for name in ("names", "find_header", "null_values"):
        if name in given:
            given[name] = tuple(given[name])
    if "dates" in given:  # older runs have kept one format, or none
        dates = given["dates"] or ()
        given["dates"] = (dates,) if isinstance(dates, str) else tuple(dates)
    if "null_values_of" in given:
        given["null_values_of"] = {
            name: tuple(each) for name, each in given["null_values_of"].items()
        }
    if "positions" in given:
        given["positions"] = tuple(Position(*each) for each in given["positions"])
    if given.get("repair") is not None:
        repair = dict(given["repair"])
        given["repair"] = Repair(**repair | {"join": tuple(repair["join"])})
    if given.get("records") is not None:
        given["records"] = _records_of(given["records"])
    if "columns" in given:
        given["columns"] = {name: ColumnType(each) for name, each in given["columns"].items()}
    return Source(**given)


def _records_of(form: Mapping[str, Any]) -> RecordTypes:
    types = [
        RecordType(**each | {
            "names": tuple(each["names"]), "inherits": tuple(each["inherits"]),
            "positions": tuple(Position(*place) for place in each["positions"]),
        })
        for each in form["types"]
    ]  # fmt: skip
    place = None if form["place"] is None else Position(*form["place"])
    return RecordTypes(**dict(form) | {"place": place, "types": tuple(types)})


def corrected_form(source: Source) -> Source:
    """How a file with rows to correct is written: as its file is, where a spreadsheet can read that.

    That is a header, one delimiter, doubled quotes, lines, and nothing that is no row. Without
    quotes a cell could not have what an escape character or another end of records lets it have.

    Columns of fixed width become cells: no program that people use for correcting keeps places. Nor does one read EBCDIC.

    >>> form_of(corrected_form(Source(delimiter="+|", quote=None, names=("a",))))
    {'format': 'csv', 'encoding': 'utf-8', 'delimiter': ',', 'quote': '"'}
    """
    usual = Source()
    if source.format == "fixed":
        source = replace(
            source, format="csv", delimiter=usual.delimiter, quote=usual.quote, record_end=None
        )
    if is_ebcdic(source.encoding):
        source = replace(source, encoding="utf-8-sig")
    one = len(source.delimiter) == 1 and source.delimiter.isascii()
    lines = one and source.record_end is None and source.escape is None
    return replace(
        source,
        delimiter=source.delimiter if one else usual.delimiter,
        quote=source.quote if lines else source.quote or usual.quote,
        **{name: getattr(usual, name) for name in _LEFT_OUT},
    )
