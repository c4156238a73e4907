"""One run from its request to its report."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.config import Settings
from pipeline.ledger import (
    PLANNED_SCHEMA,
    AckedOperation,
    KnownOrder,
    Ledger,
    RunRecord,
    RunStart,
    set_aside,
)
from pipeline.model.stops import StopRun
from pipeline.report.facts import RunState
from pipeline.run import spool as spooling
from pipeline.run.accounts import facts_of
from pipeline.run.choice import OPEN, Choice
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder, written
from pipeline.run.guard import confirm, guard
from pipeline.run.halt import Halt, listening
from pipeline.run.identity import fingerprint, run_name
from pipeline.run.leftovers import sweep
from pipeline.run.log import LoggedEvents
from pipeline.run.plans import (
    copy_plan,
    finish_plan,
    new_place,
    open_plan,
    refuse_stale,
    runs_of_plan,
)
from pipeline.run.prepare import Foresight, prepare
from pipeline.run.request import Events, LedgerInOrder, Options, Result, resume_command
from pipeline.run.sending import send_all, waiting_orders
from pipeline.run.source import Job, compiled, open_jobs
from pipeline.run.verdict import Ending, check_reports, conclude

_FACTS_OF_AN_END = ("ended_at", "stop_reason", "state")


@dataclass(frozen=True, slots=True)
class _Known:
    """The ledger's knowledge of one endpoint."""

    ledger: Ledger
    endpoint: int

    def known(self, order_numbers: Sequence[str]) -> Mapping[str, KnownOrder]:
        return self.ledger.known(self.endpoint, order_numbers)

    def operations(
        self, order_numbers: Sequence[str]
    ) -> Mapping[str, Mapping[str, AckedOperation]]:
        return self.ledger.operations(self.endpoint, order_numbers)


