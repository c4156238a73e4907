"""Copies of input files with orders that the API refused, kept until none of these waits any more.

A run removes its copies when it has finished; these stay for `retry RUN`, and no others. They hold
customers' data: folder 0700, removed by `report prune` with the rest of the run's folder, and by `purge`.
"""

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.ledger import Ledger, RunRecord
from pipeline.model.origin import FILE
from pipeline.model.outcomes import ROW_SCHEMA, OrderOutcome
from pipeline.report.facts import RunTables
from pipeline.run.folder import REFUSED, RunFolder

REFUSED_OUTCOMES = [OrderOutcome.REFUSED.value, OrderOutcome.PARTLY_APPLIED.value]


def keep_refused(folder: RunFolder, tables: RunTables) -> None:
    """Keep the copies of the input files that have rows of orders the API did not take as they were."""
    shutil.rmtree(folder.path / REFUSED, ignore_errors=True)  # of an earlier part of the run
    keys = (
        tables.orders.filter(pl.col("outcome").is_in(REFUSED_OUTCOMES)).get_column("key").to_list()
    )
    if not keys:
        return
    facts = folder.facts()
    files = facts["files"]
    for index in [*files_of(folder, keys), *joined_files(facts)]:
        file = next(each for each in files if each["index"] == index)
        place = folder.path / REFUSED / file["snapshot"]
        if not place.exists():  # several mappings may read one file
            place.parent.mkdir(mode=0o700, exist_ok=True)
            linked(folder.path / "snapshots" / file["snapshot"], place)


def forget_arrived(folder: RunFolder, ledger: Ledger, record: RunRecord) -> bool:
    """Remove the copies of a run when none of its refused orders waits any more; tell whether."""
    if not (folder.path / REFUSED).is_dir():
        return False
    if waiting(ledger, record).height:
        return False
    shutil.rmtree(folder.path / REFUSED, ignore_errors=True)
    return True


def waiting(ledger: Ledger, record: RunRecord) -> pl.DataFrame:
    """The orders of a run that the API did not take, and that no newer run has sent since."""
    refused = ledger.orders(record.id).filter(pl.col("outcome").is_in(REFUSED_OUTCOMES))
    if not refused.height:
        return refused
    return refused.filter(~pl.col("order_number").is_in(sorted(ledger.overtaken(record.id))))


def files_of(folder: RunFolder, keys: Collection[str]) -> list[int]:
    """The ordinals of the files that have rows of these orders."""
    wanted = pl.LazyFrame({"key": sorted(keys)}, schema={"key": pl.String})
    found = folder.scan("rows", ROW_SCHEMA).join(wanted, on="key", how="semi").select(FILE)
    return found.unique().sort(FILE).collect().to_series().to_list()


def joined_files(facts: Mapping[str, Any]) -> list[int]:
    """The ordinals of the files that were joined to the rows of others; these belong to no order."""
    joined = {each["name"] for each in facts["mappings"] if each.get("joined")}
    return [f["index"] for f in facts["files"] if f["mapping"] in joined and not f.get("aside")]


def linked(original: Path, copy: Path) -> None:
    """Give a file a second name, or copy it."""
    try:
        os.link(original, copy)
    except OSError:  # the disk does not allow a second name
        shutil.copy2(original, copy)
