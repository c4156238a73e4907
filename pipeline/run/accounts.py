"""What the report is made from: the outcome tables of a run, and the API's words traced to cells."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import __version__
from pipeline.config import Settings
from pipeline.ledger import Ledger
from pipeline.mapping.plan import Mode, Plan
from pipeline.model.edi.envelope import LineTotals
from pipeline.model.origin import ORIGIN
from pipeline.model.outcomes import (
    MUTATION_SCHEMA,
    ORDER_SCHEMA,
    REPORTED_FINDING_SCHEMA,
    ROW_SCHEMA,
    OrderOutcome,
    RowOutcome,
)
from pipeline.model.tables import SourceFile
from pipeline.model.traffic import Traffic
from pipeline.read import form_of
from pipeline.report.facts import (
    CorrectedFile,
    Correcting,
    MappingUsed,
    RunFacts,
    RunState,
    RunTables,
)
from pipeline.report.interchanges import Claim, read_interchange
from pipeline.run.aside import Aside
from pipeline.run.folder import RunFolder
from pipeline.run.interchanges import interchanges_of, kept_messages
from pipeline.run.source import Job
from pipeline.run.tracing import traced, untraced

_PLANNED_ORDERS = [name for name in ORDER_SCHEMA if name not in ("status", "attempts", "warnings")]


# What parcelLab asks for only when it creates an order.


def facts_of(
    run_id: str, jobs: Sequence[Job], records: Mapping[int, int], *, profile: str, account: int,
    production: bool, host: str, zone: str, started_at: datetime, settings: Mapping[str, str],
    lines: Mapping[int, LineTotals], aside: Sequence[Aside] = (),
) -> dict[str, Any]:  # fmt: skip
    """The facts of a run that its folder keeps: plain JSON, no secret and no customer data.

    Files that are set aside have `aside`, the code of the reason.
    """
    set_aside = {each.source.index: each for each in aside}
    return {
        "run_id": run_id,
        "title": "Order import",
        "mappings": [
            {"name": j.plan.name, "sha256": j.sha256, "path": str(j.path.absolute()), "mode": _mode(j.plan),
             **({"joined": True} if j.plan.is_reference else {})}
            for j in jobs
        ],
        "profile": profile,
        "account": account,
        "production": production,
        "host": host,
        "zone": zone,
        "started_at": started_at.isoformat(),
        "version": __version__,
        "settings": dict(settings),
        "files": [
            {"index": s.index, "name": s.name, "sha256": s.sha256, "size_bytes": s.size_bytes,
             "mapping": s.mapping, "records": records.get(s.index, 0), "path": str(snap.original.absolute()),
             "archive_sha256": snap.archive_sha256, "stat": list(snap.facts), "snapshot": snap.path.name,
             "form": form_of(j.source_of(s.index)),
             **({"aside": set_aside.pop(s.index).code} if s.index in set_aside else {})}
            for j in jobs for s, snap in j.files
        ] + [each.as_fact() for each in set_aside.values()],
        "fields": [
            {"mapping": j.plan.name, "target": f.target, "column": _in_file(j.plan, f.column), "line": f.line}
            for j in jobs for f in j.plan.fields()
        ],
        "paths": [
            {"mapping": j.plan.name, "column": c.name, "path": j.plan.extract.shown(c.name)}
            for j in jobs if j.plan.extract for c in j.plan.extract.columns
        ],
        "interchanges": interchanges_of(jobs),
        "lines": [
            {"file": index, "declared": each.declared, "counted": each.counted, "differing": each.differing}
            for index, each in lines.items()
        ],
    }  # fmt: skip


def _in_file(plan: Plan, column: str) -> str:
    """A column of pieces as the file has it: the one of its cell, or the pattern of numbered ones."""
    source = plan.pieces.source_of(column) if plan.pieces is not None else None
    return column if source is None else source


def _mode(plan: Plan) -> str:
    """What a mapping may do; a source whose rows belong to orders creates none."""
    return (plan.mode if plan.belongs is None else Mode.UPDATE_ONLY).value


def run_facts(
    kept: Mapping[str, Any], *, state: RunState, ended_at: datetime, stop_reason: str | None
) -> RunFacts:
    """The facts as the report wants them."""
    files = tuple(
        SourceFile(f["index"], f["name"], f["sha256"], f["size_bytes"], f["mapping"])
        for f in kept["files"]
    )
    return RunFacts(
        run_id=kept["run_id"], title=kept["title"],
        mappings=tuple(MappingUsed(m["name"], m["sha256"][:8]) for m in kept["mappings"]),
        profile=kept["profile"], account=str(kept["account"]), production=kept["production"],
        host=kept["host"], started_at=datetime.fromisoformat(kept["started_at"]), ended_at=ended_at,
        zone=kept["zone"], state=state, files=files,
        records={f["index"]: f["records"] for f in kept["files"]}, version=kept["version"],
        stop_reason=stop_reason, settings=tuple(sorted(kept["settings"].items())),
        chosen_by=kept.get("chosen_by"),
        paths={(p["mapping"], p["column"]): p["path"] for p in kept.get("paths", [])},
        interchanges=tuple(read_interchange(each) for each in kept.get("interchanges", [])),
        lines={e["file"]: Claim(e["declared"], e["counted"], e["differing"]) for e in kept.get("lines", [])},
        corrected=tuple(_corrected(each) for each in kept.get("corrected", [])),
        retried=tuple(kept.get("retried", ())),
        traffic=Traffic.of_json(kept["traffic"]) if kept.get("traffic") else None,
        foretold=kept.get("foretold"),
        retry_command=kept.get("retry_command", "pipeline retry"),
        resume_command=kept.get("resume_command", ""),
        rejected_folder=kept.get("rejected_folder", ""), again=kept.get("again", ""),
        advice=kept.get("advice") or "",
        checked=tuple(kept.get("checked", ())),
        missing={each["index"]: each["name"] for each in kept.get("missing", ())},
    )  # fmt: skip


def _corrected(kept: Mapping[str, Any]) -> CorrectedFile:
    tidied = {"kind": Correcting(kept["kind"]), "edi_orders": tuple(kept.get("edi_orders", ()))}
    return CorrectedFile(**{**kept, **tidied})


def planned_tables(folder: RunFolder) -> RunTables:
    """The tables of a plan: nothing of it was sent."""
    return RunTables(
        rows=folder.scan("rows", ROW_SCHEMA),
        orders=_as_planned(folder.scan("planned", ORDER_SCHEMA)),
        mutations=pl.DataFrame(schema=MUTATION_SCHEMA),
        findings=folder.scan("findings", REPORTED_FINDING_SCHEMA),
        messages=kept_messages(folder),
    )


def run_tables(
    folder: RunFolder, ledger: Ledger, run_id: str, why_not: str | None, *, keep: bool = False,
    trace: bool = True,
) -> RunTables:  # fmt: skip
    """The tables of a run: rows and findings from its folder, orders and answers from the ledger.

    `why_not` is said of the orders that were not attempted; None for a run in which none was. With
    `keep` the traced answers are kept in the folder, for the cells will not be there for ever.
    Without `trace` the answers lead to the first row of their order and no cell.
    """
    orders = _orders(folder, ledger, run_id)
    answers = (
        _answers(folder, ledger, run_id, orders)
        if trace
        else untraced(ledger.problems(run_id), orders)
    )
    if keep:
        folder.write("answers", 0, answers)
    if why_not is not None:
        answers = pl.concat([answers, _silent(orders, answers, why_not)])
    findings = folder.scan("findings", REPORTED_FINDING_SCHEMA)
    if answers.height:
        findings = pl.concat([findings, answers.lazy()])
    return RunTables(
        rows=_rows(folder, orders),
        orders=orders,
        mutations=ledger.mutations(run_id),
        findings=findings,
        messages=kept_messages(folder),
    )


def _answers(folder: RunFolder, ledger: Ledger, run_id: str, orders: pl.DataFrame) -> pl.DataFrame:
    """What the API said, traced to cells; of a finished run as it was traced then."""
    if folder.over and folder.part("answers", 0).exists():
        return folder.scan("answers", REPORTED_FINDING_SCHEMA).collect()
    return traced(ledger.problems(run_id), orders, folder)


def _as_planned(planned: pl.LazyFrame) -> pl.DataFrame:
    """Orders that nobody has tried to send, as ORDER_SCHEMA."""
    untried = planned.select(_PLANNED_ORDERS).with_columns(
        pl.lit(None, pl.Int32).alias("status"),
        pl.lit(0, pl.UInt32).alias("attempts"),
        pl.lit(0, pl.UInt32).alias("warnings"),
    )
    return untried.select(
        pl.col(name).cast(dtype) for name, dtype in ORDER_SCHEMA.items()
    ).collect()


def _orders(folder: RunFolder, ledger: Ledger, run_id: str) -> pl.DataFrame:
    """The orders as the ledger has them; a killed run may not have told it all of its partitions."""
    orders = ledger.orders(run_id)
    told = {state.partition for state in ledger.partitions(run_id)}
    untold = [
        folder.part("planned", partition)
        for partition in range(int(folder.facts().get("partitions", 0)))
        if partition not in told and folder.part("planned", partition).exists()
    ]
    return pl.concat([orders, _as_planned(pl.scan_parquet(untold))]) if untold else orders


def _rows(folder: RunFolder, orders: pl.DataFrame) -> pl.LazyFrame:
    """The rows; those of orders that a newer run has overtaken were skipped, not accepted."""
    rows = folder.scan("rows", ROW_SCHEMA)
    overtaken = orders.filter(pl.col("outcome") == OrderOutcome.SUPERSEDED.value)
    if not overtaken.height:
        return rows
    late = (pl.col("outcome") == RowOutcome.ACCEPTED.value) & pl.col("key").is_in(
        overtaken.get_column("key").to_list()
    )
    outcome = pl.when(late).then(pl.lit(RowOutcome.SUPERSEDED.value)).otherwise("outcome")
    return rows.with_columns(outcome.alias("outcome"))


def _silent(orders: pl.DataFrame, answers: pl.DataFrame, why_not: str) -> pl.DataFrame:
    """N001 and U001 for orders that nobody said anything about."""
    codes = {
        OrderOutcome.NOT_ATTEMPTED.value: ("N001", why_not),
        OrderOutcome.UNKNOWN.value: ("U001", "the run ended before an answer came"),
    }
    told = answers.select("order_number").unique()
    silent = orders.filter(pl.col("outcome").is_in(list(codes))).join(
        told, on="order_number", how="anti", maintain_order="left"
    )
    code = {outcome: pair[0] for outcome, pair in codes.items()}
    words = {outcome: pair[1] for outcome, pair in codes.items()}
    made = silent.select(
        *ORIGIN, pl.col("outcome").replace_strict(code, return_dtype=pl.String).alias("code"),
        pl.col("outcome").replace_strict(words, return_dtype=pl.String).alias("detail"),
        "key", "order_number", pl.lit(value=True).alias("primary"),
    )  # fmt: skip
    return made.select(
        (pl.col(name) if name in made.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in REPORTED_FINDING_SCHEMA.items()
    )


def report_folder(reports: Path, run_id: str) -> Path:
    """Where the report of a run lies."""
    return reports / run_id


def report_folders(settings: Settings, folder: RunFolder) -> tuple[Path, ...]:
    """Where reports of a run lie or may lie: under the `report_dir` of now first, then as it says."""
    now = report_folder(settings.reports, folder.path.name)
    return tuple(dict.fromkeys((now.absolute(), *folder.reports())))
