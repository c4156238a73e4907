"""Orders against what the ledger knows: new, changed, unchanged; and the bytes that go out.

The hash of an order covers all that the mapping makes of it. The body leaves out what parcelLab
has already: the lines of a known order (`lines.send: on_create`, because sending the list replaces
it; with `always`, too, where the order has changes of lines, which the list would undo), the word that a known
order has no address, and changes that were acknowledged and are still the latest of their subject.

`content_sha256` is the SHA-256 of all that, a dot, and the first 16 digits of the SHA-256 of the
lines alone: so it can be told when the lines of a known order changed and are not sent.
"""

import uuid
from collections.abc import Iterator, Mapping
from hashlib import sha1, sha256
from typing import Protocol

import polars as pl

from pipeline.model.origin import ORIGIN
from pipeline.model.outcomes import OrderOutcome

# The name space of our operation ids: stable for ever, or retries would look like new changes.
OPERATIONS = uuid.UUID("8d0f4a52-6a57-5c0e-9f0e-6d8f7e1c2b90")
_JOINT = "\x1e"
_TAG = 16  # digits of the hash of the lines
_TRACKING = "add_tracking"
_CHANGES_OF_LINES = ("change_line_item_quantity", "add_line_item", "replace_line_item")
# Each time they are told there is one more line (CONTRACT §6), so they are told once in a line's life.
_ONCE = ("add_line_item", "replace_line_item")
_SLICE = 8192  # orders whose texts are Python objects at once, on their way to a hash

# One row per order after comparison. `body` is UTF-8 JSON, null where nothing is to be sent;
# `operations` follow its mutations one by one, and `change_at` are their positions in the group's
# list of changes. `lines_kept_back`: the lines differ from those last told, and do not go out;
# `added_otherwise`: a line that was added is told otherwise now, and is not added again.
COMPARED_SCHEMA: dict[str, pl.DataType] = {
    "order_number": pl.String(),
    "outcome": pl.String(),
    "known": pl.Boolean(),
    "content_sha256": pl.String(),
    "body": pl.Binary(),
    "operations": pl.List(
        pl.Struct(dict.fromkeys(("type", "subject", "operation_id", "replay"), pl.String))
    ),
    "change_at": pl.List(pl.UInt32),
    "lines_kept_back": pl.Boolean(),
    "added_otherwise": pl.Boolean(),
}


class KnownOrder(Protocol):
    """What the ledger knows of an order (`pipeline.ledger.KnownOrder`)."""

    @property
    def content_sha256(self) -> str:
        """Hash of the last payload that was sent."""

    @property
    def fully_applied(self) -> bool:
        """That payload was acknowledged with all its changes."""


class AckedOperation(Protocol):
    """The last acknowledged operation of a subject (`pipeline.ledger.AckedOperation`)."""

    @property
    def operation_id(self) -> str:
        """Its id."""

    @property
    def generation(self) -> int:
        """How many different operations the subject has seen."""


def compare(
    orders: pl.DataFrame,
    account: int,
    known: Mapping[str, KnownOrder],
    operations: Mapping[str, Mapping[str, AckedOperation]],
    *,
    silent: bool = False,
) -> pl.DataFrame:
    """Decide about each order of `Grouped.orders`, in its order (`COMPARED_SCHEMA`).

    With `silent` every tracking that goes out tells nobody (`--backfill`). What was told silently is
    told: without `silent` it is not sent again and loud. What was told loud goes out again silently.

    The outcome is `not_attempted` with a body for orders that go out, `unchanged` for those whose
    payload was acknowledged, `nothing_to_send` for those that say nothing but their number.
    """
    texts = _texts(orders, account)
    content = texts.select(pl.concat_str("front", "lines", pl.lit(_JOINT), "changes")).to_series()
    quiet = pl.concat_str(content, pl.lit(_SILENT))
    if silent:
        content = texts.select(pl.when("tracked").then(quiet).otherwise(content)).to_series()
    judged = (
        texts.drop("changes")
        .with_columns(
            _hashed(content).alias("sha256"),
            _hashed(texts.get_column("lines")).str.head(_TAG).alias("lines_tag"),
        )
        .join(_known(known), on="order_number", how="left", maintain_order="left")
        .with_row_index("at")
        .with_columns(
            pl.col("was").is_not_null().alias("known"),
            (pl.col("applied") & (pl.col("was") == pl.col("sha256")))
            .fill_null(value=False).alias("unchanged"),
            # a night without lines says nothing about them: what was told last stays
            pl.when(pl.col("lines") == "").then(pl.coalesce("was_lines", "lines_tag"))
            .otherwise("lines_tag").alias("lines_tag"),
        )
        .with_columns(pl.concat_str("sha256", "lines_tag", separator=".").alias("content_sha256"))
    )  # fmt: skip
    if not silent:
        judged = judged.with_columns(_told_silently(judged, content) | pl.col("unchanged"))
    del texts, content
    waiting = orders.filter(~judged.get_column("unchanged")).select(
        judged.get_column("at").filter(~judged.get_column("unchanged")),
        "order_number", *_CHANGES,
    )  # fmt: skip
    judged = judged.join(
        _outgoing(waiting, account, operations, silent=silent),
        on="at",
        how="left",
        maintain_order="left",
    )
    return judged.select(_compared()).select(
        pl.col(name).cast(dtype) for name, dtype in COMPARED_SCHEMA.items()
    )


