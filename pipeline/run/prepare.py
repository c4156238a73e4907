"""The first half of a run: from rows to requests that lie ready on disk. Nothing is sent.

    files ─spool─▶ partitions ─convert─▶ ─check─▶ ─group─▶ ─compare─▶ prepared/ planned/ rows/ findings/

What lies ready is the plan: `run` sends it at once, `plan` leaves it for `run PLAN`, and `resume`
goes on with it. So a plan cannot differ from the run that follows it.
"""

import difflib
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import polars as pl

from pipeline.check import check
from pipeline.compare import COMPARED_SCHEMA, AckedOperation, KnownOrder, compare, trace
from pipeline.convert import at_its_own_record, convert
from pipeline.group import Grouped, Part, group
from pipeline.group.belonging import Beside, put_beside
from pipeline.ledger import PLANNED_SCHEMA
from pipeline.model.findings import ERROR_CODES, Findings
from pipeline.model.origin import FILE, KEY, ORIGIN
from pipeline.model.outcomes import REPORTED_FINDING_SCHEMA, OrderOutcome, RowOutcome
from pipeline.model.stops import StopRun
from pipeline.pieces import named, whole_findings, whole_orders, whole_rows
from pipeline.run.folder import RunFolder
from pipeline.run.quoting import with_cells
from pipeline.run.references import cells_elsewhere, hidden_by, not_found, with_places
from pipeline.run.request import Options
from pipeline.run.source import Job
from pipeline.run.spool import Share, Spooled

PREPARED_SCHEMA: dict[str, pl.DataType] = {
    name: COMPARED_SCHEMA[name] for name in ("order_number", "content_sha256", "body", "operations")
}


OLD = timedelta(days=30)  # from then on nobody expects a message about an order
_SLICE = 8192  # bodies that are Python objects at once


class Knowledge(Protocol):
    """What a ledger knows of one endpoint's orders."""

    def known(self, order_numbers: Sequence[str]) -> Mapping[str, KnownOrder]:
        """The orders that were acknowledged."""

    def operations(
        self, order_numbers: Sequence[str]
    ) -> Mapping[str, Mapping[str, AckedOperation]]:
        """The last acknowledged operation per order and subject."""


class OrderUnknown(StopRun):
    """`--only-order` names an order that is in none of the files (exit 2)."""

    exit_code = 2


class OrderNumberTwice(StopRun):
    """Two keys make one order number, and they lie in different partitions (R320, exit 2)."""

    exit_code = 2


@dataclass(slots=True)
class Foresight:
    """What a run is about to do, counted from the tables it has prepared.

    `must_exist` counts orders that the ledger does not know and that no mapping may create. Of the
    orders to send, `old` counts by file those that the ledger does not know, that are of long ago
    and carry a real e-mail address; for a backfill, `mailed` counts all with such an address
    instead, and `untracked` those without any tracking. `countries` counts orders by file and destination,
    `orders_of` all orders by file; files are their ordinals as text. `volumes` and `unlike` say how
    the files compare with the nights before, the latter in words. `broken` is what files are that
    their mappings do not expect (`Broken.plain`).
    """

    new: int = 0
    must_exist: int = 0
    changed: int = 0
    unchanged: int = 0
    held: int = 0
    nothing: int = 0
    not_chosen: int = 0
    left_alone: int = 0
    rows: int = 0
    faulty_rows: int = 0
    mutations: Counter[str] = field(default_factory=Counter)
    digest: str = ""
    mailed: int = 0
    untracked: int = 0
    old: dict[str, int] = field(default_factory=dict)
    orders_of: dict[str, int] = field(default_factory=dict)
    countries: dict[str, dict[str, int]] = field(default_factory=dict)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)
    broken: list[dict[str, str]] = field(default_factory=list)

    @property
    def to_send(self) -> int:
        """Orders that would go out."""
        return self.new + self.must_exist + self.changed

    @property
    def orders(self) -> int:
        """Orders seen."""
        aside = self.unchanged + self.nothing + self.not_chosen + self.left_alone
        return self.to_send + self.held + aside


