"""Sending again what the API refused of a run, once the reason is mended: the account, or the mapping.

The rows come from the run's own copies of its input files, which it keeps in `refused/` for as long
as an order of theirs waits; they are mapped with the mapping as it is now. What a newer run has sent
since is left out: never an older version over a newer one (FAULTS G4).
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.config import Settings
from pipeline.intake import is_workbook, unpacked_name
from pipeline.ledger import Ledger, RunRecord, RunState
from pipeline.model.outcomes import REPORTED_FINDING_SCHEMA
from pipeline.model.stops import StopRun
from pipeline.report.owners import owner_of
from pipeline.report.summary import counted
from pipeline.run.folder import REFUSED, RunFolder
from pipeline.run.plans import run_of
from pipeline.run.refused import REFUSED_OUTCOMES, files_of, joined_files, linked, waiting
from pipeline.run.request import RunUnknown, kind_of_run, resume_command, typed

_NAMED = 5  # causes or files that a sentence names


class NotAgain(StopRun):
    """The refused orders of a run cannot be sent again as they were (exit 2)."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Again:
    """What is to be sent again of a run.

    `claims` are the copies of input files by the mapping that reads them, each with the name it had.
    `keys` are those of the orders, `numbers` their numbers; both are empty where nothing is left,
    and then `sentence` says why.
    """

    run: str
    sentence: str
    claims: Mapping[Path, Sequence[tuple[Path, str]]] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()
    numbers: tuple[str, ...] = ()
    backfill: bool = False
    create_only: bool = False

    def lay_out(self, folder: RunFolder) -> dict[Path, list[Path]]:
        """Give the copies their names again, in the folder of a new run; by mapping."""
        laid: dict[Path, list[Path]] = {}
        placed: dict[Path, Path] = {}
        for mapping, files in self.claims.items():
            for copy, name in files:
                if copy not in placed:
                    place = folder.path / "snapshots" / "again" / str(len(placed)) / name
                    place.parent.mkdir(parents=True, mode=0o700)
                    linked(copy, place)
                    placed[copy] = place
                laid.setdefault(mapping, []).append(placed[copy])
        return laid


# -- what is chosen ---------------------------------------------------------------------------------


def chosen(
    ledger: Ledger, endpoint: int, settings: Settings, name: str, causes: Sequence[str],
    owners: Sequence[str],
) -> Again:  # fmt: skip
    """Choose the refused orders of a run, those of some causes or of some who mend them, or all.

    Raises:
        RunUnknown: there is no such run, it is of another endpoint, or it can be resumed.
        NotAgain: no order of the run has such a cause, or the copies of its files are gone.
    """
    record = run_of(ledger, name)
    _refuse_run(record, endpoint, settings)
    refused = ledger.orders(record.id).filter(pl.col("outcome").is_in(REFUSED_OUTCOMES))
    if not refused.height:
        return Again(
            record.id, f"nothing to send again: parcelLab refused no order of run {record.id}"
        )
    folder = RunFolder(settings.home / "runs" / record.id)
    told = _by_cause(ledger, folder, record, refused, settings.owners)
    wanted = _wanted(told, causes, owners, record)
    left = waiting(ledger, record).filter(pl.col("order_number").is_in(sorted(wanted)))
    overtaken = len(wanted) - left.height
    if not left.height:
        return Again(
            record.id, f"nothing to send again: a newer run has sent {_all(overtaken)} of run {record.id} since"
            + _still_missing(ledger, endpoint, wanted),
        )  # fmt: skip
    keys = frozenset(left.get_column("key").to_list())
    facts = folder.facts()
    what = ", ".join([*causes, *owners]) or ", ".join(
        sorted({c for n in wanted for c, _ in told[n]})
    )
    sentence = f"Sent again: {counted(left.height, 'order')} of run {record.id} that parcelLab refused ({what})"
    more = f"; {counted(overtaken, 'more order')} left out, a newer run has sent {'it' if overtaken == 1 else 'them'} since"
    return Again(
        record.id, sentence + (more if overtaken else "") + ".",
        claims=_claims(folder, facts, keys, record, settings), keys=keys,
        numbers=tuple(left.get_column("order_number").to_list()),
        backfill=bool(facts.get("backfill")), create_only=bool(facts.get("create_only")),
    )  # fmt: skip


def _all(number: int) -> str:
    return "the order" if number == 1 else f"all {number:,} orders"


