"""Orders against what the ledger knows: new, changed, unchanged; and the bytes that go out.

The hash of an order covers all that the mapping makes of it. The body leaves out what parcelLab
has already: the lines of a known order (`lines.send: on_create`, because sending the list replaces
it) and changes that were acknowledged and are still the latest of their subject.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import polars as pl

from pipeline.model.orders import Operation, Replay, Submission
from pipeline.model.origin import KEY, ORIGIN
from pipeline.model.outcomes import OrderOutcome

# The name space of our operation ids: stable for ever, or retries would look like new changes.
OPERATIONS = uuid.UUID("8d0f4a52-6a57-5c0e-9f0e-6d8f7e1c2b90")
_JOINT = "\x1e"


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


@dataclass(frozen=True, slots=True)
class Ready:
    """One order after comparison; `submission` is None where nothing is to be sent.

    `change_rows` are the positions, in the group's list of changes, of the operations that go out.
    """

    outcome: OrderOutcome
    content_sha256: str
    known: bool
    submission: Submission | None = None
    change_rows: tuple[int, ...] = ()


def compare(
    orders: pl.DataFrame,
    account: int,
    known: Mapping[str, KnownOrder],
    operations: Mapping[str, Mapping[str, AckedOperation]],
) -> list[Ready]:
    """Decide about each order of `Grouped.orders`, in its order.

    Returns:
        list[Ready]: `not_attempted` with a submission for orders that go out, `unchanged` for
        those whose payload was acknowledged, `nothing_to_send` for those that say nothing but
        their number.
    """
    head = orders.select(
        pl.concat_str(
            pl.lit(f'{{"account":{account},"order_number":'),
            _quoted(pl.col("order_number")),
            pl.when(pl.col("members") != "").then(
                pl.concat_str(pl.lit(","), pl.col("members"))
            ).otherwise(pl.lit("")),
        ).alias("head"),
        pl.when(pl.col("lines").is_not_null()).then(
            pl.concat_str(pl.lit(',"articles_order":'), pl.col("lines"))
        ).otherwise(pl.lit("")).alias("lines"),
        pl.concat_str(
            pl.col("change_subject").list.join(_JOINT), pl.col("change_body").list.join(_JOINT),
            separator=_JOINT,
        ).alias("changes"),
        (pl.col("members") == "").alias("bare"),
        pl.col("lines_always").fill_null(value=False).alias("always"),
    )  # fmt: skip
    made = []
    for number, front, lines, changes, bare, always, types, subjects, bodies, replays in zip(
        orders.get_column("order_number").to_list(),
        *(head.get_column(name).to_list() for name in head.columns),
        *(orders.get_column(f"change_{n}").to_list() for n in ("type", "subject", "body", "replay")),
        strict=True,
    ):
        content = hashlib.sha256(f"{front}{lines}{_JOINT}{changes}".encode()).hexdigest()
        before = known.get(number)
        if before is not None and before.fully_applied and before.content_sha256 == content:
            made.append(Ready(OrderOutcome.UNCHANGED, content, known=True))
            continue
        acked = operations.get(number, {})
        out, texts, positions = _changes(account, number, types, subjects, bodies, replays, acked)
        sent_lines = lines if before is None or always else ""
        if bare and not sent_lines and not out:
            made.append(Ready(OrderOutcome.NOTHING_TO_SEND, content, known=before is not None))
            continue
        tail = f',"mutations":[{",".join(texts)}]' if texts else ""
        body = f"{front}{sent_lines}{tail}}}".encode()
        submission = Submission(number, content, body, out)
        made.append(
            Ready(OrderOutcome.NOT_ATTEMPTED, content, before is not None, submission, positions)
        )
    return made


def _changes(
    account: int, number: str, types: Sequence[str], subjects: Sequence[str], bodies: Sequence[str],
    replays: Sequence[str], acked: Mapping[str, AckedOperation],
) -> tuple[tuple[Operation, ...], list[str], tuple[int, ...]]:  # fmt: skip
    """The changes that go out, as operations, as JSON and as positions."""
    out: list[Operation] = []
    texts: list[str] = []
    positions: list[int] = []
    for position, kind, subject, body, replay in zip(
        count(), types, subjects, bodies, replays, strict=False
    ):
        last = acked.get(subject)
        generation = 1
        if last is not None:
            if last.operation_id == operation_id(account, number, subject, body, last.generation):
                continue  # acknowledged, and nothing else happened to the subject since
            generation = last.generation + 1
        made = operation_id(account, number, subject, body, generation)
        out.append(Operation(kind, subject, made, Replay(replay)))
        inner = f",{body}" if body else ""
        texts.append(f'{{"operation_id":"{made}","type":"{kind}"{inner}}}')
        positions.append(position)
    return tuple(out), texts, tuple(positions)


def operation_id(account: int, number: str, subject: str, body: str, generation: int) -> str:
    """The id of a change: the same change of the same thing has the same id, on every retry.

    `generation` tells a change that comes back after another one (2, then 3, then 2 again) from
    its first time. Differs from CONTRACT §6 in leaving the source row out: tomorrow's file tells
    today's change on another line, and it must still be the same operation.

    >>> operation_id(1618, "A1", "cancel_order|", "", 1)
    '46f57ca3-d2c5-5d09-8f25-d3a8d7e3ad7f'
    """
    return str(uuid.uuid5(OPERATIONS, f"{account}|{number}|{generation}|{subject}|{body}"))


def _quoted(text: pl.Expr) -> pl.Expr:
    # An order number is plain text; Polars' own encoder escapes it.
    return pl.struct(text.alias("n")).struct.json_encode().str.slice(5).str.strip_suffix("}")


# What is kept of each order beside its outcome, to trace the API's words back to a cell.
TRACE_SCHEMA: dict[str, pl.DataType] = {
    "order_number": pl.String(),
    "line_rows": pl.List(pl.Struct({name: pl.UInt32 for name in ORIGIN})),
    "change_rows": pl.List(pl.Struct({name: pl.UInt32 for name in ORIGIN})),
    "change_types": pl.List(pl.String),
}


def trace(orders: pl.DataFrame, ready: Sequence[Ready]) -> pl.DataFrame:
    """Where the lines and the sent changes of each submitted order come from (`TRACE_SCHEMA`)."""
    positions = pl.Series("at", [list(each.change_rows) for each in ready], dtype=pl.List(pl.UInt32))
    going = pl.Series("go", [each.submission is not None for each in ready], dtype=pl.Boolean)
    return (
        orders.select(KEY, "order_number", "line_rows", "change_row", "change_type")
        .with_columns(positions, going)
        .filter("go")
        .select(
            "order_number", "line_rows",
            pl.col("change_row").list.gather(pl.col("at")).alias("change_rows"),
            pl.col("change_type").list.gather(pl.col("at")).alias("change_types"),
        )
        .cast(dict(TRACE_SCHEMA))
    )  # fmt: skip
