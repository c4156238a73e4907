"""What there is to correct: the rows and messages of orders that did not arrive, and what to do.

Rows of delimited files go back into files of their own form (`pipeline.run.corrected`); EDI messages
are listed, for nobody corrects them by hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.model.origin import FILE, LINE, ORIGIN, SEGMENT, SEGMENTS_MAX
from pipeline.model.outcomes import REJECTED_ROWS, OrderOutcome, RowOutcome
from pipeline.report.facts import RunFacts, RunTables
from pipeline.report.interchanges import EDI_ERRORS, located
from pipeline.report.messages import edi_findings
from pipeline.report.rejections import records, rejected_findings

# An order of these can be corrected; what was not tried or is unclear comes by itself.
CORRECTABLE = (OrderOutcome.HELD_BACK, OrderOutcome.REFUSED, OrderOutcome.PARTLY_APPLIED)
ORDERS_NAMED = 20  # per message
EDI_ORDERS_NAMED = 5  # of those that have rows in EDI files too
_BETWEEN = " | "
# What to do here, where the cells stand in right quotes whatever they were.
_FIXES_HERE = {
    code: f"{what}: correct the cells; if they are right as they stand, empty _import_rule"
    for code, what in (
        ("R103", "these cells are a guess"),
        # programs that save the file drop it, too, so that it is gone tells of nobody who has looked
        ("R105", "a byte of this row is damaged, and taking it out alone is no correction"),
    )
}
# Rules speak of cells that are corrected here; those of a message are corrected by its sender.
_CELLS = r"\b(correct|fill in|shorten|write) (the|their)( missing)? (cell|rows|key|dates)"
_ASKED = (
    (_CELLS, "ask the sender to ${1} ${2}${3} ${4}"),
    (r"\bcell", "value"),
    (r"(to correct the value, or) (`|the [p`])", "${1} correct ${2}"),
)


def affected(tables: RunTables) -> pl.DataFrame:
    """All rows of each order that can be corrected, good ones too, and faulty rows without an order.

    Half an order would be taken for the whole of it (REPORT §6). Columns: ORIGIN, `key`,
    `order_number`; sorted by address.
    """
    keys = tables.orders.filter(pl.col("outcome").is_in(CORRECTABLE)).select("key").unique()
    rows = tables.rows.lazy().filter(pl.col("outcome") != RowOutcome.FILTERED.value)
    alone = rows.filter(pl.col("key").is_null() & pl.col("outcome").is_in(REJECTED_ROWS))
    whole = rows.join(keys.lazy(), on="key", how="semi")
    wanted = [*ORIGIN, "key", "order_number"]
    found = [each.select(wanted).collect(engine="streaming") for each in (whole, alone)]
    return pl.concat(found).sort(ORIGIN)


def rows_told(findings: pl.DataFrame, facts: RunFacts, owners: Mapping[str, str]) -> pl.DataFrame:
    """Say of each row what is wrong with it and what to do: FILE, LINE, `rule`, `problem`, `fix`."""
    told = _told(findings, facts, owners).drop(SEGMENT)
    at = [FILE, LINE]
    several = told.select((pl.len().over(at) > 1).alias("several")).to_series()
    alone, together = told.filter(~several), told.filter(several)  # few rows have several
    words = together.group_by(at, maintain_order=True).agg(
        pl.col("rule").first(),
        *(
            pl.col(name).unique(maintain_order=True).str.join(_BETWEEN)
            for name in ("problem", "fix")
        ),
    )
    return pl.concat([alone, words.select(alone.columns)])


def _told(findings: pl.DataFrame, facts: RunFacts, owners: Mapping[str, str]) -> pl.DataFrame:
    """One problem per finding, with the column that it is about."""
    made = records(findings, facts, owners).hstack(findings.select(FILE, SEGMENT))
    column = pl.col("column").fill_null("")
    named = (column != "") & ~pl.col("message").str.starts_with(column)
    about = pl.concat_str(
        column, pl.when(pl.col("path") != "").then(pl.concat_str(pl.lit(" "), "path")).otherwise(pl.lit(""))
    )  # fmt: skip
    problem = (
        pl.when(named).then(pl.concat_str(about, pl.lit(": "), "message")).otherwise("message")
    )
    fix = pl.col("rule").replace_strict(_FIXES_HERE, default=pl.col("suggestion").fill_null(""))
    return made.select(
        FILE, pl.col("line").alias(LINE), SEGMENT, "rule", problem.alias("problem"), fix.alias("fix")
    )  # fmt: skip


# -- EDI ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageList:
    """The text about the messages of one EDI file, and how many it names; no orders where none is known."""

    text: str
    messages: int
    orders: int


def message_list(
    file: Sequence[int], rows: pl.DataFrame, tables: RunTables, facts: RunFacts,
    owners: Mapping[str, str],
) -> MessageList:  # fmt: skip
    """List the messages of a file that hold orders back, with place, path, problem and fix.

    `file` are the ordinals of the file, one per mapping that reads it; `rows` are `affected`.
    """
    here = pl.lit(file[0], pl.UInt32).alias(FILE)
    messages = tables.messages.filter(pl.col(FILE).is_in(file)).with_columns(here)
    mine = rows.filter(pl.col(FILE).is_in(file)).with_columns(here)
    order = pl.coalesce("order_number", "key").alias("order")
    held = located(mine, messages).with_columns(order)
    told = _told_of_messages(file, rows, tables, facts, owners, messages)
    orders = held.group_by("_message").agg(
        pl.col("order").drop_nulls().unique(maintain_order=True).alias("orders")
    )
    kept = messages.unique("message", keep="first").select(
        pl.col("message").alias("_message"), "type", "reference", "begin"
    )
    listed = (
        pl.concat([orders.select("_message"), told.select("_message")]).unique()
        .join(orders, on="_message", how="left", nulls_equal=True)
        .join(told, on="_message", how="left", nulls_equal=True)
        .join(kept, on="_message", how="left")
        .sort("begin", nulls_last=True)
    )  # fmt: skip
    text = listed.select(_of_message().str.join("")).item()
    return MessageList(
        _INTRODUCTION.format(name=facts.file_name(file[0])) + text,
        listed.get_column("_message").drop_nulls().len(),
        held.get_column("order").drop_nulls().n_unique(),
    )


_INTRODUCTION = """\
What is wrong in {name}, message by message. An EDI file is corrected where it is made: ask its
sender for the messages anew. `pipeline edi show` shows a message, `pipeline edi split` makes a file
of each. Whole messages are listed: an order of a message may have rows in other messages too.
"""


def _told_of_messages(
    file: Sequence[int], rows: pl.DataFrame, tables: RunTables, facts: RunFacts, owners: Mapping[str, str],
    messages: pl.DataFrame,
) -> pl.DataFrame:  # fmt: skip
    """The problems of each message, once each, as lines of text."""
    here = pl.col(FILE).is_in(file)
    found = (
        rejected_findings(tables, planned=facts.unsent)
        .filter(here & ~pl.col("code").is_in([*EDI_ERRORS, "H001"]))
        .join(rows, on=ORIGIN, how="semi", maintain_order="left")
    )
    rejected = tables.rows.lazy().filter(here & pl.col("outcome").is_in(REJECTED_ROWS)).collect()
    errors = edi_findings(tables.findings, rejected, tables.messages).errors.filter(here)
    every = pl.concat([errors.select(found.columns), found]).sort(ORIGIN)
    told = _told(every, facts, owners).with_columns(_asked(pl.col("fix")))
    line = pl.concat_str(
        pl.lit("  segment "), (pl.col(SEGMENT) & SEGMENTS_MAX).cast(pl.String),
        pl.lit(", line "), pl.col(LINE).cast(pl.String), pl.lit("  "), "rule", pl.lit("  "), "problem",
        pl.lit("\n    what to do: "), "fix", pl.lit("\n"),
    )  # fmt: skip
    return (
        located(
            told.select(pl.lit(file[0], pl.UInt32).alias(FILE), LINE, SEGMENT, line.alias("text")),
            messages,
        )
        .unique(["_message", "text"], maintain_order=True)
        .group_by("_message", maintain_order=True)
        .agg(pl.col("text").str.join(""))
    )  # fmt: skip


def _asked(fix: pl.Expr) -> pl.Expr:
    """What to do about a message, from what a rule says of cells."""
    for pattern, words in _ASKED:
        fix = fix.str.replace_all(pattern, words)
    return fix


def _of_message() -> pl.Expr:
    """The lines of one message."""
    named = [
        _plain(pl.col(name).cast(pl.String).fill_null(""))
        for name in ("reference", "type", "begin")
    ]
    where = pl.format("\nMessage {} ({}), from segment {}\n", *named)
    orders = _plain(pl.col("orders").list.head(ORDERS_NAMED).list.join(", "))
    more = pl.col("orders").list.len().cast(pl.Int64) - ORDERS_NAMED
    further = pl.when(more > 0).then(pl.format(" and {} more", more)).otherwise(pl.lit(""))
    return pl.concat_str(
        pl.when(pl.col("_message").is_null()).then(pl.lit("\nOutside of messages\n")).otherwise(where),
        pl.when(orders != "").then(pl.format("  orders {}{}\n", orders, further)).otherwise(pl.lit("")),
        pl.col("text").fill_null("  another message or row of these orders is wrong\n"),
    )  # fmt: skip


def _plain(text: pl.Expr) -> pl.Expr:
    """Without characters that a terminal would obey."""
    return text.str.replace_all(r"\p{C}", "\ufffd")
