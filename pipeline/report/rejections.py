"""The records of rejections.jsonl.gz: one per error of a rejected row or a failed order.

This is the only output with values as they are (REPORT §6, §7). All of it is Polars expressions:
a run can reject a million rows.
"""

import re
from collections.abc import Mapping

import polars as pl

from pipeline.model.findings import ERROR_CODES, ITEM, QUOTED_MAX
from pipeline.model.origin import FILE, LINE, ORIGIN
from pipeline.model.outcomes import REJECTED_ROWS, OrderOutcome
from pipeline.model.outcomes import REPORTED_FINDING_SCHEMA as FINDING
from pipeline.model.rules import FIXES_OF_FIELDS, RULES
from pipeline.report.causes import CODE_OF_OUTCOME, NO_REASON, PROBLEM_ORDERS
from pipeline.report.facts import RunFacts, RunTables
from pipeline.report.owners import owner_of
from pipeline.report.totals import NOT_ARRIVED
from pipeline.report.visible import WORDS_CUT, all_visible, visible


def rejected_findings(tables: RunTables, *, planned: bool) -> pl.DataFrame:
    """All errors, by address; a rejected row or failed order without one gets that of its code.

    So every rejected row and every order that did not arrive is in the table at least once.
    """
    errors = tables.findings.lazy().filter(pl.col("code").is_in(ERROR_CODES)).collect()
    rows = (
        tables.rows.lazy()
        .filter(pl.col("outcome").is_in(REJECTED_ROWS))
        .collect(engine="streaming")
        .join(errors, on=ORIGIN, how="anti")
    )
    failed = [
        outcome
        for outcome in PROBLEM_ORDERS
        if not (planned and outcome is OrderOutcome.NOT_ATTEMPTED)
    ]
    orders = (
        tables.orders.filter(pl.col("outcome").is_in(failed))
        .join(errors, on="key", how="anti")
        .with_columns(
            pl.coalesce("code", pl.col("outcome").replace_strict(CODE_OF_OUTCOME, default=None))
        )
    )
    return pl.concat([errors, *(_as_findings(each) for each in (rows, orders))]).sort(
        *ORIGIN, pl.col("primary").fill_null(value=False).not_(), maintain_order=True
    )


def records(findings: pl.DataFrame, facts: RunFacts, owners: Mapping[str, str]) -> pl.DataFrame:
    """Write findings as the records of rejections.jsonl.gz (REPORT §3), in the same order."""
    return findings.with_columns(
        _message(findings).alias("message"), _owners(findings, owners).alias("owner")
    ).select(
        pl.lit(facts.run_id).alias("run"),
        pl.col(FILE)
        .replace_strict(
            {each.index: each.name for each in facts.files}, default=None, return_dtype=pl.String
        )
        .alias("file"),
        pl.col(LINE).alias("line"),
        pl.col("_segment").alias("segment"),
        "order_number",
        _of_rule({code: rule.stage.value for code, rule in RULES.items()}).alias("stage"),
        pl.col("code").alias("rule"),
        "column",
        _paths(facts),
        "target",
        pl.col("value").alias("raw"),
        "message",
        _suggestion().alias("suggestion"),
        "owner",
        pl.when(pl.any_horizontal(pl.col("api_status", "api_code", "api_attr").is_not_null()))
        .then(
            pl.struct(
                pl.col("api_status").alias("status"),
                pl.col("api_code").alias("code"),
                pl.col("api_attr").alias("attr"),
            )
        )
        .alias("api"),
        pl.col("primary").fill_null(value=False),
        _other_rules(findings).alias("other_rules"),
        pl.when(pl.col("mapping").is_not_null())
        .then(
            pl.concat_str(
                "mapping", pl.col("mapping_line").cast(pl.String), separator=":", ignore_nulls=True
            )
        )
        .alias("mapping"),
        _first_seen(facts),
    )


def _first_seen(facts: RunFacts) -> pl.Expr:
    """Since which night the order is missing, by the open items; null where nobody knows."""
    history = facts.history
    if history is None:
        return pl.lit(None, pl.String).alias("first_seen")
    since = {each.order_number: each.since.isoformat() for each in history.missing}
    number = pl.col("order_number")
    seen = number.replace_strict(since, default=history.night.isoformat(), return_dtype=pl.String)
    return pl.when(number.is_not_null()).then(seen).alias("first_seen")


def _paths(facts: RunFacts) -> pl.Expr:
    """Where the EDI messages have a column, by the mapping of the finding; null elsewhere."""
    path = pl.lit(None, pl.String)
    for mapping in dict.fromkeys(mapping for mapping, _ in facts.paths):
        known = {column: text for (owner, column), text in facts.paths.items() if owner == mapping}
        here = pl.col("column").replace_strict(known, default=None, return_dtype=pl.String)
        path = pl.when(pl.col("mapping") == mapping).then(here).otherwise(path)
    return path.alias("path")


