"""What EDI files say of themselves, against what was counted in them (REPORT §2, EDI.md §12).

A trailer repeats how much lies before it: groups, messages, segments. Where it says something else
the findings say so; here stand the sums, per file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.model.edi.envelope import MESSAGE_SCHEMA
from pipeline.model.findings import ERROR_CODES
from pipeline.model.origin import FILE, SEGMENT, SEGMENTS_MAX
from pipeline.model.tables import SourceFile

# One row per message of an EDI file. `read`: the mapping of the file reads messages of this type.
# `code`: the first error of the interchange or group around it, null where there is none.
KEPT_MESSAGE_SCHEMA: dict[str, pl.DataType] = {
    FILE: pl.UInt32(),
    **{
        name: MESSAGE_SCHEMA[name]
        for name in ("message", "interchange", "type", "reference", "begin", "declared", "counted")
    },
    "read": pl.Boolean(),
    "code": pl.String(),
}
EDI_ERRORS = tuple(code for code in ERROR_CODES if code.startswith("E"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of messages; `declared` is None where its trailer says no number, or is missing."""

    reference: str
    declared: int | None
    counted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """An interchange of a file: `declared` of its trailer, of groups or messages by `counts`.

    `acks` are the names of the files that answer it.
    """

    file: int
    syntax: str
    sender: str
    receiver: str
    reference: str
    segment: int
    counts: str
    declared: int | None
    counted: int
    messages: int
    groups: tuple[Group, ...] = ()
    acks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A declared total and the counted one; `differing` of the single claims are wrong.

    `silent` counts the trailers that say nothing or are missing.
    """

    declared: int = 0
    counted: int = 0
    differing: int = 0
    silent: int = 0

    @property
    def holds(self) -> bool:
        """Everything is declared, and rightly."""
        return not self.differing and not self.silent


# What is declared, from the outside to the inside, in the order in which it is shown.
CLAIMED = ("groups", "messages", "segments", "lines")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileClaims:
    """What one EDI file declares, and what became of its messages.

    `lines` is None where no message that was read declares how many lines it has: CTT and CNT are
    optional.
    """

    index: int
    name: str
    interchanges: int
    groups: Claim
    messages: Claim
    segments: Claim
    lines: Claim | None
    counted: int
    accepted: int
    rejected: int
    not_read: int
    acks: tuple[str, ...]

    @property
    def declared(self) -> Mapping[str, Claim | None]:
        """What is declared, by what it counts."""
        return {name: getattr(self, name) for name in CLAIMED}


def read_interchange(kept: Mapping[str, Any]) -> Interchange:
    """An interchange out of run.json."""
    return Interchange(
        file=kept["file"], syntax=kept["syntax"], sender=kept["sender"],
        receiver=kept["receiver"], reference=kept["reference"], segment=kept["segment"],
        counts=kept["counts"], declared=kept["declared"], counted=kept["counted"],
        messages=kept["messages"], acks=tuple(kept.get("acks", ())),
        groups=tuple(
            Group(reference=each["reference"], declared=each["declared"], counted=each["counted"])
            for each in kept["groups"]
        ),
    )  # fmt: skip


def claims(
    files: Sequence[SourceFile], interchanges: Sequence[Interchange], messages: pl.DataFrame,
    findings: pl.LazyFrame | pl.DataFrame, lines: Mapping[int, Claim],
) -> tuple[FileClaims, ...]:  # fmt: skip
    """Add up what each EDI file declares; files without an interchange are none.

    A file that several mappings read has several ordinals; all of it counts under the first.
    """
    first: dict[tuple[str, str], int] = {}
    whole = {file.index: first.setdefault((file.name, file.sha256), file.index) for file in files}
    as_whole = pl.col(FILE).replace(whole)
    judged = _judged(messages.with_columns(as_whole), findings.lazy().with_columns(as_whole))
    made = []
    for file in files:
        mine = [each for each in interchanges if each.file == file.index]
        if not mine:
            continue
        own = judged.filter(pl.col(FILE) == file.index)
        made.append(
            FileClaims(
                index=file.index,
                name=file.name,
                interchanges=len(mine),
                groups=_claim((e.declared, e.counted) for e in mine if e.counts == "groups"),
                messages=_claim(_of_messages(mine)),
                segments=_segments(own),
                lines=_sum([claim for index, claim in lines.items() if whole[index] == file.index]),
                counted=own.height,
                accepted=own.filter(pl.col("read") & ~pl.col("rejected")).height,
                rejected=own.filter(pl.col("read") & pl.col("rejected")).height,
                not_read=own.filter(~pl.col("read")).height,
                acks=tuple(name for each in mine for name in each.acks),
            )
        )
    return tuple(made)


def located(findings: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    """Add `_message`, the number of the message at each address; null where there is none."""
    ordinal = (pl.col(SEGMENT) & SEGMENTS_MAX).cast(pl.UInt32)
    starts = messages.select(FILE, "begin", "counted", pl.col("message").alias("_message"))
    inside = pl.col("_ordinal") < pl.col("begin") + pl.col("counted")
    return (
        findings.with_columns(ordinal.alias("_ordinal"))
        .with_row_index("_at")
        .sort(FILE, "_ordinal")
        .join_asof(
            starts.sort(FILE, "begin").with_columns(pl.col("begin").alias("_begin")),
            left_on="_ordinal", right_on="_begin", by=FILE, check_sortedness=False,
        )
        .sort("_at")
        .with_columns(pl.when(inside).then("_message").alias("_message"))
        .select(*findings.columns, "_message")
    )  # fmt: skip


def _judged(messages: pl.DataFrame, findings: pl.LazyFrame | pl.DataFrame) -> pl.DataFrame:
    """The messages with `rejected`: an error lies in them or around them."""
    errors = (
        findings.lazy().filter(pl.col("code").is_in(EDI_ERRORS)).select(FILE, SEGMENT).collect()
    )
    hit = located(errors, messages).select(FILE, pl.col("_message").alias("message"))
    hit = hit.drop_nulls().unique().with_columns(pl.lit(value=True).alias("_hit"))
    return messages.join(hit, on=[FILE, "message"], how="left", maintain_order="left").with_columns(
        (pl.col("_hit").is_not_null() | pl.col("code").is_not_null()).alias("rejected")
    )


def _of_messages(interchanges: Sequence[Interchange]) -> Iterable[tuple[int | None, int]]:
    for each in interchanges:
        if each.counts == "messages":
            yield each.declared, each.counted
        yield from ((group.declared, group.counted) for group in each.groups)


def _claim(pairs: Iterable[tuple[int | None, int]]) -> Claim:
    declared = counted = differing = silent = 0
    for said, found in pairs:
        declared += said or 0
        counted += found
        silent += said is None
        differing += said is not None and said != found
    return Claim(declared, counted, differing, silent)


def _sum(claims: Sequence[Claim]) -> Claim | None:
    if not claims:
        return None
    return Claim(*(sum(getattr(each, name) for each in claims) for name in Claim.__slots__))


def _segments(messages: pl.DataFrame) -> Claim:
    said = pl.col("declared") >= 0
    row = messages.select(
        pl.col("declared").filter(said).sum().alias("declared"),
        pl.col("counted").sum().alias("counted"),
        (said & (pl.col("declared") != pl.col("counted"))).sum().alias("differing"),
        (~said).sum().alias("silent"),
    ).row(0)
    return Claim(*(int(number or 0) for number in row))
