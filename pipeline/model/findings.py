"""Problems of rows, as a table with the same address columns as the data (STYLE §1)."""

import re
from dataclasses import dataclass

import polars as pl

from pipeline.model.origin import ORIGIN, ORIGIN_SCHEMA, place
from pipeline.model.rules import RULES, Severity

# `column` is the source column a person must look at, `target` the API field as a path
# ("shipping_address.postal_code"), `value` the raw cell, `detail` what the rule's sentence needs
# besides, `mapping` and `mapping_line` the place in the mapping that made the rule apply.
FINDING_SCHEMA: dict[str, pl.DataType] = {
    **ORIGIN_SCHEMA,
    "code": pl.String(),
    "column": pl.String(),
    "target": pl.String(),
    "value": pl.String(),
    "detail": pl.String(),
    "mapping": pl.String(),
    "mapping_line": pl.UInt32(),
}

QUOTED_MAX = 80  # characters of a raw value that a message quotes (STYLE §2.17)

ERROR_CODES: tuple[str, ...] = tuple(
    code for code, rule in RULES.items() if rule.severity is Severity.ERROR
)


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings of any stage; `rows` has exactly the columns of `FINDING_SCHEMA`."""

    rows: pl.DataFrame

    @staticmethod
    def none() -> "Findings":
        """No findings."""
        return Findings(pl.DataFrame(schema=FINDING_SCHEMA))

    @staticmethod
    def of(*frames: pl.DataFrame) -> "Findings":
        """Stack frames that have some of the columns of `FINDING_SCHEMA`; the others are null."""
        full = [
            frame.select(
                (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
                for name, dtype in FINDING_SCHEMA.items()
            )
            for frame in frames
            if frame.height
        ]
        return Findings(pl.concat(full)) if full else Findings.none()

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(pl.concat([self.rows, other.rows]))

    def __len__(self) -> int:
        return self.rows.height

    def errors(self) -> "Findings":
        """The findings that hold an order back."""
        return Findings(self.rows.filter(pl.col("code").is_in(ERROR_CODES)))

    def addresses(self) -> pl.DataFrame:
        """The distinct addresses of the rows with findings."""
        return self.rows.select(ORIGIN).unique()

    def sentences(self, file_names: list[str]) -> list[str]:
        """One sentence per finding, address first; `file_names` by the ordinal in `_file`."""
        return [
            f"{place(file_names[row['_file']], row['_line'], row['_segment'])}: "
            f"{sentence(row)} [{row['code']}]"
            for row in self.rows.iter_rows(named=True)
        ]


def sentence(finding: dict[str, object]) -> str:
    """The sentence of one finding (a row of the table as a dict), without its address.

    >>> sentence({"code": "R205", "column": "Qty", "target": "quantity", "value": "two"})
    'column "Qty" (quantity): "two" is not a whole number'
    """
    rule = RULES[str(finding["code"])]
    detail, item = item_of(str(finding.get("detail") or ""))
    shown = {
        name: shorten(text if name == "detail" else str(finding.get(name) or ""))
        for name, text in dict.fromkeys(("column", "target", "value", "detail"), detail).items()
    }
    says = rule.says.format(**shown) + item
    column, target = shown["column"], shown["target"]
    if not column:
        return says
    if not target or target == column or "{target}" in rule.says or "{column}" in rule.says:
        return f'column "{column}": {says}'
    return f'column "{column}" ({target}): {says}'


# At the end of `detail` stands which item of a cell a finding is about, or where the cell of a joined file stands.
ITEM = r" ?(\((?:item [0-9]+ of [0-9]+|in [^\n]+:[0-9]+)\))$"


def item_of(detail: str) -> tuple[str, str]:
    """Take apart what the sentence of a rule is filled with, and what stands behind the sentence.

    >>> item_of("1234.56 (item 2 of 3)")
    ('1234.56', ' (item 2 of 3)')
    >>> item_of("; did you mean DEU? (in customers.csv:4)")
    ('; did you mean DEU?', ' (in customers.csv:4)')
    """
    found = re.search(ITEM, detail)
    return (detail, "") if found is None else (detail[: found.start()], f" {found.group(1)}")


def shorten(text: str) -> str:
    """Cut a text at 80 characters and make control characters visible (STYLE §2.17, FAULTS S6)."""
    cut = text if len(text) <= QUOTED_MAX else text[: QUOTED_MAX - 1] + "…"
    return "".join(c if c.isprintable() else f"⟨U+{ord(c):04X}⟩" for c in cut)
