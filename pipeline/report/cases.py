"""Single cases out of many: up to three examples of a cause, and a fair sample for the page.

Only here do values of cells enter the report, and they enter masked (`pipeline.report.masking`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.model.findings import item_of
from pipeline.model.origin import FILE, LINE, ORIGIN, SEGMENT, place
from pipeline.model.rules import RULES
from pipeline.report.masking import PiiMode, shown_detail, shown_value
from pipeline.report.visible import visible

EXAMPLES = 3
FURTHER = 5  # other errors of a message that are named
_NEEDED = (*ORIGIN, "key", "order_number", "code", "column", "target", "value", "detail", "mapping")


@dataclass(frozen=True, slots=True)
class Quoting:
    """How findings are quoted: the files' names by ordinal, and how much of a value is shown.

    `paths` says, by mapping and column, where EDI messages have the column.
    """

    file_names: Mapping[int, str]
    pii: PiiMode
    paths: Mapping[tuple[str, str], str]

    def place(self, finding: Mapping[str, object]) -> str:
        """Write the address of a finding as people read it."""
        index = _number(finding[FILE])
        name = visible(self.file_names.get(index, f"file {index}"))
        return place(name, _number(finding[LINE]), _number(finding[SEGMENT]))

    def value(self, finding: Mapping[str, object]) -> str:
        """Write the value of a finding, masked."""
        return shown_value(
            str(finding["code"]), _text(finding["target"]), _text(finding["value"]), self.pii,
            column=_text(finding["column"]), detail=_text(finding["detail"]),
            path=self._path(finding),
        )  # fmt: skip

    def column(self, finding: Mapping[str, object]) -> str:
        """Write the column of a finding."""
        return visible(_text(finding["column"]) or "")

    def says(self, finding: Mapping[str, object], *, value: str | None = None) -> str:
        """Write the sentence of a finding without its address and column, values masked.

        `value` stands in place of its value, where one is given.
        """
        code, target = str(finding["code"]), _text(finding["target"])
        said, item = item_of(_text(finding["detail"]) or "")
        detail = shown_detail(
            code, target, _text(finding["value"]), said, self.pii, path=self._path(finding)
        )
        says = RULES[code].says.format(
            column=self.column(finding),
            target=visible(target or ""),
            value=self.value(finding) if value is None else value,
            detail=detail,
        )
        return says + visible(item)

    def briefly(self, finding: Mapping[str, object]) -> str:
        """Write code, column and sentence of a finding, the column once."""
        column, says = self.column(finding), self.says(finding)
        named = column and not says.startswith(column)
        return f"{finding['code']} {column + ': ' if named else ''}{says}"

    def _path(self, finding: Mapping[str, object]) -> str | None:
        return self.paths.get((str(finding["mapping"]), str(finding["column"])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One finding to show. `alike` counts the findings of the cause with the same value.

    An EDI error tells of all `rows` of its `message`; `order_number` then names their orders.
    `outcome`, `status` and `attempts` are set for orders only.
    """

    order_number: str
    place: str
    column: str
    value: str
    says: str
    alike: int = 1
    rows: int = 1
    message: str = ""
    further: tuple[str, ...] = ()
    outcome: str = ""
    status: int | None = None
    attempts: int | None = None


def examples(findings: pl.DataFrame, quoting: Quoting) -> Mapping[int, tuple[Case, ...]]:
    """Pick, per cause in `_cause`, the most frequent different values, first occurrence each."""
    picked = (
        findings.group_by("_cause", "value", maintain_order=True)
        .agg(pl.len().alias("alike"), pl.exclude("alike").first())
        .sort("_cause", "alike", descending=[False, True], maintain_order=True)
        .group_by("_cause", maintain_order=True)
        .head(EXAMPLES)
    )
    return _by_cause(picked, quoting, {})


def samples(
    findings: pl.DataFrame,
    further: pl.DataFrame,
    quoting: Quoting,
    limit: int,
    errors: pl.DataFrame | None = None,
) -> Mapping[int, tuple[Case, ...]]:
    """Pick at most `limit` findings, of every cause a fair share, each with the row's other findings.

    A cause with few findings is shown whole before one with many gets more (REPORT §5). `errors`
    are those of EDI messages, which tell what else is wrong in a message.
    """
    sizes = findings.group_by("_cause").len("size").sort("_cause")
    share = sizes.select("_cause").with_columns(
        pl.Series("share", quotas(sizes["size"].to_list(), limit), dtype=pl.UInt32)
    )
    picked = (
        findings.join(share, on="_cause", maintain_order="left")
        .filter(pl.int_range(pl.len()).over("_cause") < pl.col("share"))
        .with_columns(pl.lit(1).alias("alike"))
    )
    said = dict(_further(picked, further, quoting))
    if errors is not None and "_message" in picked.columns:
        said |= _further_in_messages(picked, errors, quoting)
    return _by_cause(picked, quoting, said)


