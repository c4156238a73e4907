"""How the ledger stops a run."""

from pipeline.model.stops import StopRun


class LedgerUnusable(StopRun):
    """The ledger or its disk cannot be used; nothing may be sent without it (exit 11)."""

    exit_code = 11


class LedgerDamaged(LedgerUnusable):
    """The ledger is there and no ledger any more; only a person may give it up (FAULTS L1)."""


class LedgerAbsent(LedgerUnusable):
    """There is no ledger at that place yet; the first run makes it."""


class LedgerCut(LedgerUnusable):
    """The connection to the ledger was lost and what was being written is not stored: do it again."""


class LedgerLocked(StopRun):
    """Another run is using this ledger (exit 10)."""

    exit_code = 10


class PooledSession(StopRun):
    """A pooler stands between us and the server, and locks would not hold (exit 2, FAULTS D7)."""

    exit_code = 2
