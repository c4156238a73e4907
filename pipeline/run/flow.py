"""One run from its request to its report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.config import Settings
from pipeline.intake import Servers
from pipeline.ledger import (
    PLANNED_SCHEMA,
    Ledger,
    RunRecord,
    RunStart,
    Undecided,
    set_aside,
)
from pipeline.ledger import RunState as LedgerState
from pipeline.model.orders import Intent
from pipeline.model.outcomes import ARRIVED_ORDERS, OrderOutcome
from pipeline.model.stops import StopRun
from pipeline.model.traffic import Traffic
from pipeline.report.facts import RunState
from pipeline.report.summary import counted
from pipeline.run.acknowledgements import Answers, check_outboxes, in_words
from pipeline.run.again import chosen
from pipeline.run.choice import OPEN, Choice
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder, owner_name
from pipeline.run.foretold import foretell
from pipeline.run.guard import cautions, confirm, guard
from pipeline.run.halt import Halt, listening
from pipeline.run.identity import fingerprint, run_name
from pipeline.run.index import renew_index
from pipeline.run.known import Known
from pipeline.run.leftovers import sweep, unknown_since
from pipeline.run.log import logged
from pipeline.run.partners import agreed
from pipeline.run.plans import (
    copy_plan,
    finish_plan,
    new_place,
    open_plan,
    refuse_elsewhere,
    refuse_stale,
    refuse_updates,
    runs_of_plan,
)
from pipeline.run.preparation import Preparation, say_start
from pipeline.run.prepare import Foresight
from pipeline.run.request import (
    Events,
    GuardTripped,
    LedgerInOrder,
    Options,
    Result,
    RunUnknown,
    resume_command,
    typed,
)
from pipeline.run.retry import (
    Asked,
    Retried,
    asked,
    compare_with_before,
    refuse_over_arrived,
)
from pipeline.run.sending import send_all, unrepeatable_orders, waiting_orders
from pipeline.run.sharing import Role, hold, join, part
from pipeline.run.source import compiled
from pipeline.run.verdict import NAMES, Ending, check_reports, conclude
from pipeline.run.verdicts import taken_over
from pipeline.send import is_parcellab

# Exit codes of runs that ended because of what they were given, not of the ledger or its disk.
_OF_THE_WORK = (2, 4)
_MISTYPED = "C119"  # --only-order names no order: that says nothing about the night
_UNKNOWN = OrderOutcome.UNKNOWN.value
_ARRIVED = frozenset(outcome.value for outcome in ARRIVED_ORDERS)
_DECIDED = Undecided()
_RUNS_LOOKED_AT = 1_000  # of two days, also where one begins every few minutes
_SHOWN_OF_ACKS = ("name", "kind", "control", "partner", "accepted", "rejected", "outbox")
_FACTS_OF_AN_END = ("ended_at", "stop_reason", "state")


class Flow:
    """The way of one run; each public method is one verb of the command line."""

    def __init__(self, settings: Settings, options: Options, events: Events) -> None:
        self.settings = settings
        self.options = options
        self.events = events
        self.endpoint = settings.endpoint
        self.halt = Halt()
        self.agreed = agreed(settings.partners)

    # -- verbs ------------------------------------------------------------------------------

    def run(self, mappings: Sequence[Path], inputs: Sequence[str]) -> Result:
        """Prepare, guard, send, report."""
        first = next((made.plan.name for made in compiled(mappings).values()), "")
        with self._ledger() as ledger:
            endpoint = self._hold(ledger)
            self._check_places()
            return self._run(ledger, endpoint, first, mappings, inputs)

    def retry(self, files: Sequence[Path], mappings: Sequence[Path]) -> Result:
        """Import corrected rows: a run whose mappings are those of the runs that wrote them."""
        with self._ledger() as ledger:
            endpoint = self._hold(ledger)
            self._check_places()
            wanted = asked(files, mappings, ledger, endpoint, self.settings)
            if wanted.backfill and not self.options.backfill:
                self._warn(
                    "these are rows of a backfill, so they are sent as one: trackings get notifications_inactive=true"
                )
                self.options = replace(self.options, backfill=True)
            if wanted.create_only and not self.options.create_only:
                self._warn("these are rows of a run with --create-only, so no order is updated")
                self.options = replace(self.options, create_only=True)
            made = compiled(wanted.each_mapping)
            first = next(each.plan.name for each in made.values())
            inputs = [str(file) for file in (*wanted.mappings, *wanted.joined)]
            return self._run(ledger, endpoint, first, wanted.each_mapping, inputs, wanted)

    def again(self, name: str, causes: Sequence[str], owners: Sequence[str]) -> Result:
        """Send the refused orders of a run again, from its own copies of its files."""
        with self._ledger() as ledger:
            endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
            self._check_places()
            wanted = chosen(ledger, endpoint, self.settings, name, causes, owners)
            if not wanted.numbers:
                return Result(run_id="", exit_code=0, text=f"{wanted.sentence}\n")
            self.options = replace(
                self.options, only_orders=wanted.numbers, accept_duplicates=True,
                backfill=self.options.backfill or wanted.backfill,
                create_only=self.options.create_only or wanted.create_only,
                chosen_words=f"the refused orders of run {wanted.run}",
            )  # fmt: skip
            first = next(each.plan.name for each in compiled(list(wanted.claims)).values())
            known = Known(ledger, endpoint)
            with (
                self._new_folder(ledger, first) as folder,
                self._told(ledger, endpoint, folder, retry=True),
            ):
                laid = wanted.lay_out(folder)
                inputs = [str(file) for files in laid.values() for file in files]
                opened = self._preparation().opened(list(laid), inputs, folder, known, claims=laid)
                same_work = fingerprint(self.endpoint, opened.jobs, self.options, self.agreed)
                before = self._choice(ledger).able(ledger.unfinished(endpoint, same_work))
                if before is None:
                    retried = Retried(sentences=[wanted.sentence])
                    seen = self._preparation().made_ready(
                        folder.path.name, opened, folder, known, retried, wanted.keys
                    )
                    stopped = self._safety_stop(seen)
                    if stopped is not None:
                        return self._end_unsent(ledger, endpoint, folder, same_work, stopped)
                    return self._begin(ledger, endpoint, folder, same_work)
            return self._go_on(ledger, before)

    def _run(
        self, ledger: Ledger, endpoint: int, name: str, mappings: Sequence[Path],
        inputs: Sequence[str], wanted: Asked | None = None,
    ) -> Result:  # fmt: skip
        known = Known(ledger, endpoint)
        with (
            self._new_folder(ledger, name) as folder,
            self._told(ledger, endpoint, folder, retry=wanted is not None),
        ):
            opened = self._preparation().opened(mappings, inputs, folder, known, wanted)
            jobs = opened.jobs
            retried = (
                compare_with_before(jobs, ledger, endpoint, self.settings.home) if wanted else None
            )
            same_work = fingerprint(self.endpoint, jobs, self.options, self.agreed)
            before = self._choice(ledger).able(ledger.unfinished(endpoint, same_work))
            if before is None:
                self._say_unfinished(ledger, endpoint)
                seen = self._preparation().made_ready(
                    folder.path.name, opened, folder, known, retried
                )
                if retried is not None:
                    refuse_over_arrived(folder, retried)
                stopped = self._safety_stop(seen)
                if stopped is not None:
                    if wanted is not None:
                        self._say_again(folder, wanted, stopped)
                    return self._end_unsent(ledger, endpoint, folder, same_work, stopped)
                return self._begin(ledger, endpoint, folder, same_work)
        return self._go_on(ledger, before)

    def _say_again(self, folder: RunFolder, wanted: Asked, stopped: GuardTripped) -> None:
        """Keep what is to be typed after a safety stop: the same files, for they have all orders."""
        words = wanted.words(self.options, stopped.unless)
        folder.write_facts(folder.facts() | {"again": typed(self.settings, "retry", *words)})

    def plan(self, mappings: Sequence[Path], inputs: Sequence[str], out: Path | None) -> Result:
        """Prepare and report."""
        compiled(mappings)  # a mapping with mistakes needs no ledger to be told
        with self._ledger() as ledger:
            endpoint = self._hold(ledger)
            folder = new_place(self.settings.home, out)
            kept = False
            try:
                folder.make(self._owner())
                preparation, known = self._preparation(), Known(ledger, endpoint)
                opened = preparation.opened(mappings, inputs, folder, known)
                seen = preparation.made_ready(f"plan-{folder.path.name}", opened, folder, known)
                told = foretell(folder, ledger, endpoint, clock())
                folder.write_facts(
                    folder.facts()
                    | {"foretold": told.as_facts() | {"backfill": self.options.backfill}}
                )
                finish_plan(
                    folder,
                    ledger,
                    fingerprint(self.endpoint, opened.jobs, self.options, self.agreed),
                )
                kept = True
            finally:
                if not kept:
                    folder.remove()
        ending = Ending(RunState.PLANNED, clock(), None)
        return conclude(self.settings, self.options, self.events, folder, None, ending, seen=seen)

    def run_plan(self, path: Path) -> Result:
        """Send a plan, if the world is still as it was when it was made."""
        facts = open_plan(path)
        refuse_elsewhere(facts, self.settings, path)
        refuse_updates(facts, self.options, path)
        self.options = replace(
            self.options, backfill=bool(facts["backfill"]),
            create_only=bool(facts.get("create_only")),
        )  # fmt: skip
        with self._ledger() as ledger:
            endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
            self._check_places()

            def sent_in() -> RunRecord | None:
                return next(iter(runs_of_plan(ledger, facts["plan"])), None)

            joined = self._join(ledger, endpoint, sent_in, path)
            if joined is not None:
                return joined
            sent = sent_in()
            before = self._choice(ledger).able(sent if sent and sent.state in OPEN else None)
            if before is not None:
                return self._go_on(ledger, before)
            refuse_stale(facts, ledger, path, self.agreed, Servers(self.settings.s3_endpoint))
            seen = Foresight(**{k: v for k, v in facts["seen"].items() if k != "mutations"})
            name, same_work = facts["mappings"][0]["name"], facts["fingerprint"]
            with self._new_folder(ledger, name) as folder, self._told(ledger, endpoint, folder):
                say_start(
                    self.events, self.settings, folder.path.name, len(facts["files"]), str(path)
                )
                stopped = self._safety_stop(seen)
                started = {"run_id": folder.path.name, "started_at": clock().isoformat()}
                copy_plan(path, folder, facts | started)
                if stopped is not None:
                    return self._end_unsent(ledger, endpoint, folder, same_work, stopped)
                return self._begin(ledger, endpoint, folder, same_work)

    def resume(self, name: str | None) -> Result:
        """Go on with an interrupted run, named by its id or by the folder of its plan."""
        with self._ledger() as ledger:
            endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
            self._check_places()
            choice = self._choice(ledger)
            joined = self._join(ledger, endpoint, lambda: choice.at_work(name, endpoint))
            if joined is not None:
                return joined
            record = choice.named(name, endpoint)
            if record is None:
                return self._nothing_open(choice.elsewhere(endpoint))
            return self._go_on(ledger, record)

    def _join(
        self, ledger: Ledger, endpoint: int, at_work: Callable[[], RunRecord | None],
        plan: Path | None = None,
    ) -> Result | None:  # fmt: skip
        """Help another process with a run; None where none is at work, and the endpoint is ours."""
        if ledger.hold(endpoint):
            return None
        record = join(ledger, endpoint, self.halt, at_work)
        if record is None:
            return None
        folder = self._choice(ledger).folder(record)
        broken = folder.broken()
        if broken is not None and plan is not None:  # the other one is on another machine
            folder.make(self._owner())
            started = {"run_id": record.id, "started_at": record.started_at.isoformat()}
            copy_plan(plan, folder, open_plan(plan) | started | {"begun": True})
        elif broken is not None:
            raise RunUnknown(
                f"run {record.id} is at work, but what it prepared is not here: {broken}", code="C134",
                help="use a home that both see, or send a copy of its plan: `pipeline run PLAN`",
            )  # fmt: skip
        self.halt.gentle = True
        self.events = logged(self.events, folder)
        with self._saved(ledger, record.id):
            partitions = int(folder.facts()["partitions"])
            return self._work(ledger, record.id, folder, partitions, "joining", joined=True)

    def _nothing_open(self, other: RunRecord | None) -> Result:
        text = f"nothing to resume: no run of profile {self.settings.profile} is unfinished\n"
        if other is not None:
            command = resume_command(self.settings, other.id, other.profile)
            text += f"Run {other.id} of profile {other.profile} is: {command}\n"
        return Result(run_id="", exit_code=0, text=text)

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
            with Ledger.open(location, clock=clock, shared=True) as ledger:
                if ledger.alone:
                    removed = sweep(self.settings.home, ledger, self._owner())
                    if removed:
                        self.events.say(
                            "info", "removed what a killed run had left", folders=removed
                        )
                    ledger.let_others_in()
                    self._say_unknown(ledger)
                yield ledger

    def _say_unknown(self, ledger: Ledger) -> None:
        """Tell of a ledger that somebody has removed, or put back from before: nothing else would."""
        if self.options.new_ledger:
            return
        unknown = unknown_since(self.settings.home, ledger, self._owner())
        if unknown:
            more = f" and {len(unknown) - 1} before it" if len(unknown) > 1 else ""
            self._warn(
                f"the ledger {self._owner()} does not know run {unknown[0]}{more}: it is a new one or an older "
                "copy, and what it does not know is sent again. If that is not meant, stop, and put the right one back"
            )
            ledger.note_loss()

    def _hold(self, ledger: Ledger) -> int:
        """Give the endpoint, at which no other process works."""
        endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
        hold(ledger, endpoint)
        return endpoint

    def _owner(self) -> str:
        return owner_name(self.settings.ledger)

    def _check_places(self) -> None:
        check_reports(self.settings.reports)
        check_outboxes(self.settings.acks, self.settings.partners, self.settings.profile)

    def _preparation(self) -> Preparation:
        return Preparation(self.settings, self.options, self.events, self.agreed)

    def _choice(self, ledger: Ledger) -> Choice:
        return Choice(ledger, self.settings, self._warn)

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
            self.events = logged(told, folder)
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
            command = resume_command(self.settings, record.id, record.profile)
            self._warn(f"run {record.id} did not finish: {command}")

    # -- the way ----------------------------------------------------------------------------

    def _safety_stop(self, seen: Foresight) -> GuardTripped | None:
        """Judge what is about to be sent; gives why it must not go out."""
        try:
            guard(seen, self.options)
            said = [each["says"] for each in seen.broken]
            for text in (*said, *seen.unlike, *cautions(seen, self.options)):
                self._warn(text)
            confirm(seen, self.endpoint, self.options, self.events)
        except GuardTripped as stopped:
            return stopped
        return None

    @contextmanager
    def _told(
        self, ledger: Ledger, endpoint: int, folder: RunFolder, *, retry: bool = False
    ) -> Iterator[None]:
        """Let the ledger, and so `status`, know of a run that its own input has stopped."""
        try:
            yield
        except StopRun as stopped:
            of_the_work = stopped.exit_code in _OF_THE_WORK and stopped.code != _MISTYPED
            if of_the_work and ledger.run(folder.path.name) is None:
                at = clock()
                ledger.begin_run(
                    RunStart(
                        id=folder.path.name, endpoint=endpoint, fingerprint="", started_at=at,
                        profile=self.settings.profile, state=LedgerState.NOT_SENT,
                        options={"stopped": stopped.message, "retry": retry},
                    )
                )  # fmt: skip
                ledger.finish_run(
                    folder.path.name, state=LedgerState.NOT_SENT, exit_code=stopped.exit_code,
                    ended_at=at, totals="{}",
                )  # fmt: skip
                renew_index(self.settings, ledger, self.events)
            raise

    def _end_unsent(
        self, ledger: Ledger, endpoint: int, folder: RunFolder, same_work: str, stopped: StopRun
    ) -> Result:
        """Report a run that a safety stop ends; nothing of it is ever sent, `resume` included."""
        self.halt.gentle = True  # its folder holds the report's tables from here on
        self._enter(ledger, endpoint, folder, same_work, LedgerState.NOT_SENT, stopped.message)
        run_id = folder.path.name
        self._plan_partitions(ledger, run_id, folder)
        folder.write_facts(folder.facts() | {"advice": stopped.help})
        ending = Ending(RunState.NOT_SENT, clock(), stopped)
        return conclude(self.settings, self.options, self.events, folder, (ledger, run_id), ending)

    def _begin(self, ledger: Ledger, endpoint: int, folder: RunFolder, same_work: str) -> Result:
        """Tell the ledger of a run that lies ready, and send it."""
        run_id = folder.path.name
        self.halt.gentle = True
        with self._saved(ledger, run_id):
            self._enter(ledger, endpoint, folder, same_work, LedgerState.RUNNING)
            return self._send(ledger, run_id, folder)

    def _enter(
        self, ledger: Ledger, endpoint: int, folder: RunFolder, same_work: str,
        state: LedgerState, stopped: str | None = None,
    ) -> None:  # fmt: skip
        facts = folder.facts()
        options = {name: facts.get(name) for name in ("limit", "backfill", "create_only", "plan")}
        options["retry"] = facts.get("retry", False)
        options["whole"] = facts.get("whole", False)
        ledger.begin_run(
            RunStart(
                id=folder.path.name, endpoint=endpoint, fingerprint=same_work, state=state,
                profile=self.settings.profile,
                started_at=datetime.fromisoformat(facts["started_at"]),
                options=options | ({"stopped": stopped} if stopped else {}),
                mappings={m["name"]: m["sha256"] for m in facts["mappings"]},
                files=[{k: f[k] for k in ("name", "sha256", "size_bytes")}
                       for f in facts["files"] if not f.get("aside")],
            ),
            () if state is LedgerState.NOT_SENT else taken_over(facts),
        )  # fmt: skip
        folder.write_facts(facts | {"begun": True})

    def _go_on(self, ledger: Ledger, record: RunRecord) -> Result:
        """Send what is open of an interrupted run, leaving alone what a newer run has sent."""
        folder = self._choice(ledger).folder(record)
        self.halt.gentle = True
        self.events = logged(self.events, folder)
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
                known = ledger.run(run_id) is not None
                if known and ledger.hold(self._at(ledger)):  # else others go on with it
                    ledger.break_run(run_id, exit_code=code, ended_at=clock())
                renew_index(self.settings, ledger, self.events)
            state = self._how_far(run_id)
            if state is not None:
                how = resume_command(self.settings, run_id)
                error.add_note(f"Run {run_id} is saved{state}. Continue with: {how}")
            raise

    def _how_far(self, run_id: str) -> str | None:
        """How many orders have arrived and how many will be sent again, as far as can be read.

        Returns:
            None of a run that the ledger was never told of: there is nothing to resume.
        """
        outcomes: list[str] = []
        with suppress(StopRun), Ledger.read(self.settings.ledger, clock=clock) as ledger:
            if ledger.run(run_id) is None:
                return None
            outcomes = ledger.orders(run_id).get_column("outcome").to_list()
        arrived = sum(outcome in _ARRIVED for outcome in outcomes)
        unclear = outcomes.count(_UNKNOWN)
        told = f"; {counted(arrived, 'order')} arrived" if arrived else ""
        if unclear:
            told += f"; {counted(unclear, 'order')} without an answer will be sent again"
        return told

    def _plan_partitions(self, ledger: Ledger, run_id: str, folder: RunFolder) -> int:
        """Tell the ledger of all orders it has not been told of; gives how many partitions."""
        facts = folder.facts()
        partitions, digest = int(facts["partitions"]), str(facts["seen"]["digest"])
        settled = {state.partition for state in ledger.partitions(run_id)}
        for partition in range(partitions):
            if partition not in settled:
                planned = pl.read_parquet(folder.part("planned", partition))
                ledger.plan_partition(
                    run_id, partition, planned.select(PLANNED_SCHEMA.keys()), digest
                )
        return partitions

    def _send(self, ledger: Ledger, run_id: str, folder: RunFolder, say: str = "sending") -> Result:
        partitions = self._plan_partitions(ledger, run_id, folder)
        # never an older version after a newer one (FAULTS G4)
        ledger.supersede(run_id, sorted(ledger.overtaken(run_id)))
        self._doubt(ledger, run_id, folder)
        undecided = ledger.undecided(run_id)
        acks = self._acknowledge(ledger, run_id, folder)
        ledger.share(self._at(ledger))  # from here on others may help
        result = self._work(ledger, run_id, folder, partitions, say, undecided=undecided)
        if undecided.orders:
            more = self._still_to_see(run_id, len(undecided.orders))
            result = replace(result, text=result.text + more)
        if not acks:
            return result
        listed = [{name: ack[name] for name in _SHOWN_OF_ACKS} for ack in acks]
        return replace(
            result, text=result.text + in_words(acks, folder),
            summary=result.summary | {"acknowledgements": listed},
        )  # fmt: skip

    def _still_to_see(self, run_id: str, orders: int) -> str:
        """Say that a late request may have undone what this run has sent, and how to see that."""
        return (
            f"Of {counted(orders, 'order')} an older version was sent without an answer before; should it "
            "have arrived after this one, it is what parcelLab has.\n"
            f"Make sure:  {typed(self.settings, 'verify', run_id)}\n"
        )

    def _doubt(self, ledger: Ledger, run_id: str, folder: RunFolder) -> None:
        """Have read back what may have been sent without this ledger knowing it of the endpoint.

        By the ledger that was given up, in any run; under another address of the same API; or, where
        this is the first run that it knows, by one that was elsewhere: a folder that was not mounted.
        """
        here = self.endpoint
        before = {
            url: endpoint
            for url, endpoint in ledger.endpoints_of(here.account).items()
            if url != here.base_url and is_parcellab(url) and is_parcellab(here.base_url)
        }
        first = is_parcellab(here.base_url) and ledger.is_first(run_id)
        if not (ledger.after_a_loss or before or first):
            return
        orders = unrepeatable_orders(ledger, run_id, folder)
        if ledger.after_a_loss or first:
            ledger.doubt(self._at(ledger), orders)
        if first:
            self._warn(
                f"the ledger at {owner_name(self.settings.ledger)} knows of no earlier run for account "
                f"{here.account}, so every order counts as new"
            )
        for url, endpoint in before.items():
            there = sorted(ledger.may_have_got(endpoint, orders))
            ledger.doubt(self._at(ledger), there)
            if there:
                self._warn(
                    f"account {here.account} was imported at {url} before: changes of "
                    f"{counted(len(there), 'order')} that must not be made twice are read back first"
                )

    def _at(self, ledger: Ledger) -> int:
        return ledger.endpoint(self.endpoint.base_url, self.endpoint.account)

    def _work(
        self, ledger: Ledger, run_id: str, folder: RunFolder, partitions: int, say: str, *,
        joined: bool = False, undecided: Undecided = _DECIDED,
    ) -> Result:  # fmt: skip
        """Send what is open of a run, and conclude it unless others go on with it."""
        waiting = waiting_orders(ledger, run_id, folder).len()
        until = self.options.until  # "06:00" may mean tomorrow
        self.events.say(
            "info", say, run=run_id, orders=waiting,
            until=None if until is None else until.isoformat(timespec="minutes"),
        )  # fmt: skip
        stopped: StopRun | None = None
        traffic = Traffic.of_json(folder.facts().get("traffic"))
        create_only = folder.facts().get("create_only", False)  # a fact of the run: resume keeps it
        try:
            stopped = send_all(
                ledger, run_id, folder, partitions, endpoint=self.endpoint, pace=self.settings.pace,
                events=self.events, halt=self.halt, clock=clock, until=self.options.until,
                joined=joined, traffic=traffic, undecided=undecided,
                intent=Intent.CREATE if create_only else Intent.UPSERT,
            )  # fmt: skip
        except StopRun as reason:
            stopped = reason

        def left() -> bool:
            return waiting_orders(ledger, run_id, folder).len() > 0

        role = None
        try:
            role = part(
                ledger, self._at(ledger), run_id, self.halt,
                early=stopped is not None or self.halt.asked, nothing_open=lambda: not left(),
            )  # fmt: skip
        finally:
            if role in (None, Role.CONCLUDE):  # else the folder may be another process's by now
                folder.write_facts(folder.facts() | {"traffic": traffic.as_json()})
        if role is not Role.CONCLUDE:
            return self._leave(ledger, run_id, folder, role, stopped)
        # a signal that came when everything had its answer has stopped nothing
        open_still = left()
        early = stopped is not None or (self.halt.asked and open_still)
        ending = Ending(
            RunState.STOPPED if early else RunState.FINISHED, clock(), stopped,
            self.halt.signal if open_still else None, self.halt.deadline_passed and open_still,
        )  # fmt: skip
        return conclude(self.settings, self.options, self.events, folder, (ledger, run_id), ending)

    def _leave(
        self, ledger: Ledger, run_id: str, folder: RunFolder, role: Role, stopped: StopRun | None
    ) -> Result:
        """Say that another process has concluded the run, or goes on with it."""
        record = ledger.run(run_id)
        if role is Role.OVER and record is not None:
            code = record.exit_code or 0
            state = f"was shared with another process, which has concluded it (exit {code})"
            folder.clean()
        else:
            code = 5 if self.halt.signal is None else 128 + self.halt.signal
            code = code if stopped is None else stopped.exit_code
            others = ledger.holder() or "it has not said its name"
            state = f"goes on in another process ({others}), which will report on all of it"
        command = typed(self.settings, "report", "build", run_id)
        text = f"Run {run_id} {state}.\nIts report, from the ledger:  {command}\n"
        self.events.say("info", "left to another process", run=run_id, exit=code)
        return Result(
            run_id=run_id, exit_code=code, text=text, stopped=stopped,
            summary={"run": {"id": run_id}, "shared": role.value,
                     "exit": {"code": code, "name": NAMES.get(code, "unknown")}},
        )  # fmt: skip

    def _acknowledge(
        self, ledger: Ledger, run_id: str, folder: RunFolder
    ) -> Sequence[Mapping[str, Any]]:
        """Answer the interchanges that the run has taken over or rejected; gives all answers."""
        facts = folder.facts()
        if not facts.get("interchanges") or facts.get("retry"):  # of what was answered already
            return ()
        endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
        answers = Answers(
            ledger, endpoint, run_id, folder, self.settings.partners, self.settings.acks, self._warn
        )
        acks = answers.give(clock().astimezone(ZoneInfo(self.settings.timezone)))
        if acks:
            self.events.say("info", "acknowledged", files=len(acks),
                            messages_rejected=sum(ack["rejected"] for ack in acks))  # fmt: skip
        return acks
