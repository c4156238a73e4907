"""The whole history of one order, from the ledger and the folders of the runs; no value of it.

What a run knew of lines and findings lies in its folder, and goes when that is pruned; what became
of the order there is in the ledger and stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from pipeline.config import Settings
from pipeline.ledger import KnownOrder, Ledger, OrderInRun, OrderItem, ReadBack, RunRecord, RunState
from pipeline.model.origin import ORIGIN, place
from pipeline.model.outcomes import REPORTED_FINDING_SCHEMA, ROW_SCHEMA, OrderOutcome
from pipeline.model.rules import RULES
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder
from pipeline.run.look import no_ledger
from pipeline.run.request import RunUnknown, resume_command, typed

_OPEN = (RunState.RUNNING, RunState.INTERRUPTED)
_HASH = 12  # characters that are shown
_REFUSED, _NOT_FOUND = "A401", "A404"  # a field; what an update names is not there


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One run that saw the order: what the ledger says of it, and what its folder still knows.

    `places` are its rows; `findings` are (code, where, column). `folder` is False where the folder of
    the run is gone, and with it both.
    """

    seen: OrderInRun
    state: str
    mappings: tuple[tuple[str, str], ...]
    places: tuple[str, ...]
    findings: tuple[tuple[str, str, str], ...]
    folder: bool
    read_back_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHistory:
    """One order of one account, oldest run first."""

    order_number: str
    account: int
    host: str
    visits: tuple[Visit, ...]
    items: tuple[OrderItem, ...]
    known: KnownOrder | None
    next_step: str


def order_history(settings: Settings, order_number: str) -> OrderHistory:
    """Gather what is known of an order of the profile's account.

    Raises:
        RunUnknown: no run of the account has seen such an order.
    """
    endpoint = settings.endpoint
    number = order_number.strip()
    if not no_ledger(settings):
        with Ledger.read(settings.ledger, clock=clock) as ledger:
            mine = ledger.find_endpoint(endpoint.base_url, endpoint.account)
            if not ledger.keeps_marks():
                raise RunUnknown(
                    "the ledger is of an older format, in which orders cannot be followed", code="C132",
                    help="the next `pipeline run` upgrades it",
                )  # fmt: skip
            seen = [] if mine is None else ledger.order_in_runs(mine, number)
            if mine is not None and seen:
                known = ledger.known(mine, [number]).get(number)
                items = tuple(ledger.items_of_order(mine, number))
                visits = tuple(_visit(settings, ledger, each, items) for each in seen)
                last = ledger.run(visits[-1].seen.run)
                return OrderHistory(
                    order_number=number, account=endpoint.account, host=endpoint.base_url,
                    visits=visits, items=items, known=known,
                    next_step=_next_step(settings, visits[-1], last, at_work=ledger.at_work()),
                )  # fmt: skip
    raise RunUnknown(
        f"no run of account {endpoint.account} at {endpoint.base_url} has seen an order {number}",
        code="C119", help="it is written as in the reports; --profile chooses another account",
    )  # fmt: skip


def _visit(
    settings: Settings, ledger: Ledger, seen: OrderInRun, items: Sequence[OrderItem]
) -> Visit:
    folder = RunFolder(settings.home / "runs" / seen.run)
    kept = folder.facts()
    seen = _as_reported(seen, folder, items)
    record = ledger.run(seen.run)
    read_back = ledger.read_back(seen.run)
    names = {each["index"]: each["name"] for each in kept.get("files", [])}
    of_file = {each["index"]: each["mapping"] for each in kept.get("files", [])}
    rows = _rows(folder, seen.key) if kept else []
    used = {of_file[file] for file, *_ in rows if file in of_file}
    hashes = record.mappings if record else {}
    return Visit(
        seen=seen,
        state=record.state.value if record else "",
        mappings=tuple(
            (name, sha256[:_HASH]) for name, sha256 in hashes.items() if not used or name in used
        ),
        places=tuple(place(names.get(file, f"file {file}"), line, segment) for file, line, segment in rows),
        findings=tuple(_findings(folder, seen, names)) if kept else (),
        folder=bool(kept),
        read_back_at=_read_back_of(seen, read_back),
    )  # fmt: skip