class Flow:
    """The way of one run; each public method is one verb of the command line."""

    def __init__(self, settings: Settings, options: Options, events: Events) -> None:
        self.settings = settings
        self.options = options
        self.events = events
        self.endpoint = settings.endpoint
        self.halt = Halt()

    # -- verbs ------------------------------------------------------------------------------

    def run(self, mappings: Sequence[Path], inputs: Sequence[str]) -> Result:
        """Prepare, guard, send, report."""
        first = next((made.plan.name for made in compiled(mappings).values()), "")
        with self._ledger() as ledger:
            endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
            check_reports(self.settings.reports)
            with self._new_folder(ledger, first) as folder:
                jobs = open_jobs(mappings, inputs, folder, self._warn, self._own_folders())
                same_work = fingerprint(self.endpoint, jobs, self.options)
                before = self._choice(ledger).able(ledger.unfinished(endpoint, same_work))
                if before is None:
                    self._say_unfinished(ledger, endpoint)
                    seen = self._prepare(folder.path.name, jobs, folder, _Known(ledger, endpoint))
                    guard(seen, self.options)
                    confirm(seen, self.endpoint, self.options, self.events)
                    return self._begin(ledger, endpoint, folder, same_work)
            return self._go_on(ledger, before)

    def plan(self, mappings: Sequence[Path], inputs: Sequence[str], out: Path | None) -> Result:
        """Prepare and report."""
        compiled(mappings)  # a mapping with mistakes needs no ledger to be told
        with self._ledger() as ledger:
            endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
            folder = new_place(self.settings.home, out)
            kept = False
            try:
                folder.make(self._owner())
                jobs = open_jobs(mappings, inputs, folder, self._warn, self._own_folders())
                run_id = f"plan-{folder.path.name}"
                seen = self._prepare(run_id, jobs, folder, _Known(ledger, endpoint))
                finish_plan(folder, ledger, fingerprint(self.endpoint, jobs, self.options))
                kept = True
            finally:
                if not kept:
                    folder.remove()
        ending = Ending(RunState.PLANNED, clock(), None)
        return conclude(self.settings, self.options, self.events, folder, None, ending, seen=seen)

    def run_plan(self, path: Path) -> Result:
        """Send a plan, if the world is still as it was when it was made."""
        facts = open_plan(path)
        self.options = replace(self.options, backfill=bool(facts["backfill"]))
        with self._ledger() as ledger:
            endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
            check_reports(self.settings.reports)
            sent = next(iter(runs_of_plan(ledger, facts["plan"])), None)
            before = self._choice(ledger).able(sent if sent and sent.state in OPEN else None)
            if before is not None:
                return self._go_on(ledger, before)
            refuse_stale(facts, ledger, self.endpoint, path)
            seen = Foresight(**{k: v for k, v in facts["seen"].items() if k != "mutations"})
            guard(seen, self.options)
            confirm(seen, self.endpoint, self.options, self.events)
            with self._new_folder(ledger, facts["mappings"][0]["name"]) as folder:
                started = {"run_id": folder.path.name, "started_at": clock().isoformat()}
                copy_plan(path, folder, facts | started)
                return self._begin(ledger, endpoint, folder, facts["fingerprint"])

    def resume(self, name: str | None) -> Result:
        """Go on with an interrupted run, named by its id or by the folder of its plan."""
        with self._ledger() as ledger:
            endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
            check_reports(self.settings.reports)
            record = self._choice(ledger).named(name, endpoint)
            return self._go_on(ledger, record)

    # -- where things are -------------------------------------------------------------------

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        """Hold the ledger, its lock and the signals for the whole of a verb."""
        location = self.settings.ledger
        with listening(self.halt):
            if self.options.new_ledger:
                aside = set_aside(location, clock=clock)
                if aside is None:
                    raise LedgerInOrder("the ledger is not damaged, so it is kept; nothing was sent",
                                        code="C117", help="leave out --new-ledger")  # fmt: skip
                self._warn(
                    f"the damaged ledger is now {aside}; with the new one every order is sent again"
                )
            with Ledger.open(location, clock=clock) as ledger:
                removed = sweep(self.settings.home, ledger, self._owner())
                if removed:
                    self.events.say("info", "removed what a killed run had left", folders=removed)
                yield ledger

    def _owner(self) -> str:
        """The name of the ledger in the folders it knows of; no password of a URL stands in it."""
        text = self.settings.ledger
        return text.rpartition("@")[2] if "://" in text else str(Path(text).absolute())

    def _own_folders(self) -> list[Path]:
        return [self.settings.home, self.settings.reports]

    def _choice(self, ledger: Ledger) -> Choice:
        return Choice(ledger, self.settings.home / "runs", self._warn)

    @contextmanager
    def _new_folder(self, ledger: Ledger, mapping: str) -> Iterator[RunFolder]:
        """Make the folder of a new run; it is removed again if the run does not begin."""
        runs = self.settings.home / "runs"
        local = clock().astimezone(ZoneInfo(self.settings.timezone))
        name = run_name(
            local, mapping, lambda each: (runs / each).exists() or ledger.run(each) is not None
        )
        folder = RunFolder(runs / name)
        told = self.events
        try:
            folder.make(self._owner())
            self.events = LoggedEvents(told, folder.path / "run.log", clock)
            yield folder
        finally:
            if not self.halt.gentle:
                self.events = told
                folder.remove()

    def _warn(self, text: str) -> None:
        self.events.say("warning", "warning", text=text)

    def _say_unfinished(self, ledger: Ledger, endpoint: int) -> None:
        """Name runs of other files that still wait, so that nobody forgets them."""
        for record in ledger.unfinished_runs(endpoint)[:3]:
            self._warn(
                f"run {record.id} did not finish: {resume_command(record.id, record.profile)}"
            )

    # -- the way ----------------------------------------------------------------------------

    def _prepare(
        self, run_id: str, jobs: Sequence[Job], folder: RunFolder, known: _Known
    ) -> Foresight:
        started = clock()
        begun = time.monotonic()
        files = sum(len(job.files) for job in jobs)
        self.events.say("info", "start", run=run_id, profile=self.settings.profile,
                        account=self.endpoint.account, files=files)  # fmt: skip
        with written(folder.path):
            spooled = spooling.spool(
                jobs, folder, lambda rows: self.events.stage("read", rows, None),
                spooling.PARTITION_BYTES,
            )  # fmt: skip
            read_s = time.monotonic() - begun
            seen = prepare(
                jobs, spooled, folder, known, self.endpoint.account, self.options,
                lambda done, total: self.events.stage("validate", done, total),
            )  # fmt: skip
        facts = facts_of(
            run_id, jobs, spooled.records, profile=self.settings.profile,
            account=self.endpoint.account, production=self.endpoint.production,
            host=self.endpoint.base_url, zone=self.settings.timezone, started_at=started,
            settings=self._shown_settings(),
        )  # fmt: skip
        foreseen = {name: getattr(seen, name) for name in seen.__dataclass_fields__}
        folder.write_facts(
            facts | {
                "partitions": spooled.count,
                "seen": foreseen | {"mutations": dict(seen.mutations)},
                "limited": self.options.limit is not None or bool(self.options.only_orders),
                "limit": self.options.limit,
                "backfill": self.options.backfill,
                "sealed": folder.seal(),
            }
        )  # fmt: skip
        self.events.say(
            "info", "validated", rows=seen.rows, rejected=seen.faulty_rows, orders=seen.orders,
            held=seen.held, to_send=seen.to_send, read_s=round(read_s, 2),
            total_s=round(time.monotonic() - begun, 2),
        )  # fmt: skip
        return seen

    def _shown_settings(self) -> dict[str, str]:
        pace = self.settings.pace
        return {
            "concurrency": str(pace.concurrency),
            "rate": "as fast as allowed" if pace.rate_per_s is None else f"{pace.rate_per_s:g}/s",
            "backfill": "yes" if self.options.backfill else "no",
        }

    def _begin(self, ledger: Ledger, endpoint: int, folder: RunFolder, same_work: str) -> Result:
        """Tell the ledger of a run that lies ready, and send it."""
        facts = folder.facts()
        run_id = folder.path.name
        self.halt.gentle = True
        with self._saved(ledger, run_id):
            ledger.begin_run(
                RunStart(
                    id=run_id, endpoint=endpoint, fingerprint=same_work, profile=self.settings.profile,
                    started_at=datetime.fromisoformat(facts["started_at"]),
                    options={name: facts.get(name) for name in ("limit", "backfill", "plan")},
                    mappings={m["name"]: m["sha256"] for m in facts["mappings"]},
                    files=[{k: f[k] for k in ("name", "sha256", "size_bytes")} for f in facts["files"]],
                )
            )  # fmt: skip
            folder.write_facts(facts | {"begun": True})
            return self._send(ledger, run_id, folder)

    def _go_on(self, ledger: Ledger, record: RunRecord) -> Result:
        """Send what is open of an interrupted run, leaving alone what a newer run has sent."""
        folder = self._choice(ledger).folder(record)
        self.halt.gentle = True
        self.events = LoggedEvents(self.events, folder.path / "run.log", clock)
        with self._saved(ledger, record.id):
            ledger.resume_run(record.id)
            kept = {k: v for k, v in folder.facts().items() if k not in _FACTS_OF_AN_END}
            folder.write_facts(kept | {"begun": True})
            return self._send(ledger, record.id, folder, say="resuming")

    @contextmanager
    def _saved(self, ledger: Ledger, run_id: str) -> Iterator[None]:
        """Whatever goes wrong from here on, the run can be resumed, and the words say how."""
        try:
            yield
        except BaseException as error:
            code = getattr(error, "exit_code", 1)
            self.events.say("debug", "ended", error=type(error).__name__, exit=code)
            with suppress(StopRun):  # a ledger that cannot be written keeps the run as running
                ledger.break_run(run_id, exit_code=code, ended_at=clock())
            how = resume_command(run_id, self.settings.profile)
            error.add_note(f"Run {run_id} is saved. Continue with: {how}")
            raise

    def _send(self, ledger: Ledger, run_id: str, folder: RunFolder, say: str = "sending") -> Result:
        facts = folder.facts()
        partitions, digest = int(facts["partitions"]), str(facts["seen"]["digest"])
        settled = {state.partition for state in ledger.partitions(run_id)}
        for partition in range(partitions):
            if partition not in settled:
                planned = pl.read_parquet(folder.part("planned", partition))
                ledger.plan_partition(
                    run_id, partition, planned.select(PLANNED_SCHEMA.keys()), digest
                )
        # never an older version after a newer one (FAULTS G4)
        ledger.supersede(run_id, sorted(ledger.overtaken(run_id)))
        waiting = waiting_orders(ledger, run_id, folder).len()
        self.events.say("info", say, run=run_id, to_send=waiting)
        stopped: StopRun | None = None
        try:
            stopped = send_all(
                ledger, run_id, folder, partitions, endpoint=self.endpoint, pace=self.settings.pace,
                events=self.events, halt=self.halt, clock=clock, until=self.options.until,
            )  # fmt: skip
        except StopRun as reason:
            stopped = reason
        # a signal that came when everything had its answer has stopped nothing
        left = waiting_orders(ledger, run_id, folder).len() > 0
        early = stopped is not None or (self.halt.asked and left)
        ending = Ending(
            RunState.STOPPED if early else RunState.FINISHED, clock(), stopped,
            self.halt.signal if left else None, self.halt.deadline_passed and left,
        )  # fmt: skip
        return conclude(self.settings, self.options, self.events, folder, (ledger, run_id), ending)