def prepare(
    jobs: Sequence[Job], spooled: Spooled, folder: RunFolder, knowledge: Knowledge, account: int,
    options: Options, progress: Callable[[int, int], None], *, now: datetime,
) -> Foresight:  # fmt: skip
    """Prepare every partition; `progress` gets partitions done and in total.

    Orders of long before `now` are counted (OLD).

    Raises:
        OrderUnknown: `--only-order` names an order that is not there.
        OrderNumberTwice: two keys make one order number.
    """
    names = [source.name for job in jobs for source, _ in job.files]
    seen = Foresight()
    digest = hashlib.sha256()
    left = options.limit
    for partition in range(spooled.count):
        # in a function of its own, so that a partition is gone before the next one is taken up
        made = of_partition(spooled.take(partition), names, knowledge, account, options)
        left = _kept(made, folder, partition, options, left, seen, digest, now)
        del made
        progress(partition + 1, spooled.count)
    _account_for_references(spooled, folder, seen)
    seen.digest = digest.hexdigest()
    _each_chosen_is_there(folder, options.only_orders)
    if spooled.count > 1:
        _each_number_once(folder)
    return seen


def _account_for_references(spooled: Spooled, folder: RunFolder, seen: Foresight) -> None:
    """Write what became of the rows of joined files, behind the partitions and what is said of files."""
    rows, findings = spooled.references.accounts()
    if not rows.height:
        return
    folder.write("rows", spooled.count + 2, rows)
    folder.write("findings", spooled.count + 2, _findings(_as_causes(findings)))
    seen.rows += rows.height
    seen.faulty_rows += rows.filter(pl.col("outcome") == RowOutcome.OWN_PROBLEM.value).height


def _as_causes(findings: Findings) -> pl.DataFrame:
    """Findings of rows that are of no order: the first error of each is its cause."""
    errors = pl.col("code").is_in(ERROR_CODES)
    return findings.rows.with_columns(
        (errors & (errors.cum_sum().over(ORIGIN) == 1)).alias("primary")
    ).sort(ORIGIN, maintain_order=True)


@dataclass(frozen=True, slots=True)
class Made:
    """What comes of a partition: its orders, and what of them is to be sent (COMPARED_SCHEMA)."""

    grouped: Grouped
    ready: pl.DataFrame


def of_partition(
    shares: Sequence[Share],
    names: Sequence[str],
    knowledge: Knowledge,
    account: int,
    options: Options,
) -> Made:
    """Take the rows of a partition through all stages up to `compare`."""
    grouped, known = _orders(shares, names, knowledge, options)
    del shares  # its raw rows are told apart by now; what follows needs their memory
    # also of an order that was never acknowledged: a change may have been found there (read back)
    acked = knowledge.operations(_with_changes(grouped.orders))
    ready = compare(grouped.orders, account, known, acked, silent=options.backfill)
    if options.create_only:
        ready = _only_new(grouped.orders, ready)
    held = grouped.held.with_columns(
        pl.col("order_number").is_in(list(known)).fill_null(value=False).alias("known")
    )
    orders = grouped.orders.drop(_IN_BODY)
    findings = pl.concat(
        [grouped.findings, _kept_back(orders, ready), _left_alone(orders, ready)], how="diagonal"
    )
    return Made(Grouped(orders, held, grouped.rows, findings), ready)


def grouped_of(
    shares: Sequence[Share], names: Sequence[str], knowledge: Knowledge, options: Options
) -> Grouped:
    """The orders of some rows, before it is said what of them is sent.

    Also of rows that belong to orders which are not among them: these have no number then.
    """
    return _orders(shares, names, knowledge, options)[0]


def _with_changes(orders: pl.DataFrame) -> list[str]:
    """The numbers of the orders that say changes: the ledger need not be asked for others."""
    changed = orders.filter(pl.col("change_type").list.len() > 0)
    return changed.get_column("order_number").sort().to_list()


