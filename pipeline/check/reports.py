"""Failed demands to findings: what is already known left out, each once, in order."""

from collections.abc import Sequence

import polars as pl

from pipeline.check.demands import Demand, Failed
from pipeline.mapping.plan import Plan
from pipeline.model.findings import FINDING_SCHEMA, Findings
from pipeline.model.origin import ORIGIN


def findings_of(failed: Sequence[Failed], known: Findings, plan: Plan) -> Findings:
    """Write the findings, ordered by address and then by the plan's fields."""
    ranks = {field.slot: rank for rank, field in enumerate(plan.fields())}
    errors = known.errors().rows.select(*ORIGIN, "column")
    together: dict[tuple[str, str], list[pl.DataFrame]] = {}
    for each in failed:
        rows = _unknown(each, errors)
        if rows.height:
            pair = (each.demand.code, each.demand.target)
            together.setdefault(pair, []).append(_written(rows, each.demand, ranks, plan))
    if not together:
        return Findings.none()
    # Only demands with the same code and target can say the same twice, and those are few: this
    # spares a `unique` over all findings.
    once = [
        frames[0]
        if len(frames) == 1
        else pl.concat(frames).unique(ORIGIN, keep="first", maintain_order=True)
        for frames in together.values()
    ]
    ordered = pl.concat(once).sort(*ORIGIN, "_rank", "code", maintain_order=True)
    return Findings(ordered.select(*FINDING_SCHEMA))


def _unknown(failed: Failed, errors: pl.DataFrame) -> pl.DataFrame:
    """Leave out rows of which an earlier stage said that one of the field's columns is wrong."""
    said = errors.filter(pl.col("column").is_in(list(failed.demand.known_by)))
    return failed.cases.join(said, on=ORIGIN, how="anti") if said.height else failed.cases


def _written(rows: pl.DataFrame, demand: Demand, ranks: dict[str, int], plan: Plan) -> pl.DataFrame:
    made = {
        "code": pl.lit(demand.code),
        "target": pl.lit(demand.target),
        "mapping": pl.lit(plan.name),
        "mapping_line": pl.lit(demand.line, pl.UInt32),
    }
    rank = ranks.get(demand.slot, len(ranks))
    return rows.select(
        *(
            made.get(name, pl.col(name)).cast(dtype).alias(name)
            for name, dtype in FINDING_SCHEMA.items()
        ),
        pl.lit(rank, pl.UInt32).alias("_rank"),
    )
