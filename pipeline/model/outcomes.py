"""What became of each row and each order: the one table every total is counted from.

PRODUCT §2.4 and REPORT §2. An outcome is one enum value; no counter is kept anywhere else.
"""

from enum import StrEnum

import polars as pl

from pipeline.model.findings import FINDING_SCHEMA
from pipeline.model.origin import ORIGIN_SCHEMA


class RowOutcome(StrEnum):
    """What became of one source row; exactly one value per row read."""

    ACCEPTED = "accepted"
    OWN_PROBLEM = "own_problem"
    HELD = "held"
    FILTERED = "filtered"
    DUPLICATE = "duplicate"
    NOTHING_TO_SEND = "nothing_to_send"
    ALREADY_DONE = "already_done"
    SUPERSEDED = "superseded"
    NOT_CHOSEN = "not_chosen"
    JOINED = "joined"  # of a file that is joined to others: its cells stand in rows of these
    NOT_NEEDED = "not_needed"  # of such a file: no row names it


REJECTED_ROWS = (RowOutcome.OWN_PROBLEM, RowOutcome.HELD)
SKIPPED_ROWS = (
    RowOutcome.FILTERED,
    RowOutcome.DUPLICATE,
    RowOutcome.NOTHING_TO_SEND,
    RowOutcome.ALREADY_DONE,
    RowOutcome.SUPERSEDED,
    RowOutcome.NOT_CHOSEN,
    RowOutcome.JOINED,
    RowOutcome.NOT_NEEDED,
)


class OrderOutcome(StrEnum):
    """What became of one order; exactly one value per order seen in a run."""

    HELD_BACK = "held_back"
    NOTHING_TO_SEND = "nothing_to_send"
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    PARTLY_APPLIED = "partly_applied"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"
    SUPERSEDED = "superseded"
    NOT_CHOSEN = "not_chosen"  # `--limit` or `--only-order` leaves it out
    LEFT_ALONE = "left_alone"  # parcelLab has it already, and `--create-only` never updates


READY_ORDERS = (
    OrderOutcome.CREATED,
    OrderOutcome.UPDATED,
    OrderOutcome.UNCHANGED,
    OrderOutcome.PARTLY_APPLIED,
    OrderOutcome.REFUSED,
    OrderOutcome.UNKNOWN,
    OrderOutcome.NOT_ATTEMPTED,
    OrderOutcome.SUPERSEDED,
    OrderOutcome.LEFT_ALONE,
)
# Confirmed by the API in this run or an earlier one: the ledger knows that the order exists.
ARRIVED_ORDERS = (
    OrderOutcome.CREATED,
    OrderOutcome.UPDATED,
    OrderOutcome.UNCHANGED,
    OrderOutcome.PARTLY_APPLIED,
)


class MutationOutcome(StrEnum):
    """What became of one mutation that was sent."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"


# One row per source row. `code` is the primary cause of a rejected row, null otherwise.
ROW_SCHEMA: dict[str, pl.DataType] = {
    **ORIGIN_SCHEMA,
    "key": pl.String(),
    "order_number": pl.String(),
    "outcome": pl.String(),
    "code": pl.String(),
}

# One row per order of the run. `known`: the ledger knew before the run that the order exists.
# `quantity`, `value`, `currency` and `trackings` are control totals of the input (REPORT §2).
ORDER_SCHEMA: dict[str, pl.DataType] = {
    **ORIGIN_SCHEMA,  # of the order's first row
    "key": pl.String(),
    "order_number": pl.String(),
    "outcome": pl.String(),
    "known": pl.Boolean(),
    "code": pl.String(),
    "rows": pl.UInt32(),
    "lines": pl.UInt32(),
    "quantity": pl.Int64(),
    "value": pl.Decimal(38, 2),
    "currency": pl.String(),
    "trackings": pl.UInt32(),
    "status": pl.Int32(),  # HTTP status of the last answer, null when there was none
    "attempts": pl.UInt32(),
    "warnings": pl.UInt32(),
}

# One row per mutation that was part of a request.
MUTATION_SCHEMA: dict[str, pl.DataType] = {
    "order_number": pl.String(),
    "ordinal": pl.UInt32(),
    "type": pl.String(),
    "outcome": pl.String(),
}

# Findings as the report gets them: with the order they belong to. `primary` marks the one finding
# that is the cause of its row; api_* hold the API's own words, already scrubbed.
REPORTED_FINDING_SCHEMA: dict[str, pl.DataType] = {
    **FINDING_SCHEMA,
    "key": pl.String(),
    "order_number": pl.String(),
    "primary": pl.Boolean(),
    "api_status": pl.Int32(),
    "api_code": pl.String(),
    "api_attr": pl.String(),
}