_CHANGES = ("change_type", "change_subject", "change_body", "change_replay")
_SILENT = f"{_JOINT}silent"  # stands behind what a backfill says


def _told_silently(judged: pl.DataFrame, content: pl.Series) -> pl.Series:
    """Whether an order was told by a backfill, just as it is now but for its silence."""
    asked = judged.select(
        (pl.col("applied") & pl.col("tracked") & ~pl.col("unchanged")).fill_null(value=False)
    ).to_series()
    told = judged.filter(asked).select(
        "at", (pl.col("was") == _hashed(content.filter(asked) + _SILENT)).alias("unchanged")
    )
    every = judged.select("at").join(told, on="at", how="left", maintain_order="left")
    return every.get_column("unchanged").fill_null(value=False)


def _texts(orders: pl.DataFrame, account: int) -> pl.DataFrame:
    """The parts of each body: what stands before the lines, the lines, the changes as one text."""
    members, lines = pl.col("members"), pl.col("lines")
    return orders.select(
        "order_number",
        pl.concat_str(
            pl.lit(f'{{"account":{account},"order_number":'),
            _quoted(pl.col("order_number")),
            pl.when(members != "").then(pl.lit(",")).otherwise(pl.lit("")),
            members,
        ).alias("front"),
        pl.when(lines.is_not_null())
        .then(pl.concat_str(pl.lit(',"articles_order":'), lines))
        .otherwise(pl.lit("")).alias("lines"),
        pl.concat_str(
            pl.col("change_subject").list.join(_JOINT), pl.col("change_body").list.join(_JOINT),
            separator=_JOINT,
        ).alias("changes"),
        (members == "").alias("bare"),
        (members == _NO_ADDRESS.removeprefix(",")).alias("unaddressed"),
        pl.col("change_type").list.contains(_TRACKING).fill_null(value=False).alias("tracked"),
        (pl.col("lines_always") & ~_changes_lines()).fill_null(value=False).alias("always"),
    )  # fmt: skip


def _changes_lines() -> pl.Expr:
    kinds = pl.col("change_type")
    return pl.any_horizontal(kinds.list.contains(each) for each in _CHANGES_OF_LINES).fill_null(
        value=False
    )


def _compared() -> list[pl.Expr]:
    """What becomes of each order, from what it says and what is known of it."""
    sent = pl.when(~pl.col("known") | pl.col("always")).then(pl.col("lines")).otherwise(pl.lit(""))
    bare = pl.col("bare") | (pl.col("known") & pl.col("unaddressed"))
    nothing = bare & (sent == "") & pl.col("mutations").is_null()
    goes = ~pl.col("unchanged") & ~nothing
    tail = pl.concat_str(pl.lit(',"mutations":['), pl.col("mutations"), pl.lit("]"))
    front = pl.when("known").then(_kept("front")).otherwise("front")
    body = pl.concat_str(front, sent, tail.fill_null(""), pl.lit("}"))
    outcome = (
        pl.when("unchanged").then(pl.lit(OrderOutcome.UNCHANGED.value))
        .when(nothing).then(pl.lit(OrderOutcome.NOTHING_TO_SEND.value))
        .otherwise(pl.lit(OrderOutcome.NOT_ATTEMPTED.value))
    )  # fmt: skip
    return [
        pl.col("order_number"), outcome.alias("outcome"), pl.col("known"), pl.col("content_sha256"),
        pl.when(goes).then(body).alias("body"),
        pl.when(goes).then(pl.col("operations").fill_null([])).alias("operations"),
        pl.when(goes).then(pl.col("change_at").fill_null([])).alias("change_at"),
        (goes & (pl.col("lines") != "") & (sent == "") & (pl.col("lines_tag") != pl.col("was_lines"))
         & ~pl.col("of_lines").fill_null(value=False)).fill_null(value=False).alias("lines_kept_back"),
        pl.col("added_otherwise").fill_null(value=False),
    ]  # fmt: skip


