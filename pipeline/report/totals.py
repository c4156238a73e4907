"""Every total of a run, counted from the outcome tables, and the proof that they add up.

REPORT §2. No counter is ever incremented: a total is the number of rows of a table that have one
outcome. Where there is an independent count of the same thing (the reader's records, the keys of
the rows) both stand in an equation, and `Totals.check` raises where they differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from pipeline.model.origin import FILE
from pipeline.model.outcomes import (
    ARRIVED_ORDERS,
    READY_ORDERS,
    REJECTED_ROWS,
    SKIPPED_ROWS,
    MutationOutcome,
    OrderOutcome,
    RowOutcome,
)
from pipeline.report.facts import RunFacts, RunTables
from pipeline.report.visible import visible

# Orders that did not arrive and are not coming back by themselves within this run (REPORT §2).
NOT_ARRIVED = (OrderOutcome.HELD_BACK, OrderOutcome.REFUSED, OrderOutcome.NOT_ATTEMPTED)
# Orders with nothing left to do: they are neither in parcelLab by this run nor open.
SET_ASIDE = (OrderOutcome.NOTHING_TO_SEND, OrderOutcome.SUPERSEDED, OrderOutcome.LEFT_ALONE)
# Orders that this run leaves where they are: those, and what `--limit` or `--only-order` left out.
LEFT = (*SET_ASIDE, OrderOutcome.NOT_CHOSEN)


class DoesNotBalance(Exception):  # noqa: N818 - a statement about the totals, not a mishap
    """The totals of a run contradict each other; the text is the equation that fails."""


@dataclass(frozen=True, slots=True)
class Balance:
    """One equation: what stands on the left must be the sum of the terms."""

    label: str
    left: int
    terms: tuple[tuple[str, int], ...]

    @property
    def holds(self) -> bool:
        """Both sides are equal."""
        return self.left == sum(count for _, count in self.terms)

    def __str__(self) -> str:
        sign = "=" if self.holds else "≠"
        sums = " + ".join(f"{count:,}" for _, count in self.terms)
        text = f"{self.left:,} {sign} {sums}"
        return text if self.holds else f"DOES NOT BALANCE: {text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTotals:
    """Rows by what became of them; `read` is the reader's own count of records."""

    read: int
    accepted: int
    own_problem: int
    held: int
    filtered: int
    duplicate: int
    nothing_to_send: int
    already_done: int
    superseded: int
    not_chosen: int
    joined: int
    not_needed: int

    @property
    def rejected(self) -> int:
        """Rows that were not sent because of a problem, their own or of their order."""
        return self.own_problem + self.held

    @property
    def skipped(self) -> int:
        """Rows that were left out on purpose."""
        return sum(getattr(self, outcome) for outcome in SKIPPED_ROWS)


