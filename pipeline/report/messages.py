"""Findings of EDI files, told once per message instead of once per row, and those of no row at all.

An error rejects a whole message, or all messages of an interchange: each of their rows has the
same finding, with the place of the error in its words. What belongs to no row (a header that
cannot be read, text between interchanges) is told per file, and where nobody knows what was lost
with it, the run is not a success.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from pipeline.model.origin import FILE, LINE, ORIGIN, SEGMENT, SEGMENTS_MAX
from pipeline.model.outcomes import RowOutcome
from pipeline.model.rules import RULES, Severity, Stage
from pipeline.report.cases import Quoting
from pipeline.report.interchanges import EDI_ERRORS, located
from pipeline.report.owners import owner_of
from pipeline.report.visible import visible

NOTES_MAX = 200
_SHOWN = 5  # orders that an entry names
_PLACE = r", segment (\d+)$"
# Of these nobody can say what was in the part that is missing.
_LOST = {
    "E102": "An interchange of {file} could not be read",
    "E115": "Segments of {file} stand outside of their message",
    "E119": "The rest of {file} could not be read",
    "R120": "{file} could not be used",
}
_ABOUT_FILES = ("E208", "E209")
_AT_HEADERS = ("E104", "E107")
_AT_TRAILERS = ("E105", "E106", "E108")
_STRATEGIES: Mapping[str, Literal["backward", "forward"]] = {
    "_before": "backward", "_behind": "forward",
}  # fmt: skip
OF_WHOLE_FILES = tuple(
    code for code, rule in RULES.items() if rule.stage in (Stage.EXPECTED, Stage.NIGHTS)
)
_AS_A_WHOLE = tuple(code for code, rule in RULES.items() if rule.stage is Stage.FILE)
_ERRORS = (*EDI_ERRORS, *(c for c in _AS_A_WHOLE if RULES[c].severity is Severity.ERROR))
_WARNINGS_OF_FILES = (
    *OF_WHOLE_FILES,
    *(c for c in _AS_A_WHOLE if RULES[c].severity is not Severity.ERROR),
    *(c for c, rule in RULES.items() if c[0] == "E" and rule.severity is not Severity.ERROR),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNote:
    """Something about a file that is no row's problem; `count` of them, the first at `place`.

    `lost` says what is missing, where nobody can count it; "" where nothing is.
    """

    file: str
    code: str
    title: str
    place: str
    says: str
    owner: str
    severity: Severity
    fix: str
    why: str
    count: int
    lost: str


@dataclass(frozen=True, slots=True)
class EdiFindings:
    """The EDI findings of a run with `_message` and `_ordinal`, those of its rows left out.

    `errors` are where they were made; `warnings` all; `rows` the rejected rows of EDI errors.
    """

    errors: pl.DataFrame
    warnings: pl.DataFrame
    rows: pl.DataFrame
    messages: pl.DataFrame


def edi_findings(
    findings: pl.LazyFrame | pl.DataFrame, rejected: pl.DataFrame, messages: pl.DataFrame
) -> EdiFindings:
    """Find the messages of all EDI findings; `rejected` are the rejected rows (ROW_SCHEMA)."""
    codes = (*_ERRORS, *_WARNINGS_OF_FILES)
    found = _placed(findings.lazy().filter(pl.col("code").is_in(codes)).collect(), messages)
    of_edi = (pl.col("outcome") == RowOutcome.OWN_PROBLEM) & pl.col("code").is_in(EDI_ERRORS)
    rows = rejected.filter(of_edi)
    copied = found.filter(pl.col("_copied")).join(rows, on=ORIGIN, how="semi")
    is_error = pl.col("code").is_in(_ERRORS)
    return EdiFindings(
        found.filter(is_error).join(copied, on=[*ORIGIN, "code"], how="anti"),
        found.filter(~is_error),
        _placed(rows.join(copied.select(*ORIGIN, "detail"), on=ORIGIN, how="left"), messages),
        messages,
    )


def _placed(found: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    """Add `_message`, and with `_ordinal` the segment where the problem is."""
    said = pl.col("detail").str.extract(_PLACE).cast(pl.UInt32, strict=False)
    own = (pl.col(SEGMENT) & SEGMENTS_MAX).cast(pl.UInt32)
    return located(found, messages).with_columns(
        pl.coalesce(said.replace(0, None), own).alias("_ordinal"),
        said.is_not_null().alias("_copied"),
    )


# -- one entry for many rows ------------------------------------------------------------------


def per_message(own: pl.DataFrame, edi: EdiFindings) -> pl.DataFrame:
    """Fold rows that one EDI error rejects into one finding at the place of the error.

    `own` are rows with their primary finding and `_cause`. Adds `_rows`, `_orders` (some of the
    order numbers), `_order_count`, `_label` of the message and its number `_message`.
    """
    number = pl.coalesce("order_number", "key")
    of_edi = pl.col("code").is_in(EDI_ERRORS)
    single = own.filter(~of_edi).with_columns(
        pl.lit(1, pl.UInt32).alias("_rows"),
        pl.concat_list(number).list.drop_nulls().alias("_orders"),
        number.is_not_null().cast(pl.UInt32).alias("_order_count"),
        pl.lit("").alias("_label"),
        pl.lit(None, pl.UInt32).alias("_message"),
    )
    if single.height == own.height:
        return single
    errors = edi.errors.unique([FILE, "_ordinal", "code"], keep="first", maintain_order=True)
    there = errors.select(
        FILE, "_ordinal", "code", pl.col(LINE).alias("_there"), pl.col("_message").alias("_inside")
    )
    # an error in a message is one entry of it, even where rows have errors of their own like it
    alone = pl.when(pl.col("_inside").is_null()).then("_ordinal").alias("_alone")
    folded = (
        _placed(own.filter(of_edi), edi.messages)
        .join(there, on=[FILE, "_ordinal", "code"], how="left", maintain_order="left")
        .sort("_cause", FILE, "_ordinal", maintain_order=True)
        .group_by("_cause", FILE, "code", "_inside", alone, maintain_order=True)
        .agg(
            pl.len().cast(pl.UInt32).alias("_rows"),
            number.drop_nulls().unique(maintain_order=True).head(_SHOWN).alias("_orders"),
            number.drop_nulls().n_unique().cast(pl.UInt32).alias("_order_count"),
            pl.col("_message").n_unique().alias("_messages"),
            pl.exclude("_rows", "_orders", "_order_count").first(),
        )
    )
    label = (
        pl.when(pl.col("_messages") > 1)
        .then(pl.format("{} messages", "_messages"))
        .otherwise(pl.format("message {} ({})", "reference", "type"))
    )
    return pl.concat(
        [
            single,
            folded.join(_named(edi.messages), on=[FILE, "_message"], how="left", maintain_order="left")
            .with_columns(
                # a place that no finding has is the row's own
                pl.coalesce("_there", LINE).alias(LINE),
                pl.when(pl.col("_there").is_not_null()).then("_ordinal").otherwise(SEGMENT)
                .alias(SEGMENT),
                pl.col("detail").str.replace(_PLACE, "").alias("detail"),
                label.fill_null("").alias("_label"),
                pl.when(pl.col("_messages") == 1).then("_message").alias("_message"),
            )
            .select(single.columns),
        ]
    )  # fmt: skip


def _named(messages: pl.DataFrame) -> pl.DataFrame:
    return messages.select(FILE, pl.col("message").alias("_message"), "reference", "type")


# -- what belongs to no row -------------------------------------------------------------------


def about_files(
    edi: EdiFindings, rows: pl.LazyFrame | pl.DataFrame, quoting: Quoting, owners: Mapping[str, str]
) -> tuple[FileNote, ...]:
    """Tell per file what no row tells: errors first, then what is odd about the file."""
    alone = _alone(edi, rows)
    odd = edi.warnings.filter(_of_file())
    return (*_notes(alone, edi, quoting, owners), *_notes(odd, edi, quoting, owners))


def about_rows(warnings: pl.DataFrame, edi: EdiFindings) -> pl.DataFrame:
    """Leave out the warnings that are about files."""
    files = edi.warnings.filter(_of_file())
    return warnings.join(files, on=[*ORIGIN, "code"], how="anti") if files.height else warnings


def _of_file() -> pl.Expr:
    outside = pl.col("code").is_in((*_ABOUT_FILES, *OF_WHOLE_FILES, *_AS_A_WHOLE)) | pl.col(
        "code"
    ).str.starts_with("E1")
    # more of the same inside of a message is about its elements
    return outside & ~((pl.col("code") == "E125") & pl.col("_message").is_not_null())


def _alone(edi: EdiFindings, rows: pl.LazyFrame | pl.DataFrame) -> pl.DataFrame:
    """The errors whose message or interchange has no rejected row that tells of them.

    Adds `_lost`: false for messages that the mapping does not read.
    """
    rows_there = edi.errors.lazy().select(ORIGIN).unique()
    at_rows = rows.lazy().select(ORIGIN).join(rows_there, on=ORIGIN, how="semi").collect()
    told = edi.rows.select(FILE, "_message").drop_nulls().unique()
    named = edi.rows.select(FILE, "_ordinal", "code").unique()
    kept = edi.messages.select(
        FILE, pl.col("message").alias("_message"), "interchange", "read", "code"
    )
    # rows that an error around their message rejects tell of all errors of that interchange
    whole = (
        told.join(kept.filter(pl.col("code").is_not_null()), on=[FILE, "_message"])
        .select(FILE, "interchange")
        .unique()
    )
    starts = edi.messages.select(FILE, "interchange", pl.col("begin").alias("_begin"))
    alone = (
        edi.errors.join(at_rows, on=ORIGIN, how="anti")
        .join(told, on=[FILE, "_message"], how="anti")
        .join(named, on=[FILE, "_ordinal", "code"], how="anti")
        .sort(FILE, "_ordinal")
    )
    within = _interchange_of(alone, starts)
    return (
        within.join(whole, left_on=[FILE, "_within"], right_on=[FILE, "interchange"], how="anti")
        .join(kept.select(FILE, "_message", "read"), on=[FILE, "_message"], how="left")
        .with_columns(pl.col("read").fill_null(value=True).alias("_lost"))
        .sort(FILE, "_ordinal")
    )


def _interchange_of(errors: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """Add `_within`, the interchange of an envelope's error: a message lies behind its header."""
    starts = starts.sort(FILE, "_begin")
    for name, strategy in _STRATEGIES.items():
        errors = errors.join_asof(
            starts.rename({"interchange": name, "_begin": f"{name}_begin"}),
            left_on="_ordinal", right_on=f"{name}_begin", by=FILE, strategy=strategy,
            check_sortedness=False,
        )  # fmt: skip
    return errors.with_columns(
        pl.when(pl.col("code").is_in(_AT_HEADERS)).then("_behind")
        .when(pl.col("code").is_in(_AT_TRAILERS)).then("_before").alias("_within")
    )  # fmt: skip