def _still_missing(ledger: Ledger, endpoint: int, numbers: Collection[str]) -> str:
    """Say which of the orders have not arrived in that newer run either."""
    runs = [i.last_run for i in ledger.open_items(endpoint) if i.order_number in numbers]
    if not runs:
        return ""
    named = ", ".join(sorted({run for run in runs if run}))
    orders = "1 order is" if len(runs) == 1 else f"{len(runs):,} orders are"
    return f"; {orders} still missing, last in run {named}: retry that"


def _refuse_run(record: RunRecord, endpoint: int, settings: Settings) -> None:
    if record.endpoint != endpoint:
        raise RunUnknown(
            f"run {record.id} belongs to another endpoint", code="C133",
            help=typed(settings, "retry", record.id, profile=record.profile),
        )  # fmt: skip
    if record.state in (RunState.RUNNING, RunState.INTERRUPTED):
        raise RunUnknown(f"run {record.id} has not finished", code="C132",
                         help=f"finish it first: {resume_command(settings, record.id, record.profile)}")  # fmt: skip


def _by_cause(
    ledger: Ledger, folder: RunFolder, record: RunRecord, refused: pl.DataFrame,
    owners: Mapping[str, str],
) -> dict[str, set[tuple[str, str]]]:  # fmt: skip
    """(code, owner) of all that was said of each refused order."""
    answers = folder.scan("answers", REPORTED_FINDING_SCHEMA).collect()
    if not answers.height:  # pruned: the API's own path must do
        answers = ledger.problems(record.id).select(
            "order_number", "code", pl.lit("").alias("column"), pl.col("attr").alias("target")
        )
    found: dict[str, set[tuple[str, str]]] = {
        number: set() for number in refused.get_column("order_number").to_list()
    }
    listed = answers.select("order_number", "code", "column", "target").unique()
    for number, code, column, target in listed.iter_rows():
        if number in found:
            found[number].add((code, owner_of(code, column, target, owners)))
    return found


def _wanted(
    told: Mapping[str, set[tuple[str, str]]], causes: Sequence[str], owners: Sequence[str],
    record: RunRecord,
) -> set[str]:  # fmt: skip
    """The orders of these causes and owners; a typo must not look like "nothing to do"."""
    codes = {code for said in told.values() for code, _ in said}
    people = {owner for said in told.values() for _, owner in said}
    for option, given, there in (("--cause", causes, codes), ("--owner", owners, people)):
        strange = [each for each in given if each.lower() not in {one.lower() for one in there}]
        if strange:
            raise NotAgain(
                f"{option} {strange[0]}: no refused order of run {record.id} has it", code="C143",
                help=f"there are: {', '.join(sorted(there)[:_NAMED])}",
            )  # fmt: skip
    by_code, by_owner = {c.lower() for c in causes}, {o.lower() for o in owners}
    return {
        number
        for number, said in told.items()
        if not (by_code or by_owner)
        or any(
            (not by_code or code.lower() in by_code) and (not by_owner or owner.lower() in by_owner)
            for code, owner in said
        )
    }


def _claims(
    folder: RunFolder, facts: Mapping[str, Any], keys: Collection[str], record: RunRecord,
    settings: Settings,
) -> dict[Path, list[tuple[Path, str]]]:  # fmt: skip
    """The file copies that have rows of the orders, by mapping; the input itself where it is the same."""
    kind = kind_of_run(record.options)
    command = " ".join(("pipeline run", *kind))
    import_again = f"import the files again with `{command}`: what arrived is not sent twice"
    if not facts:
        raise NotAgain(f"the folder of run {record.id} is gone, so its rows are not known",
                       code="C134", help=import_again)  # fmt: skip
    paths = {each["name"]: Path(each["path"]) for each in facts["mappings"]}
    claims: dict[Path, list[tuple[Path, str]]] = {}
    for index in [*files_of(folder, keys), *joined_files(facts)]:
        file = next(each for each in facts["files"] if each["index"] == index)
        copy = folder.path / REFUSED / file["snapshot"]
        if not copy.is_file():
            copy = Path(file["path"])
            if _sha256(copy) != file["sha256"]:
                named = typed(
                    settings, "run", "-m", str(paths[file["mapping"]]), *kind, file["name"]
                )
                raise NotAgain(
                    f"the copy of {file['name']} that run {record.id} read is gone, and the file is "
                    "not what it was", code="C134", help=f"import the file again: {named}",
                )  # fmt: skip
        # copies are unpacked; the rest of the path would only lengthen the name
        name = Path(file["name"]).name
        if copy.parent.name == REFUSED:
            name = unpacked_name(name)
            name = f"{name}.csv" if is_workbook(name) else name  # its copy is text
        claims.setdefault(paths[file["mapping"]], []).append((copy, name))
    return claims


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