def _as_reported(seen: OrderInRun, folder: RunFolder, items: Sequence[OrderItem]) -> OrderInRun:
    """Take the code of the report for an order that an update did not find, which is not the API's.

    Where the folder of the run has gone, its open item still has it.
    """
    if seen.code != _REFUSED:
        return seen
    if folder.part("answers", 0).exists():
        found = (
            folder.scan("answers", REPORTED_FINDING_SCHEMA)
            .filter((pl.col("key") == seen.key) & (pl.col("code") == _NOT_FOUND))
            .select("api_attr", "primary")
            .collect()
        )
        attrs, missing = set(found.get_column("api_attr")), bool(found.get_column("primary").any())
    else:
        missing = any(
            item.code == _NOT_FOUND
            and (item.opened_run == seen.run or item.opened_at <= seen.started_at)
            and (item.closed_at is None or item.closed_at > seen.started_at)
            for item in items
        )
        attrs = {each.attr for each in seen.answers} if missing else set()
    answers = [
        replace(each, code=_NOT_FOUND) if each.code == _REFUSED and each.attr in attrs else each
        for each in seen.answers
    ]
    return replace(seen, code=_NOT_FOUND if missing else seen.code, answers=answers)


def _read_back_of(seen: OrderInRun, told: ReadBack | None) -> datetime | None:
    """When the order was read back; None where nobody knows whether it was in the sample."""
    return told.at if told and (seen.read_back or told.share >= 1) else None


def _rows(folder: RunFolder, key: str) -> list[tuple[int, int, int]]:
    rows = folder.scan("rows", ROW_SCHEMA).filter(pl.col("key") == key)
    return list(rows.select(*ORIGIN).sort(ORIGIN).collect().iter_rows())


def _findings(
    folder: RunFolder, seen: OrderInRun, names: dict[int, str]
) -> Iterator[tuple[str, str, str]]:
    found = folder.scan("findings", REPORTED_FINDING_SCHEMA).filter(pl.col("key") == seen.key)
    listed = found.select("code", *ORIGIN, pl.col("column").fill_null("")).collect()
    for code, file, line, segment, column in listed.iter_rows():
        where = "" if line is None else place(names.get(file, f"file {file}"), line, segment or 0)
        yield code, where, column


# What to do after each outcome; `title` and `explain` are of the cause, `verify` and `again` are commands.
_STEPS = {
    OrderOutcome.HELD_BACK: "correct its rows ({title}) and import them again{explain}",
    OrderOutcome.REFUSED: "mend what parcelLab refused ({title}), then `{again}`{explain}",
    OrderOutcome.PARTLY_APPLIED: "look at the change that failed; the next import tries it again{explain}",
    OrderOutcome.UNKNOWN: "import the file again: nobody knows whether it arrived, and it is not sent twice",
    OrderOutcome.NOT_ATTEMPTED: "import the file again",
    OrderOutcome.NOT_CHOSEN: "import the file without --limit and --only-order",
    OrderOutcome.LEFT_ALONE: "nothing: parcelLab had it already, and `--create-only` never updates",
    OrderOutcome.SUPERSEDED: "nothing: a newer run has sent a newer version",
    OrderOutcome.NOTHING_TO_SEND: "nothing: the rows say nothing but its number",
}
_MISSING = "{fix}; then `{again}`{explain}"
_ARRIVED = "nothing: it has arrived. `{verify}` reads it back"
_DIFFERS = "look at it in parcelLab: what was read back is not what it was told"
_NO_ANSWER = (OrderOutcome.UNKNOWN, OrderOutcome.NOT_ATTEMPTED)


def _next_step(settings: Settings, visit: Visit, run: RunRecord | None, *, at_work: bool) -> str:
    """What to do now, from how it went in the last run that saw the order."""
    seen = visit.seen
    outcome = OrderOutcome(seen.outcome)
    if run is not None and run.state in _OPEN and outcome in _NO_ANSWER:
        if at_work:
            return f"wait: run {run.id} is at work, `pipeline status` shows how far it is"
        return f"finish the run: {resume_command(settings, run.id, run.profile)}"
    rule = RULES.get(seen.code or "")
    step = _STEPS.get(outcome, _DIFFERS if seen.read_back else _ARRIVED)
    if outcome is OrderOutcome.REFUSED and seen.code == _NOT_FOUND:
        step = _MISSING
    return step.format(
        fix=rule.fix if rule else "",
        title=f"{seen.code}, {rule.title.lower()}" if rule else "no cause was told",
        explain=f"; `pipeline explain {seen.code}` says more" if rule else "",
        verify=typed(settings, "verify", seen.run),
        again=typed(settings, "retry", seen.run),
    )
