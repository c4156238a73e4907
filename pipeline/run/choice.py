"""Which run to go on with: the one that is named, the last one that is open, or none."""

from collections.abc import Callable

from pipeline.config import Settings
from pipeline.ledger import Ledger, RunRecord, RunState
from pipeline.run.folder import RunFolder
from pipeline.run.plans import run_of
from pipeline.run.request import RunUnknown, elsewhere, kind_of_run, resume_command

OPEN = (RunState.RUNNING, RunState.INTERRUPTED)
_LOOK_BACK = 100
_STATUS = "`pipeline status` shows the last runs"


class Choice:
    """Chooses among the runs of one ledger, with its lock held: none of them is at work."""

    def __init__(self, ledger: Ledger, settings: Settings, warn: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._settings = settings
        self._runs = settings.home / "runs"
        self._warn = warn

    def folder(self, record: RunRecord) -> RunFolder:
        """Where the run keeps what it prepared."""
        return RunFolder(self._runs / record.id)

    def able(self, record: RunRecord | None) -> RunRecord | None:
        """Give the interrupted run if it can go on; otherwise its work has to begin anew."""
        if record is None:
            return None
        broken = self.folder(record).broken()
        if broken is None:
            return record
        self._ledger.abandon_run(record.id)
        self._warn(f"run {record.id} cannot go on ({broken}); what arrived is not sent twice")
        return None

    def named(self, name: str | None, endpoint: int) -> RunRecord | None:
        """Give the run to resume; None if none is named and none is open.

        Raises:
            RunUnknown: the named one is not there, it has ended, or it cannot go on here.
        """
        record = self._last(endpoint) if name is None else run_of(self._ledger, name)
        if record is None:
            return None
        if record.state is RunState.NOT_SENT:
            raise RunUnknown(
                f"run {record.id} was stopped before sending, nothing of it is open", code="C132",
                help="run the import again",
            )  # fmt: skip
        if record.state not in OPEN:
            raise RunUnknown(f"run {record.id} is {record.state}, nothing of it is open", code="C132",
                             help=_STATUS)  # fmt: skip
        if record.endpoint != endpoint:
            there = self._ledger.endpoint_of(record.id)
            again = resume_command(self._settings, record.id, record.profile)
            says, how = elsewhere(self._settings, record.profile, there, again)
            raise RunUnknown(f"run {record.id} {says}", code="C133", help=how)
        broken = self.folder(record).broken()
        if broken is not None:
            kind = " and ".join(kind_of_run(record.options))
            again = f"run the import again with {kind}" if kind else "run the import again"
            raise RunUnknown(
                f"what run {record.id} prepared is no longer there: {broken}", code="C134",
                help=f"{again}: what arrived is not sent twice",
            )  # fmt: skip
        return record

    def at_work(self, name: str | None, endpoint: int) -> RunRecord | None:
        """Give the run that other processes may be working on: the named one, or the latest."""
        if name is not None:
            return run_of(self._ledger, name)
        running = self._ledger.unfinished_runs(endpoint)
        return next((each for each in running if each.state is RunState.RUNNING), None)

    def elsewhere(self, endpoint: int) -> RunRecord | None:
        """Give the latest unfinished run of another account or API, so that it is not forgotten."""
        return next(
            (
                r
                for r in self._ledger.runs(_LOOK_BACK)
                if r.state in OPEN and r.endpoint != endpoint
            ),
            None,
        )

    def _last(self, endpoint: int) -> RunRecord | None:
        newest = self._ledger.last_sent()
        for record in self._ledger.unfinished_runs(endpoint):
            # one that cannot go on is passed over once something else was imported: its orders
            # were as good as new to that run
            if newest is not None and newest.id != record.id and self.able(record) is None:
                continue
            return record
        return None
