"""The section `source:` of a mapping to a Source: how the file is written."""

from dataclasses import replace
from zoneinfo import available_timezones

from pipeline.mapping.columns import Scope
from pipeline.mapping.declared import check_dialect, check_files, repair_of
from pipeline.mapping.formats import FormatMistake, form
from pipeline.mapping.language import SourceDoc
from pipeline.mapping.layout import end_of, read_positions, trailer_cells
from pipeline.mapping.mistakes import did_you_mean
from pipeline.mapping.plan import TEXT_FORMATS, Source
from pipeline.mapping.records import check_records, read_records
from pipeline.mapping.short_forms import EVERYWHERE
from pipeline.mapping.values import Values
from pipeline.model.expectation import Expectation
from pipeline.model.field import Kind


def notation_of(
    scope: Scope, values: Values, doc: SourceDoc, expects: Expectation | None
) -> tuple[Source, bool]:
    """How the file is written, and whether so much is sound that a header can be read by it."""
    readable = True
    at = ("source",)
    if doc.timezone is not None and doc.timezone not in available_timezones():
        hint = did_you_mean(doc.timezone, available_timezones())
        scope.mistake("M104", f'"{doc.timezone}" is not a time zone', (*at, "timezone"), hint)
        doc = doc.model_copy(update={"timezone": "UTC"})
    if doc.format not in TEXT_FORMATS and "encoding" not in doc.model_fields_set:
        doc = doc.model_copy(update={"encoding": ""})
    try:
        "".encode(doc.encoding or "utf-8")
    except (LookupError, ValueError):  # a NUL in its name, too
        text = f'"{doc.encoding}" is not an encoding'
        scope.mistake("M104", text, (*at, "encoding"), "such as utf-8, cp1252, utf-16")
        readable = False
    if doc.thousands == doc.decimal:
        text = "the same character cannot group digits and start decimals"
        scope.mistake("M103", text, (*at, "thousands"), f'decimal is "{doc.decimal}"')
    for each in doc.dates:
        try:
            form(each, Kind.DATE)
        except FormatMistake as error:
            scope.mistake("M212", error.message, (*at, "dates"), error.hint)
            doc = doc.model_copy(update={"dates": []})
    values.warn_of_formats(doc.dates, (*at, "dates"))
    files = doc.files
    if files is None and expects is not None and expects.name is not None:
        files = expects.name.glob
    source = Source(
        format=doc.format, files=files, encoding=doc.encoding,
        fallbacks=tuple(doc.fallback_encodings), delimiter=doc.delimiter,
        quote=None if doc.quote == "none" else doc.quote, escape=doc.escape,
        record_end=doc.record_end, skip_lines=doc.skip_lines, names=tuple(doc.names),
        find_header=tuple(doc.find_header), comment=doc.comment, footer=doc.footer,
        repair=repair_of(doc), sheet=doc.sheet, decimal=doc.decimal,
        thousands=None if doc.thousands == "none" else doc.thousands, dates=tuple(doc.dates),
        timezone=doc.timezone, ambiguous=doc.ambiguous, null_values=tuple(doc.null_values.get(EVERYWHERE, ())),
        null_values_of={n: tuple(v) for n, v in doc.null_values.items() if n != EVERYWHERE},
        trim=doc.trim, columns=dict(doc.columns),
        trailer=expects.trailer.first_cell if expects and expects.trailer else None,
        records=read_records(scope, doc),
    )  # fmt: skip
    if doc.format == "fixed":
        source = replace(
            source, positions=read_positions(scope, doc), length=doc.length, quote=None,
            trimmed=doc.short_lines == "trimmed", record_end=end_of(doc),
            trailer_cells=trailer_cells(doc.expect),
        )  # fmt: skip
    check_files(scope, doc, expects.name if expects is not None else None)
    before = len(scope.mistakes)
    check_dialect(scope, source, doc)
    check_records(scope, source, doc)
    return source, readable and len(scope.mistakes) == before