def _only_new(orders: pl.DataFrame, ready: pl.DataFrame) -> pl.DataFrame:
    """Leave alone what is known to exist, and what a mapping may not create (`--create-only`)."""
    updates = orders.select(pl.col("may_create").is_null().alias("updates")).to_series()
    alone = ready.get_column("body").is_not_null() & (ready.get_column("known") | updates)
    return ready.with_columns(
        pl.when(alone).then(pl.lit(OrderOutcome.LEFT_ALONE.value)).otherwise("outcome")
        .alias("outcome"),
        *(pl.when(~alone).then(pl.col(name)).alias(name)
          for name in ("body", "operations", "change_at")),
        *((pl.col(name) & ~alone).alias(name) for name in ("lines_kept_back", "added_otherwise")),
    )  # fmt: skip


def _left_alone(orders: pl.DataFrame, ready: pl.DataFrame) -> pl.DataFrame:
    """A405 for orders that are left as they are without asking parcelLab."""
    alone = ready.get_column("outcome") == OrderOutcome.LEFT_ALONE.value
    known = ready.get_column("known").filter(alone)
    return orders.filter(alone).select(
        *ORIGIN, pl.lit("A405").alias("code"),
        pl.when(known).then(pl.lit("an earlier run has seen it there, and nothing was sent"))
        .otherwise(pl.lit("its mapping only updates orders (`mode: update_only`), so it must be"))
        .alias("detail"),
        pl.col(KEY).alias("key"), "order_number", pl.lit(value=False).alias("primary"),
    )  # fmt: skip


def _kept_back(orders: pl.DataFrame, ready: pl.DataFrame) -> pl.DataFrame:
    """R325 for orders whose changed lines do not go out, R326 for added lines that are told otherwise."""
    return pl.concat(
        orders.filter(ready.get_column(column)).select(
            *ORIGIN, pl.lit(code).alias("code"), pl.lit(target).alias("target"),
            pl.col(KEY).alias("key"), "order_number", pl.lit(value=False).alias("primary"),
        )
        for column, code, target in (
            ("lines_kept_back", "R325", "articles_order"),
            ("added_otherwise", "R326", "mutations"),
        )
    )  # fmt: skip


# Columns of `Grouped.orders` whose text is in the bodies once those are made.
_IN_BODY = ("members", "lines", "change_subject", "change_body", "addresses")


def _orders(
    shares: Sequence[Share], names: Sequence[str], knowledge: Knowledge, options: Options
) -> tuple[Grouped, Mapping[str, KnownOrder]]:
    """Rows to orders, and what the ledger knows of these."""
    converted = [convert(share.raw, share.plan) for share in shares]
    beside = put_beside(
        [
            Beside(share.plan, made.table, share.findings + made.findings, made.filtered,
                   made.repeated, share.faulty)
            for share, made in zip(shares, converted, strict=True)
        ]
    )  # fmt: skip
    numbers = {
        number
        for share, each in zip(shares, beside, strict=True)
        for number in _numbers(each.table.rows, share)
    }
    known = knowledge.known(sorted(numbers))
    parts = []
    for share, each in zip(shares, beside, strict=True):
        missing = _not_joined(share, each)
        found = each.findings + missing
        seen = found + hidden_by(missing, each.plan)
        judged = check(each.table, seen, each.plan, existing=known.keys())
        found = found + _told_once(judged, share, each)
        parts.append(Part(each.plan, each.table, found, each.filtered, each.repeated, each.faulty))
    grouped = group(parts, names, backfill=options.backfill)
    findings = with_cells(grouped.findings, shares)
    for share in shares:
        findings = named(findings, share.plan, share.raw.rows.columns, share.raw.rows)
    elsewhere = [
        cells_elsewhere(findings, share.raw.rows, share.plan, names)
        for share in shares
        if share.plan.joins
    ]
    for share in shares:
        findings = with_places(findings, share.raw.rows, share.plan, names)
    if elsewhere:
        findings = pl.concat([findings, *elsewhere], how="diagonal")
    rows = whole_rows(grouped.rows)
    return Grouped(
        whole_orders(grouped.orders),
        whole_orders(grouped.held),
        rows,
        whole_findings(findings, rows),
    ), known


