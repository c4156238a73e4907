"""Judge converted rows against the contract; failures become findings, the table stays as it is.

The order of the modules: `cells` says what one cell must be like, `presence` what must be there,
`relations` what rows of one order owe each other. All three write `Demand` rows, which `demands` hands
to Pandera, and `reports` turns what failed into findings.
"""

from collections.abc import Collection

from pipeline.check.cells import cell_demands, judge_sums
from pipeline.check.demands import judge
from pipeline.check.presence import judge_presence
from pipeline.check.relations import judge_relations
from pipeline.check.reports import findings_of
from pipeline.check.rows import prepared, without_dropped
from pipeline.mapping.plan import Plan
from pipeline.model.catalogue import SHAPES
from pipeline.model.field import Use
from pipeline.model.findings import Findings
from pipeline.model.tables import FieldTable

__all__ = ["REQUIRED_ON_CREATE", "check"]

# What an order that the ledger does not know must have besides account and number (CONTRACT K4).
REQUIRED_ON_CREATE: tuple[str, ...] = tuple(
    field.name for field in SHAPES["order"].fields if field.use is Use.CREATE
)


def check(table: FieldTable, known: Findings, plan: Plan, *, existing: Collection[str]) -> Findings:
    """Judge every row against the contract catalogue, without changing a value.

    Args:
        table: converted rows that are to be sent, skipped ones gone.
        known: findings of earlier stages. A field is not reported where one of its columns already
            has an error on that row (for values of the order: on any row of the order); a warning
            does not hide anything, because its row is sent.
        plan: the mapping; the limits are those of its fields' catalogue rows.
        existing: numbers of orders that the ledger knows, which need not be complete.

    Returns:
        R301, R302, R304 to R318 and R321 to R324: one per address, code and target, in the order
        of the addresses and of the plan's fields. `value` is the converted value as text, `column`
        and `mapping_line` lead to the mapping. R324 stands where a field with `on_error: null`
        breaks a rule of its own: that cell is not to be sent.
    """
    if table.rows.is_empty():
        return Findings.none()
    rows = prepared(table.rows, known)
    cells = judge(rows, cell_demands(plan, rows))
    rows = without_dropped(rows, cells)
    failed = [
        *cells,
        *judge_sums(plan, rows),
        *judge_presence(plan, rows, existing),
        *judge_relations(plan, rows, existing),
    ]
    return findings_of(failed, known, plan)
