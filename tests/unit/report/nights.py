"""Nights for the tests of the report: past runs and open items out of a short description."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from pipeline.ledger import CauseCount, Figures, OpenItem, PastRun
from pipeline.ledger import RunState as LedgerState
from pipeline.model.schedule import Schedule
from pipeline.report.history import History, Past, tell
from tests.unit.report.runs import BERLIN

TONIGHT = datetime(2026, 11, 20, 2, 5, 1, tzinfo=BERLIN)  # a Friday
DAY = TONIGHT.date()


def ago(nights: int) -> date:
    return DAY - timedelta(days=nights)


def figures(**changes: object) -> Figures:
    plain: dict[str, object] = {
        "state": "finished", "verdict": "PARTLY IMPORTED", "files": 1, "rows": 200, "rejected": 4,
        "orders": 100, "arrived": 98, "missing": 2, "out_of_date": 0, "unclear": 0, "causes": 1,
    }  # fmt: skip
    return Figures(**{**plain, **changes})  # type: ignore[arg-type]


class Nights:
    """Past runs, each at an entry of its own in the order in which they are added."""

    def __init__(self) -> None:
        self.runs: list[PastRun] = []
        self.causes: dict[int, dict[str, CauseCount]] = {}
        self.open: list[OpenItem] = []
        self.closed: list[OpenItem] = []

    def run(
        self, nights: int, causes: str = "", *, mappings: Iterable[str] = ("wms",),
        hours: int = 0, reported: bool = True, retry: bool = False, **changes: object,
    ) -> str:  # fmt: skip
        """Add a run of some nights ago; each letter of `causes` is a cause."""
        number = len(self.runs) + 1
        run_id = f"r{number}"
        self.causes[number] = {
            each: CauseCount(each, "R301", f"Column {each}", "", 3, 2) for each in causes
        }
        begun = TONIGHT - timedelta(days=nights) + timedelta(hours=hours)
        self.runs.append(
            PastRun(
                id=run_id, endpoint=1, profile="prod", started_at=begun,
                mappings=frozenset(mappings), entry=number if reported else None,
                figures=figures(**changes) if reported else None, state=LedgerState.FINISHED,
                ended_at=begun + timedelta(minutes=26), exit_code=3, stopped=None,
                retry=retry,
            )
        )  # fmt: skip
        return run_id

    def item(
        self, number: str, nights: int, *, last_run: str = "", closed_run: str | None = None,
        reason: str | None = None, code: str = "R301",
    ) -> None:  # fmt: skip
        """Add an item opened some nights ago: an open one, or with a `reason` a closed one."""
        opened = TONIGHT - timedelta(days=nights)
        run = next((each.id for each in self.runs if each.started_at == opened), "gone")
        made = OpenItem(
            number, code, run, opened, 1, closed_run, TONIGHT if reason else None, reason, last_run
        )
        (self.closed if reason else self.open).append(made)

    def tell(
        self, causes: Sequence[str] | Mapping[str, str] = "", *, complete: bool = True,
        schedule: Schedule | None = None,
    ) -> History:  # fmt: skip
        """Set the last run among the others; `causes` are its own."""
        named = causes if isinstance(causes, Mapping) else {each: f"key {each}" for each in causes}
        last = self.runs[-1]
        return tell(
            last.id, last.started_at, "Europe/Berlin", named,
            Past(runs=self.runs, causes=self.causes, open=self.open, closed=self.closed),
            complete=complete, schedule=schedule,
        )  # fmt: skip