@dataclass(frozen=True, slots=True)
class FileTotals:
    """The rows of one file."""

    index: int
    name: str
    rows: RowTotals


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTotals:
    """Orders by what became of them; `seen` counts the distinct keys of the rows."""

    seen: int
    held_back: int
    nothing_to_send: int
    created: int
    updated: int
    unchanged: int
    partly_applied: int
    refused: int
    unknown: int
    not_attempted: int
    superseded: int
    not_chosen: int
    left_alone: int
    arrived: int
    missing: int
    out_of_date: int

    @property
    def ready(self) -> int:
        """Orders without a faulty row that had something to send."""
        return sum(getattr(self, outcome) for outcome in READY_ORDERS)

    @property
    def set_aside(self) -> int:
        """Orders with nothing left to do: nothing to send, superseded, left alone."""
        return sum(getattr(self, outcome) for outcome in SET_ASIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationTotals:
    """Changes of one type by what became of them."""

    type: str
    succeeded: int
    failed: int
    unknown: int
    not_attempted: int

    @property
    def sent(self) -> int:
        """Changes that were part of a request that went out."""
        return self.succeeded + self.failed + self.unknown


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """A sum over the orders of the input, split by where the orders are now.

    `unit` is "lines", a currency, or "parcels". `without` counts orders that have no value to add.
    What was not chosen stands with what was set aside.
    """

    name: str
    unit: str
    in_files: Decimal
    arrived: Decimal
    set_aside: Decimal
    open: Decimal
    without: int = 0

    @property
    def holds(self) -> bool:
        """What is in the files is either in parcelLab, set aside or open."""
        return self.in_files == self.arrived + self.set_aside + self.open


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosschecks:
    """Counts of the same things from another side; they appear only in equations."""

    rows_with_outcome: int
    keyed_rows: int
    rows_of_orders: int
    orders_in_table: int
    orders_agreeing: int
    orders_rejected: int
    rows_explained: int
    orders_with_problem: int
    orders_explained: int
    mutations_in_table: int


@dataclass(frozen=True, slots=True)
class Totals:
    """All totals of a run."""

    rows: RowTotals
    files: tuple[FileTotals, ...]
    orders: OrderTotals
    mutations: tuple[MutationTotals, ...]
    control: tuple[ControlTotal, ...]
    crosschecks: Crosschecks

    @property
    def balances(self) -> tuple[Balance, ...]:
        """The equations of REPORT §2, the three that people read first in front."""
        return (*self.main_balances, *self.further_balances)

    @property
    def main_balances(self) -> tuple[Balance, ...]:
        """Rows, orders, and orders ready to send."""
        rows, orders = self.rows, self.orders
        # a term of its own only where an option chose among the orders
        chosen = (("not chosen", orders.not_chosen),) if orders.not_chosen else ()
        return (
            Balance(
                "rows read",
                rows.read,
                (
                    ("accepted", rows.accepted),
                    ("rejected", rows.rejected),
                    ("skipped", rows.skipped),
                ),
            ),
            Balance(
                "orders in the files",
                orders.seen,
                (
                    ("ready to send", orders.ready),
                    ("held back", orders.held_back),
                    ("nothing to send", orders.nothing_to_send),
                    *chosen,
                ),
            ),
            Balance(
                "orders",
                orders.seen,
                (
                    ("arrived", orders.arrived),
                    ("missing", orders.missing),
                    ("out of date", orders.out_of_date),
                    ("unclear", orders.unknown),
                    ("set aside", orders.set_aside),
                    *chosen,
                ),
            ),
        )

    @property
    def further_balances(self) -> tuple[Balance, ...]:
        """The equations whose sides come from different tables."""
        check, rows = self.crosschecks, self.rows
        return (
            *(
                Balance(
                    f"rows read of {visible(each.name)}",
                    each.rows.read,
                    (
                        ("accepted", each.rows.accepted),
                        ("rejected", each.rows.rejected),
                        ("skipped", each.rows.skipped),
                    ),
                )
                for each in self.files
            ),
            Balance(
                "records counted by the reader",
                rows.read,
                (("rows with an outcome", check.rows_with_outcome),),
            ),
            Balance(
                "orders found in the rows",
                self.orders.seen,
                (("orders with an outcome", check.orders_in_table),),
            ),
            Balance(
                "orders, counted again",
                self.orders.seen,
                (("orders with as many rows as they say", check.orders_agreeing),),
            ),
            Balance(
                "rows with an order key",
                check.keyed_rows,
                (("rows of the orders", check.rows_of_orders),),
            ),
            Balance(
                "orders with a rejected row",
                check.orders_rejected,
                (("orders held back", self.orders.held_back),),
            ),
            Balance(
                "rejected rows", rows.rejected, (("rows under a cause", check.rows_explained),)
            ),
            Balance(
                "orders refused, partly applied, unclear or not tried",
                check.orders_with_problem,
                (("orders under a cause", check.orders_explained),),
            ),
            Balance(
                "changes in requests",
                check.mutations_in_table,
                (
                    ("sent", sum(each.sent for each in self.mutations)),
                    ("not sent", sum(each.not_attempted for each in self.mutations)),
                ),
            ),
        )

    @property
    def failures(self) -> tuple[str, ...]:
        """The equations that do not hold, as sentences."""
        return (
            *(f"{each} ({each.label})" for each in self.balances if not each.holds),
            *(
                f"DOES NOT BALANCE: {each.in_files:,} ≠ {each.arrived:,} + {each.set_aside:,} + "
                f"{each.open:,} ({each.name}, {each.unit})"
                for each in self.control
                if not each.holds
            ),
        )

    def check(self) -> None:
        """Prove that everything adds up.

        Raises:
            DoesNotBalance: an equation fails; the text holds all that do, one per line.
        """
        if self.failures:
            raise DoesNotBalance("\n".join(self.failures))


@dataclass(frozen=True, slots=True)
class Explained:
    """How much the causes account for; counted where the causes are made."""

    rows: int
    orders_with_problem: int
    orders: int


def count(facts: RunFacts, tables: RunTables, explained: Explained) -> Totals:
    """Count all totals; the tables are aggregated once each."""
    by_file = (tables.rows.lazy().group_by(FILE, "outcome").len("n").sort(FILE, "outcome")).collect(
        engine="streaming"
    )
    keys = keys_of_rows(tables.rows)
    by_type = tables.mutations.group_by("type", "outcome").len("n").sort("type", "outcome")
    orders = order_totals(keys, tables.orders)
    agreeing = tables.orders.join(keys, on="key").filter(pl.col("rows") == pl.col("n"))
    return Totals(
        rows=_rows(by_file, sum(facts.records.values())),
        files=tuple(
            FileTotals(
                each.index,
                each.name,
                _rows(by_file.filter(pl.col(FILE) == each.index), facts.records.get(each.index, 0)),
            )
            for each in facts.files
        ),
        orders=orders,
        mutations=_mutations(by_type),
        control=control_totals(tables.orders),
        crosschecks=Crosschecks(
            rows_with_outcome=int(by_file["n"].sum()),
            keyed_rows=int(keys["n"].sum()),
            rows_of_orders=int(tables.orders["rows"].sum()),
            orders_in_table=tables.orders.height,
            orders_agreeing=agreeing.height,
            orders_rejected=int(keys["rejected"].sum()),
            rows_explained=explained.rows,
            orders_with_problem=explained.orders_with_problem,
            orders_explained=explained.orders,
            mutations_in_table=tables.mutations.height,
        ),
    )


def keys_of_rows(rows: pl.LazyFrame | pl.DataFrame) -> pl.DataFrame:
    """Count the rows of each order: key, n, and whether one of them was rejected.

    Filtered rows belong to no order, whatever key they have: the mapping said that they are no
    order rows. Every other row with a key does, duplicates too.
    """
    return (
        rows.lazy()
        .filter(pl.col("key").is_not_null() & (pl.col("outcome") != RowOutcome.FILTERED))
        .group_by("key")
        .agg(pl.len().alias("n"), pl.col("outcome").is_in(REJECTED_ROWS).any().alias("rejected"))
        .collect(engine="streaming")
    )


def order_totals(keys: pl.DataFrame, orders: pl.DataFrame) -> OrderTotals:
    """Count the orders by outcome, and those that did not arrive by what the ledger knew."""
    numbers = _by_outcome(orders.group_by("outcome").len("n"))
    absent = orders.filter(pl.col("outcome").is_in(NOT_ARRIVED))
    known = int(absent["known"].fill_null(value=False).sum())
    return OrderTotals(
        seen=keys.height,
        **{outcome.value: numbers.get(outcome, 0) for outcome in OrderOutcome},
        arrived=sum(numbers.get(outcome, 0) for outcome in ARRIVED_ORDERS),
        missing=absent.height - known,
        out_of_date=known,
    )


def control_totals(orders: pl.DataFrame) -> tuple[ControlTotal, ...]:
    """Sum quantities, values per currency and parcels: in the files, in parcelLab, open.

    What is open is a sum of its own, not a difference, so that it can contradict the others.
    """
    amounts = orders.filter(pl.col("value").is_not_null()).with_columns(
        pl.col("currency").fill_null("no currency")
    )
    without = orders.height - amounts.height
    return (
        _control("Line quantity", "lines", orders, "quantity"),
        *(
            _control("Order value", str(currency), part, "value", without)
            for (currency,), part in sorted(
                amounts.group_by("currency"), key=lambda each: str(each[0][0])
            )
        ),
        _control("Trackings", "parcels", orders, "trackings"),
    )


def _control(
    name: str, unit: str, orders: pl.DataFrame, column: str, without: int = 0
) -> ControlTotal:
    sums = orders.group_by("outcome").agg(pl.col(column).sum())
    by_outcome = {row[0]: Decimal(row[1] or 0) for row in sums.iter_rows()}
    gone = {*ARRIVED_ORDERS, *LEFT}
    return ControlTotal(
        name,
        unit,
        in_files=Decimal(orders[column].sum() or 0),
        arrived=sum((by_outcome.get(each, Decimal(0)) for each in ARRIVED_ORDERS), Decimal(0)),
        set_aside=sum((by_outcome.get(each, Decimal(0)) for each in LEFT), Decimal(0)),
        open=sum(
            (by_outcome.get(each, Decimal(0)) for each in OrderOutcome if each not in gone),
            Decimal(0),
        ),
        without=without,
    )


def _rows(by_file: pl.DataFrame, read: int) -> RowTotals:
    numbers = _by_outcome(by_file.group_by("outcome").agg(pl.col("n").sum()))
    return RowTotals(
        read=read, **{outcome.value: numbers.get(outcome, 0) for outcome in RowOutcome}
    )


def _mutations(by_type: pl.DataFrame) -> tuple[MutationTotals, ...]:
    return tuple(
        MutationTotals(
            type=str(kind),
            **{
                outcome.value: _by_outcome(part.select("outcome", "n")).get(outcome, 0)
                for outcome in MutationOutcome
            },
        )
        for (kind,), part in by_type.group_by("type", maintain_order=True)
    )


def _by_outcome(counts: pl.DataFrame) -> Mapping[str, int]:
    return {str(outcome): int(n) for outcome, n in counts.select("outcome", "n").iter_rows()}
