"""One run from its request to its report."""

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import __version__
from pipeline.config import Settings
from pipeline.ledger import PLANNED_SCHEMA, AckedOperation, KnownOrder, Ledger, RunRecord, RunStart
from pipeline.ledger import RunState as LedgerState
from pipeline.model.stops import StopRun
from pipeline.report.facts import RunState
from pipeline.run.accounts import facts_of
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder
from pipeline.run.guard import confirm, guard
from pipeline.run.prepare import PREPARED_SCHEMA, Foresight, prepare
from pipeline.run.request import Events, Options, PlanStale, Result, RunUnknown
from pipeline.run.sending import Halt, send_all
from pipeline.run.source import Job, open_jobs, read_mapping
from pipeline.run.spool import spool
from pipeline.run.verdict import Ending, conclude

_ID_FORMAT = "%Y-%m-%dT%H%M"


@dataclass(frozen=True, slots=True)
class _Known:
    """The ledger's knowledge of one endpoint."""

    ledger: Ledger
    endpoint: int

    def known(self, order_numbers: Sequence[str]) -> Mapping[str, KnownOrder]:
        return self.ledger.known(self.endpoint, order_numbers)

    def operations(self, order_numbers: Sequence[str]) -> Mapping[str, Mapping[str, AckedOperation]]:
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
        with self._ledger() as ledger:
            endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
            run_id = self._new_id(ledger)
            folder = RunFolder(self.settings.home / "runs" / run_id)
            folder.make()
            begun = False
            try:
                jobs = open_jobs(mappings, inputs, folder, self._warn)
                fingerprint = self._fingerprint(jobs)
                before = ledger.unfinished(endpoint, fingerprint)
                if before is not None and self._folder(before).facts().get("partitions"):
                    folder.remove()
                    begun = True
                    return self._go_on(ledger, before)
                seen = self._prepare(run_id, jobs, folder, _Known(ledger, endpoint))
                guard(seen, self.options)
                confirm(seen, self.endpoint, self.options, self.events)
                begun = True
                self._begin(ledger, endpoint, run_id, fingerprint, jobs)
                return self._send(ledger, run_id, folder)
            finally:
                if not begun:
                    folder.remove()

    def plan(self, mappings: Sequence[Path], inputs: Sequence[str], out: Path | None) -> Result:
        """Prepare and report."""
        path = out if out is not None else self.settings.home / "plans" / secrets.token_hex(4)
        if path.exists() and any(path.iterdir()):
            raise PlanStale(f"{path} exists already", code="C130", help="choose another --out")
        folder = RunFolder(path)
        folder.make()
        kept = False
        try:
            with self._ledger() as ledger:
                endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
                jobs = open_jobs(mappings, inputs, folder, self._warn)
                run_id = f"plan-{path.name}"
                seen = self._prepare(run_id, jobs, folder, _Known(ledger, endpoint))
                facts = folder.facts() | {"serial": _serial(ledger), "fingerprint": self._fingerprint(jobs)}
                folder.write_facts(facts)
            kept = True
        finally:
            if not kept:
                folder.remove()
        ending = Ending(RunState.PLANNED, clock(), None)
        return conclude(self.settings, self.options, self.events, folder, None, ending, seen=seen)

    def run_plan(self, path: Path) -> Result:
        """Send a plan, if the world is still as it was when it was made."""
        planned = RunFolder(path)
        facts = planned.facts()
        if "serial" not in facts:
            raise PlanStale(f"{path} is not a plan", code="C131", help="make one with `pipeline plan`")
        with self._ledger() as ledger:
            endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
            begun = ledger.unfinished(endpoint, facts["fingerprint"])
            if begun is not None and self._folder(begun).facts().get("partitions"):
                return self._go_on(ledger, begun)
            self._fresh(facts, _serial(ledger), path)
            run_id = self._new_id(ledger)
            folder = RunFolder(self.settings.home / "runs" / run_id)
            seen = Foresight(**{k: v for k, v in facts["seen"].items() if k != "mutations"})
            guard(seen, self.options)
            confirm(seen, self.endpoint, self.options, self.events)
            shutil.copytree(path, folder.path)
            folder.write_facts(facts | {"run_id": run_id, "started_at": clock().isoformat()})
            self._begin_facts(ledger, endpoint, run_id, facts["fingerprint"], folder.facts())
            return self._send(ledger, run_id, folder)

    def resume(self, run_id: str | None) -> Result:
        """Go on with an interrupted run."""
        with self._ledger() as ledger:
            runs = [ledger.run(run_id)] if run_id is not None else ledger.runs(50)
            open_runs = [r for r in runs if r is not None and r.state is not LedgerState.FINISHED]
            if not open_runs:
                what = "unfinished run" if run_id is None else f"run {run_id} that was interrupted"
                raise RunUnknown(f"there is no {what}", code="C132",
                                 help="`pipeline status` shows the last runs")  # fmt: skip
            record = open_runs[0]
            endpoint = ledger.endpoint(self.endpoint.base_url, self.endpoint.account)
            if record.endpoint != endpoint:
                raise RunUnknown(f"run {record.id} belongs to another endpoint", code="C133",
                                 help=f"use --profile {record.profile}")  # fmt: skip
            return self._go_on(ledger, record)

    # -- the way ----------------------------------------------------------------------------

    def _ledger(self) -> Ledger:
        return Ledger.open(self.settings.ledger, clock=clock)

    def _warn(self, text: str) -> None:
        self.events.say("warning", text)

    def _folder(self, record: RunRecord) -> RunFolder:
        return RunFolder(self.settings.home / "runs" / record.id)

    def _new_id(self, ledger: Ledger) -> str:
        stamp = clock().astimezone().strftime(_ID_FORMAT)
        taken = {record.id for record in ledger.runs(200)}
        number = 1
        while (run_id := stamp if number == 1 else f"{stamp}-{number}") in taken or (
            self.settings.home / "runs" / run_id
        ).exists():
            number += 1
        return run_id

    def _fingerprint(self, jobs: Sequence[Job]) -> str:
        """What makes two commands the same work (the program's version included)."""
        parts = {
            "version": __version__,
            "base_url": self.endpoint.base_url,
            "account": self.endpoint.account,
            "mappings": [job.sha256 for job in jobs],
            "files": sorted(source.sha256 for job in jobs for source, _ in job.files),
            "limit": self.options.limit,
            "only": sorted(self.options.only_orders),
            "backfill": self.options.backfill,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _prepare(
        self, run_id: str, jobs: Sequence[Job], folder: RunFolder, known: _Known
    ) -> Foresight:
        started = clock()
        begun = time.monotonic()
        files = sum(len(job.files) for job in jobs)
        self.events.say("info", "start", run=run_id, profile=self.settings.profile,
                        account=self.endpoint.account, files=files)  # fmt: skip
        spooled = spool(jobs, folder, lambda rows: self.events.stage("read", rows, None))
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
        facts |= {"partitions": spooled.count, "seen": foreseen | {"mutations": dict(seen.mutations)},
                  "limited": self.options.limit is not None or bool(self.options.only_orders)}  # fmt: skip
        folder.write_facts(facts)
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

    def _begin(
        self, ledger: Ledger, endpoint: int, run_id: str, fingerprint: str, jobs: Sequence[Job]
    ) -> None:
        facts = RunFolder(self.settings.home / "runs" / run_id).facts()
        self._begin_facts(ledger, endpoint, run_id, fingerprint, facts)

    def _begin_facts(
        self, ledger: Ledger, endpoint: int, run_id: str, fingerprint: str, facts: Mapping[str, Any]
    ) -> None:
        ledger.begin_run(
            RunStart(
                id=run_id, endpoint=endpoint, fingerprint=fingerprint, profile=self.settings.profile,
                started_at=datetime.fromisoformat(facts["started_at"]),
                options={"limit": self.options.limit, "backfill": self.options.backfill},
                mappings={m["name"]: m["sha256"] for m in facts["mappings"]},
                files=[{k: f[k] for k in ("name", "sha256", "size_bytes")} for f in facts["files"]],
            )
        )  # fmt: skip

    def _go_on(self, ledger: Ledger, record: RunRecord) -> Result:
        """Send what is open of an interrupted run, leaving alone what a newer run has sent."""
        folder = self._folder(record)
        if not folder.facts().get("partitions") or not (folder.path / "prepared").is_dir():
            raise RunUnknown(f"what run {record.id} prepared is no longer there", code="C134",
                             help="run the import again: what arrived is not sent twice")  # fmt: skip
        self.events.say("info", "resuming", run=record.id)
        ledger.resume_run(record.id)
        return self._send(ledger, record.id, folder)

    def _send(self, ledger: Ledger, run_id: str, folder: RunFolder) -> Result:
        partitions = int(folder.facts()["partitions"])
        digest = str(folder.facts()["seen"]["digest"])
        settled = {state.partition for state in ledger.partitions(run_id)}
        for partition in range(partitions):
            if partition not in settled:
                planned = pl.read_parquet(folder.part("planned", partition))
                ledger.plan_partition(run_id, partition, planned.select(PLANNED_SCHEMA.keys()), digest)
        self._supersede(ledger, run_id, folder)
        stopped: StopRun | None = None
        try:
            stopped = send_all(
                ledger, run_id, folder, partitions, endpoint=self.endpoint, pace=self.settings.pace,
                events=self.events, halt=self.halt, clock=clock, until=self.options.until,
            )  # fmt: skip
        except StopRun as reason:
            stopped = reason
        state = RunState.STOPPED if stopped or self.halt.asked else RunState.FINISHED
        ending = Ending(state, clock(), stopped, self.halt.signal, self.halt.deadline_passed)
        return conclude(
            self.settings, self.options, self.events, folder, (ledger, run_id), ending
        )

    def _supersede(self, ledger: Ledger, run_id: str, folder: RunFolder) -> None:
        """Never send an older version after a newer one (FAULTS G4)."""
        last, record = ledger.last_run(), ledger.run(run_id)
        if last is None or record is None or last.id == run_id:
            return
        waiting = folder.scan("prepared", PREPARED_SCHEMA).select("order_number", "content_sha256")
        own = dict(waiting.collect().iter_rows())
        newer = [
            number
            for number, order in ledger.known(record.endpoint, list(own)).items()
            if order.updated_at > record.started_at and order.content_sha256 != own[number]
        ]
        ledger.supersede(run_id, newer)

    def _fresh(self, facts: Mapping[str, Any], serial: str, path: Path) -> None:
        """Refuse a plan when anything it was made from has changed (CLI §2)."""
        moved = None
        if facts["version"] != __version__:
            moved = "the program has been updated"
        elif facts["host"] != self.endpoint.base_url or facts["account"] != self.endpoint.account:
            moved = "it was made for another endpoint"
        elif facts["serial"] != serial:
            moved = "another run has changed the ledger"
        for file in facts["files"]:
            if moved is None and _sha256(Path(file["path"])) != file["sha256"]:
                moved = f"{file['name']} has changed or is gone"
        for mapping in facts["mappings"]:
            if moved is None and read_mapping(Path(mapping["path"]))[1] != mapping["sha256"]:
                moved = f"{mapping['path']} has changed"
        if moved is not None:
            raise PlanStale(f"the plan is stale: {moved} after planning", code="C135",
                            help=f"make a new one with `pipeline plan`; {path} may be removed")  # fmt: skip


def _sha256(path: Path) -> str | None:
    """The hash of a file; None where it is gone."""
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return None


def _serial(ledger: Ledger) -> str:
    """Tells whether any run has happened since."""
    last = ledger.last_run()
    return "" if last is None else f"{last.id} {last.state.value} {last.ended_at}"


