"""The desk at which EDI files are opened: who sent them, and which mapping reads what of them."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from pipeline.intake import Snapshot
from pipeline.mapping.plan import ExtractPlan
from pipeline.model.edi.envelope import Envelopes
from pipeline.model.stops import SourceUnusable
from pipeline.read import Portion, Reading, messages_read, open_edi
from pipeline.run.partners import Reception, partner_of


class Desk:
    """Opens EDI files, has their senders judged, and says which mapping reads which messages."""

    def __init__(self, reception: Reception, *, by_partner: bool) -> None:
        self._reception = reception
        self._by_partner = by_partner
        self.readings: dict[Path, Reading] = {}
        self.portions: dict[Path, dict[Path, Portion]] = {}

    def open(
        self, original: Path, snapshot: Snapshot, claiming: Mapping[Path, ExtractPlan],
        encodings: Collection[str],
    ) -> None:  # fmt: skip
        """Read what a file says of itself, and share its messages out."""
        if len(encodings) > 1:
            raise SourceUnusable(
                f"{snapshot.name} is read by mappings with different encodings",
                help="set the same `source.encoding` in all mappings of EDI, or none",
            )
        reading = open_edi(snapshot.path, snapshot.name, encoding=next(iter(encodings)))
        envelopes = self._reception.take(reading.envelopes, snapshot.name, snapshot.sha256)
        self.readings[original] = replace(reading, envelopes=envelopes)
        self.portions[original] = self._shared_out(envelopes, claiming, snapshot.name)

    def _shared_out(
        self, envelopes: Envelopes, claiming: Mapping[Path, ExtractPlan], name: str
    ) -> dict[Path, Portion]:
        reads = {path: messages_read(envelopes, plan) for path, plan in claiming.items()}
        if self._by_partner:
            reads = self._of_partners(envelopes, reads)
        times = sum((mine.cast(pl.UInt32) for mine in reads.values()), start=pl.Series([0] * envelopes.messages.height))  # fmt: skip
        if times.max() is not None and (times > 1).any():
            raise _read_twice(envelopes, reads, times > 1, name)
        used = [path for path, mine in reads.items() if mine.any()] or list(reads)[:1]
        return {
            path: Portion(reads[path], (times == 0) if number == 0 else None)
            for number, path in enumerate(used)
        }

    def _of_partners(
        self, envelopes: Envelopes, reads: Mapping[Path, pl.Series]
    ) -> dict[Path, pl.Series]:
        """Leave to each mapping what its partner sends; of an unknown sender, to the first one.

        What somebody unknown sends is rejected, so it does not matter which mapping counts it.
        """
        partners = [partner_of(self._reception.partners, each) for each in envelopes.interchanges]
        messages = envelopes.messages.select("interchange", "type")
        free = pl.Series([True] * messages.height, dtype=pl.Boolean)
        chosen = {}
        for path, mine in reads.items():
            pairs = [
                (index, kind)
                for index, partner in enumerate(partners)
                if partner is not None
                for kind, mapping in partner.mappings.items()
                if Path(mapping) == path
            ]
            schema = {"interchange": pl.Int32(), "type": pl.String()}
            theirs = pl.DataFrame(pairs, schema=schema, orient="row").with_columns(theirs=True)
            of_partner = messages.join(
                theirs, on=["interchange", "type"], how="left", maintain_order="left"
            ).get_column("theirs").fill_null(value=False)  # fmt: skip
            known = [index for index, partner in enumerate(partners) if partner is not None]
            of_nobody = ~messages.get_column("interchange").is_in(known)
            chosen[path] = mine & free & (of_partner | of_nobody)
            free &= ~chosen[path]
        return chosen


def _read_twice(
    envelopes: Envelopes, reads: Mapping[Path, pl.Series], twice: pl.Series, name: str
) -> SourceUnusable:
    kind = envelopes.messages.filter(twice).item(0, "type")
    at = int(twice.arg_max() or 0)
    paths = " and ".join(str(path) for path, mine in reads.items() if mine[at])
    return SourceUnusable(
        f"{name}: its messages {kind} are read by {paths}",
        help="give one of them, or name the mapping of each partner in its [partner.…] section",
    )