def missing_orders(orders: pl.DataFrame) -> list[str]:
    """The numbers of the orders that are missing in parcelLab, sorted, one line's worth each."""
    missing = orders.filter(
        pl.col("outcome").is_in(NOT_ARRIVED) & ~pl.col("known").fill_null(value=False)
    )
    numbers = missing.select(pl.coalesce("order_number", "key")).to_series()
    return [visible(number, limit=300) for number in numbers.sort().to_list()]


def _as_findings(found: pl.DataFrame) -> pl.DataFrame:
    """Rows or orders as findings that say no more than their code."""
    kept = (*ORIGIN, "key", "order_number", "code", "detail")
    unsaid = (
        pl.when(pl.col("code") == "H001")
        .then(pl.lit("another row of the order"))
        .otherwise(pl.lit(NO_REASON))
    )
    return found.with_columns(unsaid.alias("detail")).select(
        (pl.col(name) if name in kept else pl.lit(name == "primary" or None))
        .cast(dtype)
        .alias(name)
        for name, dtype in FINDING.items()
    )


def _of_rule(texts: Mapping[str, str]) -> pl.Expr:
    return pl.col("code").replace_strict(texts, default=None, return_dtype=pl.String)


def _suggestion() -> pl.Expr:
    """What to do: as `fix_of` says, for all findings at once."""
    made = _of_rule({code: rule.fix for code, rule in RULES.items()})
    for (code, target), fix in FIXES_OF_FIELDS.items():
        of_field = (pl.col("code") == code) & (pl.col("target") == target)
        made = pl.when(of_field).then(pl.lit(fix)).otherwise(made)
    return made.str.replace("{value}", pl.col("value").fill_null("…"), literal=True)


def _message(findings: pl.DataFrame) -> pl.Series:
    """One sentence per finding: the sentence of its rule with the values put in."""
    numbered = findings.with_row_index("_at")
    parts = []
    for (code,), part in numbered.group_by("code"):
        rule = RULES.get(str(code))
        made = _filled(part, rule.says) if rule else part.select(pl.lit(code)).to_series()
        parts.append(part.select("_at").with_columns(made.alias("message")))
    if not parts:
        return pl.Series("message", [], dtype=pl.String)
    return pl.concat(parts).sort("_at")["message"]


def _filled(part: pl.DataFrame, says: str) -> pl.Series:
    """Fill the names of one rule's sentence from the columns of its findings."""
    pieces = re.split(r"\{(\w+)\}", says)
    names = pieces[1::2]
    if not names:
        return part.select(pl.repeat(says, pl.len())).to_series()
    template = "{}".join(piece.replace("{", "").replace("}", "") for piece in pieces[::2])
    item = part["detail"].fill_null("").str.extract(ITEM, 1)
    bare = part.with_columns(pl.col("detail").str.replace(ITEM, ""))
    made = bare.select(pl.format(template, *(_shortened(bare[name]) for name in names))).to_series()
    return made if item.null_count() == item.len() else _with_items(made, item)


def _with_items(made: pl.Series, item: pl.Series) -> pl.Series:
    """Sentences, with the item of a cell that they are about behind them."""
    return pl.select(
        pl.concat_str(pl.lit(made), pl.lit(item), separator=" ", ignore_nulls=True)
    ).to_series()


def _shortened(values: pl.Series) -> pl.Series:
    """Cut values as messages do, and make what cannot be seen visible."""
    limit = WORDS_CUT if values.name == "detail" else QUOTED_MAX
    return all_visible(values.fill_null(""), limit=limit)


def _owners(findings: pl.DataFrame, owners: Mapping[str, str]) -> pl.Series:
    """Owners by code, column and target; asked once per distinct combination."""
    subject = pl.coalesce("target", "api_attr").str.replace_all(r"\.\d+(\.|$)", "${1}")
    keyed = findings.select("code", "column", subject.alias("subject"))
    distinct = keyed.unique(maintain_order=True)
    named = distinct.with_columns(
        pl.Series(
            "owner",
            [
                owner_of(code, column, target, owners) if code in RULES else None
                for code, column, target in distinct.iter_rows()
            ],
            dtype=pl.String,
        )
    )
    return keyed.join(
        named, on=["code", "column", "subject"], how="left", nulls_equal=True, maintain_order="left"
    )["owner"]


def _other_rules(findings: pl.DataFrame) -> pl.Series:
    """The other codes at each finding's address; only addresses with several are looked at."""
    at = findings.select(*ORIGIN, "code").with_row_index("_at")
    several = at.filter(pl.len().over(ORIGIN) > 1)
    others = (
        several.join(several, on=ORIGIN, suffix="_other")
        .filter(pl.col("_at") != pl.col("_at_other"))
        .sort("_at", "_at_other")
        .group_by("_at", maintain_order=True)
        .agg(pl.col("code_other"))
    )
    joined = at.join(others, on="_at", how="left", maintain_order="left")
    return joined.select(
        pl.coalesce("code_other", pl.lit([], dtype=pl.List(pl.String)))
    ).to_series()
