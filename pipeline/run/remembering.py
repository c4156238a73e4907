"""What a run has told is remembered at its end, while its requests still lie there.

The ledger gets marks of each acknowledged request (`pipeline.model.marks`): `verify` and the changed fields
of a plan live on them. Not while requests go out, where the time would be missing.
"""

import polars as pl

from pipeline.ledger import Ledger
from pipeline.model.outcomes import ARRIVED_ORDERS, OrderOutcome
from pipeline.run.folder import RunFolder
from pipeline.run.request import Events
from pipeline.run.sending import submissions

_CHUNK = 2000  # requests that are Python objects at a time
# `unchanged` ones had nothing to send; of the others the ledger says which wait for their marks.
_TOLD = [each.value for each in ARRIVED_ORDERS if each is not OrderOutcome.UNCHANGED]


def remember_told(
    folder: RunFolder, ledger: Ledger, endpoint: int, orders: pl.DataFrame, events: Events
) -> int:
    """Remember what the orders of a run were told that have arrived; gives how many.

    `orders` as ORDER_SCHEMA. What an earlier end of the same run has remembered costs a look only.
    """
    arrived = orders.filter(pl.col("outcome").is_in(_TOLD)).select("order_number")
    done = made = 0
    for part in sorted((folder.path / "prepared").glob("part-*.parquet")):
        ready = pl.read_parquet(part).join(arrived, on="order_number", how="semi")
        for some in submissions(ready, _CHUNK):
            made += ledger.remember(endpoint, some)
            done += len(some)
            events.stage("remember", done, arrived.height)
    return made