def quotas(sizes: Sequence[int], limit: int) -> list[int]:
    """Share `limit` places among groups of these sizes, the same for all as far as they need it.

    Where there are more groups than places, the first have one.

    >>> quotas([1000, 3, 50], 100), quotas([2, 2, 2], 2)
    ([49, 3, 48], [1, 1, 0])
    """
    given = [0] * len(sizes)
    left = limit
    waiting = sorted(range(len(sizes)), key=lambda each: (sizes[each], -each))
    for rank, group in enumerate(waiting):
        fair = left // (len(waiting) - rank)
        given[group] = min(sizes[group], fair)
        left -= given[group]
    return given


def _further(
    picked: pl.DataFrame, findings: pl.DataFrame, quoting: Quoting
) -> Mapping[tuple[object, ...], tuple[str, ...]]:
    """Say what else is wrong at the addresses of the picked findings, by address."""
    others = findings.join(picked.select(ORIGIN).unique(), on=ORIGIN, how="semi").filter(
        ~pl.col("primary").fill_null(value=False)
    )
    said: dict[tuple[object, ...], tuple[str, ...]] = {}
    for finding in others.iter_rows(named=True):
        address = tuple(finding[name] for name in ORIGIN)
        said[address] = (*said.get(address, ()), quoting.briefly(finding))
    return said


def _further_in_messages(
    picked: pl.DataFrame, errors: pl.DataFrame, quoting: Quoting
) -> Mapping[tuple[object, ...], tuple[str, ...]]:
    """Say what else is wrong in the messages of the picked findings, by address."""
    address = {
        (row[FILE], row["_message"]): tuple(row[name] for name in ORIGIN)
        for row in picked.filter(pl.col("_message").is_not_null()).iter_rows(named=True)
    }
    told = picked.select(*ORIGIN, "code")
    messages = picked.select(FILE, "_message").drop_nulls()
    others = (
        errors.join(messages, on=[FILE, "_message"], how="semi")
        .join(told, on=[*ORIGIN, "code"], how="anti")
        .group_by(FILE, "_message", maintain_order=True)
        .head(FURTHER)
    )
    said: dict[tuple[object, ...], tuple[str, ...]] = {}
    for finding in others.iter_rows(named=True):
        at = address[finding[FILE], finding["_message"]]
        says = f"{quoting.briefly(finding)}, {quoting.place(finding)}"
        said[at] = (*said.get(at, ()), says)
    return said


def _by_cause(
    picked: pl.DataFrame,
    quoting: Quoting,
    further: Mapping[tuple[object, ...], tuple[str, ...]],
) -> Mapping[int, tuple[Case, ...]]:
    """Quote the picked findings; these are at most some hundred, so a loop is right."""
    made: dict[int, list[Case]] = {}
    wanted = ("outcome", "status", "attempts", "_rows", "_label", "_orders", "_order_count")
    extra = [name for name in wanted if name in picked.columns]
    for row in picked.select("_cause", "alike", *_NEEDED, *extra).iter_rows(named=True):
        made.setdefault(row["_cause"], []).append(
            Case(
                order_number=_orders(row),
                place=quoting.place(row),
                column=visible(row["column"] or ""),
                value=quoting.value(row),
                says=quoting.says(row),
                alike=row["alike"],
                rows=row.get("_rows", 1),
                message=visible(row.get("_label") or ""),
                further=further.get(tuple(row[name] for name in ORIGIN), ()),
                outcome=row.get("outcome") or "",
                status=row.get("status"),
                attempts=row.get("attempts"),
            )
        )
    return {cause: tuple(cases) for cause, cases in made.items()}


def _orders(row: Mapping[str, Any]) -> str:
    """The order of a finding, or some of the orders of a rejected message."""
    numbers = row.get("_orders") or [row["order_number"] or row["key"] or ""]
    more = row.get("_order_count", 1) - len(numbers)
    return ", ".join(visible(each) for each in numbers) + (
        f" and {more:,} more" if more > 0 else ""
    )


def _number(value: object) -> int:
    return int(str(value))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