# "There is no address" is told of new orders only: to a known one it would say that the address which
# parcelLab has is to be forgotten (CONTRACT K38). Quotes within values are escaped, so no value looks so.
_NO_ADDRESS = ',"recipient_email":"_unset"'


def _kept(front: str) -> pl.Expr:
    """What stands before the lines of a known order, without the word that there is no address."""
    return pl.col(front).str.replace(_NO_ADDRESS, "", literal=True)


def _outgoing(
    waiting: pl.DataFrame,
    account: int,
    operations: Mapping[str, Mapping[str, AckedOperation]],
    *,
    silent: bool,
) -> pl.DataFrame:
    """The changes that go out, per order: as JSON, as operations and as positions."""
    each = (
        waiting.filter(pl.col("change_type").list.len() > 0)
        .with_columns(pl.int_ranges(pl.col("change_type").list.len(), dtype=pl.UInt32).alias("nth"))
        .explode("nth", *_CHANGES)
        .rename({name: name.removeprefix("change_") for name in _CHANGES})
        .join(_acked(operations), on=["order_number", "subject"], how="left", maintain_order="left")
    )
    if silent:
        each = each.with_columns(_silenced().alias("body"))
    # acknowledged, and nothing else happened to the subject since: left out
    last = each.filter(pl.col("last_id").is_not_null())
    is_last = _operation_ids(last, account, pl.col("last_generation")) == last["last_id"]
    if not silent:
        quiet = last.with_columns(_silenced().alias("body"))
        is_last |= _operation_ids(quiet, account, pl.col("last_generation")) == last["last_id"]
    told = is_last | last.get_column("type").is_in(_ONCE)
    otherwise = (
        last.filter(told & ~is_last).select("at", added_otherwise=pl.lit(value=True)).unique()
    )
    if told.any():
        same = last.filter(told).select("at", "nth")
        each = each.join(same, on=["at", "nth"], how="anti", maintain_order="left")
    generation = pl.col("last_generation").fill_null(0) + 1
    each = each.with_columns(_operation_ids(each, account, generation).alias("operation_id"))
    inner = pl.when(pl.col("body") != "").then(pl.concat_str(pl.lit(","), pl.col("body")))
    text = pl.concat_str(
        pl.lit('{"operation_id":"'), pl.col("operation_id"), pl.lit('","type":"'), pl.col("type"),
        pl.lit('"'), inner.otherwise(pl.lit("")), pl.lit("}"),
    )  # fmt: skip
    named = pl.struct("type", "subject", "operation_id", "replay")
    outgoing = each.group_by("at", maintain_order=True).agg(
        text.str.join(",").alias("mutations"),
        named.alias("operations"),
        pl.col("nth").alias("change_at"),
        pl.col("type").is_in(_CHANGES_OF_LINES).any().alias("of_lines"),
    )
    return outgoing.join(otherwise, on="at", how="full", coalesce=True)


def _silenced() -> pl.Expr:
    """The body of each change, with the word that nobody is told of a tracking (PRODUCT §2.11)."""
    quiet = pl.concat_str(
        pl.col("body").str.strip_suffix("}"), pl.lit(',"notifications_inactive":true}')
    )
    return pl.when(pl.col("type") == _TRACKING).then(quiet).otherwise("body")


def _known(known: Mapping[str, KnownOrder]) -> pl.DataFrame:
    """What is known: the two hashes that were last told, and whether they were acknowledged."""
    hashes = [order.content_sha256.partition(".") for order in known.values()]
    return pl.DataFrame(
        {
            "order_number": list(known),
            "was": [content for content, _, _ in hashes],
            "was_lines": [lines or None for _, _, lines in hashes],
            "applied": [order.fully_applied for order in known.values()],
        },
        schema={"order_number": pl.String, "was": pl.String, "was_lines": pl.String,
                "applied": pl.Boolean},
    )  # fmt: skip