def _told_once(judged: Findings, share: Share, each: Beside) -> Findings:
    """What is found in a cell that is repeated on records below its own, at that one; but each R324 is kept.

    From those `group` knows which cells are not sent.
    """
    types = each.plan.source.records
    if types is None or not len(judged):
        return judged
    kinds = share.raw.rows.select(*ORIGIN, types.column)
    rows = each.table.rows.select(*ORIGIN, KEY).join(kinds, on=ORIGIN, how="left")
    dropped = pl.col("code") == "R324"
    once = at_its_own_record(Findings(judged.rows.filter(~dropped)), rows, each.plan)
    return Findings.of(once.rows, judged.rows.filter(dropped))


def _not_joined(share: Share, each: Beside) -> Findings:
    if not share.plan.joins:
        return Findings.none()
    counts = each.table.rows.select(ORIGIN)
    rows = share.raw.rows.join(counts, on=ORIGIN, how="semi", maintain_order="left")
    return not_found(rows, share.plan)


def _kept(
    made: Made, folder: RunFolder, partition: int, options: Options, left: int | None,
    seen: Foresight, digest: "hashlib._Hash", now: datetime,
) -> int | None:  # fmt: skip
    """Write and count what was made of a partition; gives what is left of `--limit`."""
    ready, left = _limited(made.ready, options, left)
    grouped = _without_their_findings(made.grouped, ready)
    _write(folder, partition, grouped, ready)
    _count(seen, grouped, ready)
    _count_people(seen, grouped, ready, options, now)
    said = ready.select(pl.coalesce("body", pl.col("content_sha256").cast(pl.Binary))).to_series()
    for start in range(0, said.len(), _SLICE):
        digest.update(b"".join(said.slice(start, _SLICE).to_list()))
    return left


def _without_their_findings(grouped: Grouped, ready: pl.DataFrame) -> Grouped:
    """Nothing of an order that is not chosen is sent, so nothing of it can be kept back."""
    left_out = ready.filter(pl.col("outcome") == OrderOutcome.NOT_CHOSEN.value)
    if not left_out.height:
        return grouped
    numbers = left_out.get_column("order_number").to_list()
    moot = pl.col("code").is_in(("R325", "R326")) & pl.col("order_number").is_in(numbers)
    findings = grouped.findings.filter(~moot.fill_null(value=False))
    return Grouped(grouped.orders, grouped.held, grouped.rows, findings)


def _numbers(rows: pl.DataFrame, share: Share) -> list[str]:
    """All order numbers, those of records included that could not be read."""
    slot = next(leaf.slot for leaf in share.plan.order.leaves() if leaf.name == "order_number")
    every = pl.concat([rows.get_column(slot), share.faulty.get_column("order_number").alias(slot)])
    found: list[str] = every.drop_nulls().unique().to_list()
    return found


def _limited(
    ready: pl.DataFrame, options: Options, left: int | None
) -> tuple[pl.DataFrame, int | None]:
    """Leave out what `--limit` and `--only-order` do not mean: it is `not_chosen`."""
    if left is None and not options.only_orders:
        return ready, None
    could = pl.col("body").is_not_null()
    goes = could
    if options.only_orders:
        goes &= pl.col("order_number").is_in(sorted(options.only_orders))
    if left is not None:
        goes &= goes.cast(pl.UInt32).cum_sum() <= left
    going = ready.select(goes.alias("goes")).to_series()
    kept = ready.with_columns(
        pl.when(could & ~going).then(pl.lit(OrderOutcome.NOT_CHOSEN.value)).otherwise("outcome")
        .alias("outcome"),
        *(pl.when(going).then(pl.col(name)).alias(name)
          for name in ("body", "operations", "change_at")),
    )  # fmt: skip
    return kept, None if left is None else left - int(going.sum())


def _write(folder: RunFolder, partition: int, grouped: Grouped, ready: pl.DataFrame) -> None:
    prepared = ready.filter(pl.col("body").is_not_null()).select(PREPARED_SCHEMA.keys())
    planned = _planned(grouped, ready)
    folder.write("prepared", partition, prepared)
    folder.write("planned", partition, planned)
    folder.write("rows", partition, _rows(grouped.rows, planned))
    folder.write("trace", partition, trace(grouped.orders, ready))
    folder.write("findings", partition, _findings(grouped.findings))


