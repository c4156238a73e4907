"""What a run does before it sends anything: files become requests that lie ready, and facts for the report."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.config import Settings
from pipeline.intake import AT_ONCE, Readiness
from pipeline.model.outcomes import REPORTED_FINDING_SCHEMA
from pipeline.run import spool as spooling
from pipeline.run.accounts import facts_of
from pipeline.run.aside import UNUSABLE, Aside, refuse_missing_sources, refuse_orders_without_lines
from pipeline.run.clock import clock
from pipeline.run.expected import READ_BEFORE, Broken, judged
from pipeline.run.folder import RunFolder, written
from pipeline.run.interchanges import keep_messages
from pipeline.run.known import Known
from pipeline.run.oddity import as_findings
from pipeline.run.partners import Reception
from pipeline.run.prepare import Foresight, prepare
from pipeline.run.request import Events, Options
from pipeline.run.retry import RETRIED, Asked, Retried
from pipeline.run.source import Opened, failed, open_jobs
from pipeline.run.spool import Spooled
from pipeline.run.usual import compared
from pipeline.run.verdicts import edi_files, enrich, keep


def say_start(
    events: Events, settings: Settings, run_id: str, files: int, plan: str | None = None
) -> None:
    """Tell that a run begins, and of which files."""
    events.say("info", "start", run=run_id, plan=plan, profile=settings.profile,
               account=settings.endpoint.account, files=files)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a run is prepared; `agreed` is what its partners' agreements are known by."""

    settings: Settings
    options: Options
    events: Events
    agreed: str

    def opened(
        self, mappings: Sequence[Path], inputs: Sequence[str], folder: RunFolder, known: Known,
        wanted: Asked | None = None, claims: Mapping[Path, Sequence[Path]] | None = None,
    ) -> Opened:  # fmt: skip
        """Compile the mappings, and find, copy and judge the files of each.

        `wanted` are the rows to correct that a retry asks for, `claims` the files that are each
        mapping's, chosen already.

        Raises:
            StopRun: a mapping has mistakes, or nothing can be read.
        """
        reception = Reception(
            self.settings.partners, known.received, production=self.settings.endpoint.production,
            accept_duplicates=self.options.accept_duplicates, warn=self._warning,
        )  # fmt: skip
        chosen = wanted is not None or claims is not None
        return open_jobs(
            mappings, inputs, folder, self._warning, [self.settings.home, self.settings.reports],
            readiness=self._readiness(chosen=chosen),
            reception=reception,
            by_partner=self.options.by_partner, corrected={**wanted.mappings, **wanted.joined} if wanted else None,
            claims=claims, before=None if chosen else known.imported(self.options, self.settings),
            s3_endpoint=self.settings.s3_endpoint,
        )  # fmt: skip

    def _warning(self, text: str) -> None:
        self.events.say("warning", "warning", text=text)

    def _readiness(self, *, chosen: bool) -> Readiness:
        """When a file counts as finished; files that somebody has chosen one by one are."""
        if chosen:
            return AT_ONCE
        return Readiness(
            self.settings.stable_s, self.settings.marker, lambda: clock().timestamp(), time.sleep
        )

    def made_ready(
        self, run_id: str, opened: Opened, folder: RunFolder, known: Known,
        retried: Retried | None = None, only: Collection[str] | None = None,
    ) -> Foresight:  # fmt: skip
        """Read, check and group all rows; requests and facts lie in the run's folder then.

        Args:
            run_id: the name of the run or plan.
            opened: its mappings with their files.
            folder: where it is all written.
            known: what the ledger knows of the endpoint.
            retried: what the files to correct came from; None for a night's files.
            only: the keys of rows that are taken alone (`again`); None for all.

        Returns:
            What is about to be sent, in numbers.

        Raises:
            StopRun: the files cannot be used, or the disk cannot.
        """
        started, begun = clock(), time.monotonic()
        jobs, is_retry = opened.jobs, retried is not None
        files = len({snapshot.path for job in jobs for _, snapshot in job.files})
        say_start(self.events, self.settings, run_id, files)
        with written(folder.path):
            spooled = spooling.spool(
                jobs, folder, lambda rows: self.events.stage("read", rows, None),
                spooling.PARTITION_BYTES, only, strict=is_retry,
            )  # fmt: skip
            aside = (*opened.aside, *failed(jobs, spooled.failed))
            for each in aside:
                if each.code == UNUSABLE:  # what helps may quote a header: that is the report's
                    self._warning(
                        f"cannot be used: {each.source.name} {each.says.partition('; ')[0]}"
                    )
            reads = [
                (job.plan, any(s.index not in spooled.failed for s, _ in job.files)) for job in jobs
            ]
            refuse_orders_without_lines(reads, aside)
            refuse_missing_sources(reads, aside, retry=is_retry)
            read_s = time.monotonic() - begun
            seen = prepare(
                jobs, spooled, folder, known, self.settings.endpoint.account, self.options,
                lambda done, total: self.events.stage("validate", done, total), now=started,
            )  # fmt: skip
            tonight, odd = compared(
                jobs, spooled, seen, known.nights, self.options, zone=self.settings.timezone,
                at=started, retry=is_retry,
            )  # fmt: skip
            broken, checked = self._judged(opened, spooled, known, started, retry=is_retry)
            seen.broken = [each.plain() for each in broken]
            of_files = (
                [*(each.oddity for each in broken), *odd],
                [each.oddity for each in (*aside, *opened.known)],
            )
            for part, oddities in enumerate(of_files, spooled.count):
                if oddities:
                    folder.write("findings", part, as_findings(oddities, REPORTED_FINDING_SCHEMA))
            keep_messages(jobs, folder)
            edi = edi_files(jobs, spooled.problems)
            keep(folder, edi)
            if retried is not None:
                folder.write(RETRIED, 0, retried.rows)
        for text in retried.warnings if retried else ():
            self._warning(text)
        facts = self._facts_of_files(run_id, opened, spooled, aside, started)
        enrich(facts["interchanges"], edi, self.settings.partners)
        foreseen = {name: getattr(seen, name) for name in seen.__dataclass_fields__}
        missing = [
            {"index": each.oddity.file, "name": each.missing} for each in broken if each.missing
        ]
        folder.write_facts(
            facts | self._facts_of_choice(retried) | {
                "partitions": spooled.count,
                "seen": foreseen | {"mutations": dict(seen.mutations)},
                "sources": [each.plain() for each in tonight],
                "checked": checked,
                "missing": missing,
                "sealed": folder.seal(),
            }
        )  # fmt: skip
        self.events.say(
            "info", "validated", rows=seen.rows, rows_rejected=seen.faulty_rows, orders=seen.orders,
            orders_held=seen.held, orders_to_send=seen.to_send, read_s=round(read_s, 2),
            total_s=round(time.monotonic() - begun, 2),
        )  # fmt: skip
        return seen

    def _facts_of_files(
        self, run_id: str, opened: Opened, spooled: Spooled, aside: Sequence[Aside], at: datetime
    ) -> dict[str, Any]:
        """What the report tells of the files; those of a server by their URL."""
        endpoint = self.settings.endpoint
        facts = facts_of(
            run_id, opened.jobs, spooled.records, profile=self.settings.profile,
            account=endpoint.account, production=endpoint.production, host=endpoint.base_url,
            zone=self.settings.timezone, started_at=at, settings=self._shown_settings(),
            lines=spooled.lines, aside=aside,
        )  # fmt: skip
        for file in facts["files"]:
            remote = opened.remote.get(Path(file["path"]))
            if remote is not None:
                file |= {"path": remote.url, "stat": list(remote.facts)}
        return facts

    def _facts_of_choice(self, retried: Retried | None) -> dict[str, Any]:
        """What was asked for, as far as it decides what a later run may do."""
        return {
            "chosen_by": self.options.chosen_by,
            "limit": self.options.limit,
            "backfill": self.options.backfill,
            "create_only": self.options.create_only,
            "agreed": self.agreed,
            "retry": retried is not None,
            "whole": retried is None and self.options.chosen_by is None,
            "retried": retried.sentences if retried else [],
        }

    def _judged(
        self, opened: Opened, spooled: Spooled, known: Known, at: datetime, *, retry: bool
    ) -> tuple[list[Broken], list[str]]:
        """What is not as the mappings expect; of rows that are read once more nothing is."""
        if retry or self.options.expectations == "off":
            return [], []
        return judged(
            opened, spooled, lambda: known.read_since(at - READ_BEFORE), at=at,
            zone=self.settings.timezone, past=self.options.backfill,
        )  # fmt: skip

    def _shown_settings(self) -> dict[str, str]:
        pace = self.settings.pace
        return {
            "concurrency": str(pace.concurrency),
            "rate": "as fast as allowed" if pace.rate_per_s is None else f"{pace.rate_per_s:g}/s",
            "backfill": "yes" if self.options.backfill else "no",
            "orders are": "created only (POST)"
            if self.options.create_only
            else "created and updated (PUT)",
        }