def _notes(
    findings: pl.DataFrame, edi: EdiFindings, quoting: Quoting, owners: Mapping[str, str]
) -> tuple[FileNote, ...]:
    """One note per file, code and column, with the first of each; at most some hundred."""
    if "_lost" not in findings.columns:
        findings = findings.with_columns(pl.lit(value=False).alias("_lost"))
    grouped = (
        findings.group_by(FILE, "code", "column", "_lost", maintain_order=True)
        .agg(pl.len().alias("_count"), pl.exclude("_count").first())
        .head(NOTES_MAX)
        .join(_named(edi.messages), on=[FILE, "_message"], how="left", maintain_order="left")
    )
    return tuple(_note(row, quoting, owners) for row in grouped.iter_rows(named=True))


def _note(row: Mapping[str, object], quoting: Quoting, owners: Mapping[str, str]) -> FileNote:
    code = str(row["code"])
    rule = RULES[code]
    file = visible(quoting.file_names.get(int(str(row[FILE])), f"file {row[FILE]}"))
    note = FileNote(
        file=file,
        code=code,
        title=rule.title,
        place=quoting.place(row),
        says=quoting.says(row),
        owner=owner_of(code, str(row["column"] or ""), None, owners),
        severity=rule.severity,
        fix=rule.fix.replace("{value}", quoting.value(row)),
        why=rule.why,
        count=int(str(row["_count"])),
        lost="",
    )
    if not row["_lost"]:
        return note
    inside = f"Message {visible(str(row['reference']))} of {{file}} was rejected and gave no row"
    usual = inside if row["_message"] is not None else "A part of {file} could not be used"
    return replace(note, lost=_LOST.get(code, usual).format(file=file))