def _findings(findings: pl.DataFrame) -> pl.DataFrame:
    missing = [
        pl.lit(None, dtype).alias(name)
        for name, dtype in REPORTED_FINDING_SCHEMA.items()
        if name not in findings.columns
    ]
    full = findings.with_columns(missing)
    return full.select(REPORTED_FINDING_SCHEMA.keys()).cast(pl.Schema(REPORTED_FINDING_SCHEMA))


def _planned(grouped: Grouped, ready: pl.DataFrame) -> pl.DataFrame:
    """PLANNED_SCHEMA: one row per order of the partition, held ones included."""
    orders = grouped.orders.select(
        *ORIGIN, pl.col(KEY).alias("key"), "order_number",
        ready.get_column("outcome"), ready.get_column("known"),
        pl.lit(None, pl.String).alias("code"),
        pl.col("line_rows").list.len().fill_null(0).alias("lines"), "quantity", "value", "currency",
        pl.col("change_type").list.count_matches("add_tracking").alias("trackings"),
        ready.get_column("content_sha256"),
    )  # fmt: skip
    held = grouped.held.select(
        *ORIGIN, pl.col(KEY).alias("key"), "order_number",
        pl.lit(OrderOutcome.HELD_BACK.value).alias("outcome"), "known", "code", "lines",
        "quantity", "value", "currency", "trackings", pl.lit(None, pl.String).alias("content_sha256"),
    )  # fmt: skip
    # every row with the order's key is one of its rows, repeated ones too; filtered ones are not
    rows = grouped.rows.filter(pl.col("outcome") != RowOutcome.FILTERED.value)
    counted = rows.group_by("key").agg(pl.len().alias("rows"))
    shape = dict(PLANNED_SCHEMA)
    frames = [
        frame.join(counted, on="key", how="left").select(shape.keys()).cast(pl.Schema(shape))
        for frame in (orders, held)
    ]
    return pl.concat(frames).sort(ORIGIN)


def _rows(rows: pl.DataFrame, planned: pl.DataFrame) -> pl.DataFrame:
    """Rows of orders that are not sent were not accepted: done, silent, or not chosen."""
    fate = {
        OrderOutcome.UNCHANGED.value: RowOutcome.ALREADY_DONE.value,
        OrderOutcome.LEFT_ALONE.value: RowOutcome.ALREADY_DONE.value,
        OrderOutcome.NOTHING_TO_SEND.value: RowOutcome.NOTHING_TO_SEND.value,
        OrderOutcome.NOT_CHOSEN.value: RowOutcome.NOT_CHOSEN.value,
    }
    quiet = planned.filter(pl.col("outcome").is_in(list(fate))).select(
        "key", pl.col("outcome").replace_strict(fate, return_dtype=pl.String).alias("fate")
    )
    accepted = pl.col("outcome") == RowOutcome.ACCEPTED.value
    return (
        rows.join(quiet, on="key", how="left", maintain_order="left")
        .with_columns(
            pl.when(accepted & pl.col("fate").is_not_null()).then(pl.col("fate"))
            .otherwise(pl.col("outcome")).alias("outcome")
        )
        .drop("fate")
    )  # fmt: skip


def _count(seen: Foresight, grouped: Grouped, ready: pl.DataFrame) -> None:
    counted = dict(ready.group_by("outcome").len().iter_rows())
    waiting = pl.col("outcome") == OrderOutcome.NOT_ATTEMPTED.value
    changed = ready.filter(waiting & pl.col("known")).height
    no_new = grouped.orders.select(pl.col("may_create").is_null().alias("no_new")).to_series()
    must_exist = ready.filter(waiting & ~pl.col("known") & no_new).height
    seen.unchanged += counted.get(OrderOutcome.UNCHANGED.value, 0)
    seen.nothing += counted.get(OrderOutcome.NOTHING_TO_SEND.value, 0)
    seen.left_alone += counted.get(OrderOutcome.LEFT_ALONE.value, 0)
    seen.not_chosen += counted.get(OrderOutcome.NOT_CHOSEN.value, 0)
    seen.changed += changed
    seen.must_exist += must_exist
    seen.new += counted.get(OrderOutcome.NOT_ATTEMPTED.value, 0) - changed - must_exist
    types = ready.get_column("operations").explode().drop_nulls().struct.field("type")
    seen.mutations.update(dict(types.value_counts().iter_rows()))
    seen.held += grouped.held.height
    seen.rows += grouped.rows.height
    faulty = grouped.rows.get_column("outcome").is_in(
        [RowOutcome.OWN_PROBLEM.value, RowOutcome.HELD.value]
    )
    seen.faulty_rows += int(faulty.sum())


