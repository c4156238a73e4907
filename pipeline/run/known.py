"""What the ledger knows of one endpoint, as the preparation of a run asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.config import Settings
from pipeline.ledger import AckedOperation, KnownOrder, Ledger, ReceivedInterchange
from pipeline.ledger import RunState as LedgerState
from pipeline.run.archived import imported_before
from pipeline.run.aside import Imported
from pipeline.run.request import Options
from pipeline.run.usual import Nights

_RUNS_LOOKED_AT = 1_000  # of two days, also where one begins every few minutes


@dataclass(frozen=True, slots=True)
class Known:
    """The ledger's knowledge of one endpoint."""

    ledger: Ledger
    endpoint: int

    def known(self, order_numbers: Sequence[str]) -> Mapping[str, KnownOrder]:
        """What was sent for orders before, by their numbers."""
        return self.ledger.known(self.endpoint, order_numbers)

    def operations(
        self, order_numbers: Sequence[str]
    ) -> Mapping[str, Mapping[str, AckedOperation]]:
        """Operations that were answered, by order number and by their own id."""
        return self.ledger.operations(self.endpoint, order_numbers)

    def received(self, references: Sequence[str]) -> Sequence[ReceivedInterchange]:
        """Interchanges that came before with such control references."""
        return self.ledger.received(self.endpoint, references)

    def imported(self, options: Options, settings: Settings) -> Imported:
        """How to tell files that earlier runs have imported, and whether to skip them."""
        skip = settings.imported == "skip"
        return imported_before(self.ledger, self.endpoint, options, skip=skip)

    def nights(self, mapping: str) -> Nights:
        """What earlier nights of a mapping brought."""
        return self.ledger.source_nights(self.endpoint, mapping)

    def read_since(self, moment: datetime) -> list[str]:
        """The names of the files of all runs since then that have sent something or were to."""
        runs = self.ledger.runs(_RUNS_LOOKED_AT)
        return [
            str(file["name"])
            for run in runs
            if run.endpoint == self.endpoint
            and run.started_at >= moment
            and run.state is not LedgerState.NOT_SENT
            for file in run.files
        ]