def _acked(operations: Mapping[str, Mapping[str, AckedOperation]]) -> pl.DataFrame:
    rows = [
        (number, subject, last.operation_id, last.generation)
        for number, subjects in operations.items()
        for subject, last in subjects.items()
    ]
    schema = {"order_number": pl.String, "subject": pl.String, "last_id": pl.String,
              "last_generation": pl.Int64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _bytes(texts: pl.Series) -> Iterator[bytes]:
    """The texts as bytes; only a slice of them as Python objects at a time."""
    for start in range(0, texts.len(), _SLICE):
        yield from texts.slice(start, _SLICE).cast(pl.Binary).to_list()


def _hashed(texts: pl.Series) -> pl.Series:
    return pl.Series([sha256(text).hexdigest() for text in _bytes(texts)], dtype=pl.String)


def operation_id(account: int, number: str, subject: str, body: str, generation: int) -> str:
    """The id of a change: the same change of the same thing has the same id, on every retry.

    `generation` tells a change that comes back after another one (2, then 3, then 2 again) from
    its first time. Differs from CONTRACT §6 in leaving the source row out: tomorrow's file tells
    today's change on another line, and it must still be the same operation.

    >>> operation_id(1618, "A1", "cancel_order|", "", 1)
    '60ff29cd-fb23-5c8c-ae7f-099c4e6c1a16'
    """
    return str(uuid.uuid5(OPERATIONS, f"{account}|{number}|{generation}|{subject}|{body}"))


def _operation_ids(each: pl.DataFrame, account: int, generation: pl.Expr) -> pl.Series:
    """`operation_id` of each row: version 5 of RFC 9562, whose sums Polars puts together."""
    named = each.select(
        pl.concat_str(pl.lit(f"{account}"), "order_number", generation, "subject", "body",
                      separator="|")
    ).to_series()  # fmt: skip
    # sha1 is what version 5 is made of; nothing here is a secret
    space = sha1(OPERATIONS.bytes, usedforsecurity=False)
    sums = []
    for name in _bytes(named):
        made = space.copy()
        made.update(name)
        sums.append(made.hexdigest())
    digits = pl.Series("sum", sums, dtype=pl.String)
    variant = pl.col("sum").str.slice(16, 1).replace_strict(
        list("0123456789abcdef"), list("89ab" * 4), return_dtype=pl.String
    )  # fmt: skip
    part = pl.col("sum").str.slice
    return digits.to_frame().select(
        pl.concat_str(
            part(0, 8), pl.lit("-"), part(8, 4), pl.lit("-5"), part(13, 3), pl.lit("-"), variant,
            part(17, 3), pl.lit("-"), part(20, 12),
        )
    ).to_series()  # fmt: skip


def _quoted(text: pl.Expr) -> pl.Expr:
    # An order number is plain text; Polars' own encoder escapes it.
    return pl.struct(text.alias("n")).struct.json_encode().str.slice(5).str.strip_suffix("}")


# What is kept of each order beside its outcome, to trace the API's words back to a cell. A change
# of `mutations` has the number of its entry there, one of `trackings` none.
TRACE_SCHEMA: dict[str, pl.DataType] = {
    "order_number": pl.String(),
    "line_rows": pl.List(pl.Struct(dict.fromkeys(ORIGIN, pl.UInt32))),
    "change_rows": pl.List(pl.Struct(dict.fromkeys(ORIGIN, pl.UInt32))),
    "change_types": pl.List(pl.String),
    "change_plans": pl.List(pl.UInt32),
}


def trace(orders: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    """Where the lines and the sent changes of each submitted order come from (`TRACE_SCHEMA`)."""
    return (
        orders.select("order_number", "line_rows", "change_row", "change_type", "change_plan")
        .with_columns(compared.get_column("change_at"))
        .filter(compared.get_column("body").is_not_null())
        .select(
            "order_number", "line_rows",
            pl.col("change_row").list.gather(pl.col("change_at")).alias("change_rows"),
            pl.col("change_type").list.gather(pl.col("change_at")).alias("change_types"),
            pl.col("change_plan").list.gather(pl.col("change_at")).alias("change_plans"),
        )
        .cast(pl.Schema(TRACE_SCHEMA))
    )  # fmt: skip