# What a body has when it tells parcelLab whom to write to; quotes inside of values are escaped, so
# no value looks like that. `_unset` is no address.
_ADDRESSED = r'"(?:recipient_)?email":"(?:[^"_]|_[^"u])'
_SILENCED = '"notifications_inactive":true'


def _count_people(
    seen: Foresight, grouped: Grouped, ready: pl.DataFrame, options: Options, now: datetime
) -> None:
    """Count whom parcelLab could write to, and where the orders go."""
    orders = grouped.orders.select(FILE, "country", "ordered_at")
    for file, country, number in orders.group_by(FILE, "country").len().iter_rows():
        if country is not None:
            of_file = seen.countries.setdefault(str(file), {})
            of_file[country] = of_file.get(country, 0) + number
    every = pl.concat([orders.select(FILE), grouped.held.select(FILE)])
    _add(seen.orders_of, every)
    going = orders.with_columns(ready.select("known", "body")).filter(pl.col("body").is_not_null())
    body = pl.col("body").cast(pl.String)
    if options.backfill:
        counted = going.select(
            body.str.contains(_ADDRESSED).sum().alias("mailed"),
            (~body.str.contains(_SILENCED, literal=True)).sum().alias("untracked"),
        )
        mailed, untracked = counted.row(0)
        seen.mailed, seen.untracked = seen.mailed + mailed, seen.untracked + untracked
        return
    # of most nights none, so that bodies are seldom looked at
    past = going.filter(~pl.col("known") & (pl.col("ordered_at") < now - OLD))
    _add(seen.old, past.filter(body.str.contains(_ADDRESSED)))


def _add(counts: dict[str, int], rows: pl.DataFrame) -> None:
    for file, number in rows.group_by(FILE).len().iter_rows():
        counts[str(file)] = counts.get(str(file), 0) + number


_NUMBERS_COMPARED = 50_000  # that a mistyped order number is compared with


def _each_chosen_is_there(folder: RunFolder, chosen: Sequence[str]) -> None:
    """Every order that `--only-order` names must be in the files, sendable or not."""
    if not chosen:
        return
    orders = folder.scan("planned", PLANNED_SCHEMA)
    named = pl.col("order_number").is_in(list(chosen)) | pl.col("key").is_in(list(chosen))
    there = orders.filter(named).select("order_number", "key").collect()
    found = {text for column in there.iter_columns() for text in column.drop_nulls()}
    unknown = [number for number in chosen if number not in found]
    if not unknown:
        return
    numbers = orders.select(pl.col("order_number").drop_nulls()).head(_NUMBERS_COMPARED).collect()
    near = difflib.get_close_matches(unknown[0], numbers.to_series().to_list(), n=1, cutoff=0.7)
    raise OrderUnknown(
        f"--only-order {unknown[0]}: no such order is in the files",
        code="C119", help=f"did you mean {near[0]}?" if near else "check the order number",
    )  # fmt: skip


def _each_number_once(folder: RunFolder) -> None:
    """Two keys of different partitions must not make one order number (R320)."""
    numbers = folder.scan("prepared", PREPARED_SCHEMA).select("order_number")
    twice = numbers.group_by("order_number").len().filter(pl.col("len") > 1).head(3).collect()
    if twice.height:
        shown = ", ".join(twice.get_column("order_number").to_list())
        raise OrderNumberTwice(
            f"rows with different keys make the same order number ({shown})",
            code="R320", help="make `rows.key` and `order_number` in the mapping agree",
        )  # fmt: skip
