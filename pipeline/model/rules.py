"""The catalogue of finding codes: title, sentence, why, fix, owner, severity (PRODUCT §2.3, REPORT §3).

One row per code. `pipeline explain CODE`, the docs page, the report and every message are made
from these rows; a test proves that each code is produced by a sample.
"""

from collections.abc import Mapping

from pipeline.model.edi.rules import ROWS as _EDI_ROWS
from pipeline.model.rule import Owner, Rule, Severity, Stage

__all__ = [
    "FIXES_OF_FIELDS",
    "RULES",
    "STAGE_ORDER",
    "Owner",
    "Rule",
    "Severity",
    "Stage",
    "fix_of",
    "rule",
]


def _rule(
    code: str,
    stage: Stage,
    title: str,
    says: str,
    why: str,
    fix: str,
    *,
    owner: Owner = Owner.DATA,
    severity: Severity = Severity.ERROR,
) -> Rule:
    return Rule(code, stage, owner, severity, title, says, why, fix)


_READ, _CONVERT, _LOOKUP, _RULES = Stage.READ, Stage.CONVERT, Stage.LOOKUP, Stage.RULES

_ROWS: tuple[Rule, ...] = (
    # R1: the file
    _rule(
        "R101",
        _READ,
        "Wrong number of columns",
        "number of columns: {value} in this record, {detail} in the header",
        "a delimiter is missing or there is one too many, so no cell can be trusted to be in its column",
        "ask for the record again, or put the cell that contains the delimiter in quotes",
    ),
    _rule(
        "R102",
        _READ,
        "Byte not valid in the declared encoding",
        "byte {value} is not valid in {detail}",
        "the file is not, or not wholly, in the encoding that the mapping declares; reading on would change characters",
        "ask for the file in the declared encoding, or correct `source.encoding` in the mapping",
    ),
    _rule(
        "R103",
        _READ,
        "Quote in the wrong place",
        "a quote stands where none may be{detail}: {value}",
        "a quote inside a cell must be doubled and the whole cell quoted; otherwise cells and rows run together",
        "double the quote and quote the cell, or declare `quote: none` if the export does not quote",
    ),
    _rule(
        "R104",
        _READ,
        "Quote never closed",
        "a quote opened in this record is never closed",
        "everything after it would become one cell; the file looks cut off",
        "ask for the file again",
    ),
    _rule(
        "R105",
        _READ,
        "Binary zero in a cell",
        "the record contains a NUL byte{detail}",
        "text exports have none; the file is damaged or in another encoding (UTF-16?)",
        "ask for the file again, or correct `source.encoding` in the mapping",
    ),
    # R2: text to value
    _rule(
        "R201",
        _CONVERT,
        "Not a number",
        '"{value}" is not a number written like {detail}',
        "the target is a number and the mapping declares how numbers are written in this file",
        "correct the cell, or `source.decimal` and `source.thousands` in the mapping",
    ),
    _rule(
        "R202",
        _CONVERT,
        "Not a date",
        '"{value}" is not a date written like {detail}',
        "dates are read exactly as declared, never guessed: 03.04. may be March or April",
        "correct the cell, or the `format:` of the field in the mapping",
    ),
    _rule(
        "R203",
        _CONVERT,
        "Country unknown",
        '"{value}" is not an ISO 3166-1 country code{detail}',
        "the Order API takes alpha-3 codes of real countries; alpha-2 is converted, names and local codes are not guessed",
        "correct the cell, or add the spelling to a lookup table in the mapping",
    ),
    _rule(
        "R204",
        _CONVERT,
        "More decimals than allowed",
        '"{value}" has more decimals than {detail}',
        "rounding would change an amount silently",
        "correct the cell; if rounding is right, the mapping may round with `sql: ROUND(…, 2)`",
    ),
    _rule(
        "R205",
        _CONVERT,
        "Not a whole number",
        '"{value}" is not a whole number',
        "the Order API takes an integer here",
        "write digits alone: no unit, no decimals",
    ),
    _rule(
        "R206",
        _CONVERT,
        "Neither yes nor no",
        '"{value}" is neither yes nor no ({detail})',
        "the target is a boolean and only declared words are read as one",
        "correct the cell, or translate it with a lookup to true and false",
    ),
    _rule(
        "R207",
        _CONVERT,
        "Time does not exist or exists twice",
        '"{value}" is not one moment in {detail}',
        "when clocks change, an hour is skipped or repeated; without an offset the moment cannot be known",
        "export the time with its UTC offset, or set `source.ambiguous: earliest` in the mapping",
    ),
    _rule(
        "R208",
        _CONVERT,
        "Pattern not found",
        '"{value}" does not match {detail}',
        "a `regex` step takes a part out of the cell and found none",
        "correct the cell, or the pattern in the mapping",
    ),
    _rule(
        "R209",
        _CONVERT,
        "Row without order key",
        "the key {column} is empty",
        "without its key the row belongs to no order",
        "fill in the key; if such rows are not order rows, skip them with `rows.skip`",
    ),
    _rule(
        "R210",
        _CONVERT,
        "Number has too many digits",
        '"{value}" has more digits than {detail}',
        "the amount cannot be held exactly",
        "correct the cell; two numbers may have run together",
    ),
    # the lookups, R4
    _rule(
        "R401",
        _LOOKUP,
        "Value not in lookup table",
        '"{value}" is not in lookups.{detail}',
        "the mapping translates this column through a table and does not know the value",
        "add the value to the table in the mapping, or correct the cell",
        owner=Owner.MAPPING,
    ),
    # R3: rules of the result
    _rule(
        "R301",
        _RULES,
        "Required for a new order",
        "{target} is empty; a new order needs it",
        "the ledger does not know this order, so the request creates it, and creating needs this field",
        "fill in the cell; if one value is right for all orders, the mapping may give it as `default:`",
    ),
    _rule(
        "R302",
        _RULES,
        "Line id used twice",
        'line id "{value}" stands on {detail} different rows of this order',
        "parcelLab tells the lines of an order apart by line_item_id; its parcels may repeat one, with the same article",
        "correct the id, or build it from columns that differ per line",
    ),
    _rule(
        "R303",
        _RULES,
        "Rows of one order disagree",
        '{target} is "{value}" here, but "{detail}" on an earlier row of the order',
        "a value of the order must be the same on all of its rows; choosing one would be a guess",
        "correct the rows; if the first row is always right, set `rows.conflicts: first`",
    ),
    _rule(
        "R304",
        _RULES,
        "Longer than the API takes",
        "{target} has more characters than {detail}",
        "parcelLab refuses longer texts, and cutting would change the value silently",
        "shorten the cell, or cut it in the mapping with a `slice` step",
    ),
    _rule(
        "R305",
        _RULES,
        "Shorter than the API takes",
        "{target} is shorter than it may be; characters needed: {detail}",
        "parcelLab refuses shorter texts",
        "write the value in full; it looks cut off",
    ),
    _rule(
        "R306",
        _RULES,
        "Not one of the allowed words",
        '"{value}" is not one of {detail}',
        "the Order API has a closed list of words for this field",
        "correct the cell, or translate it with a lookup",
    ),
    _rule(
        "R307",
        _RULES,
        "Currency unknown",
        '"{value}" is not an ISO 4217 currency{detail}',
        "parcelLab takes three-letter codes of real currencies",
        "correct the cell, or translate it with a lookup",
    ),
    _rule(
        "R308",
        _RULES,
        "Language unknown",
        '"{value}" is not an ISO 639-1 language{detail}',
        "parcelLab takes two-letter codes of real languages, in lower case",
        "correct the cell, or use the step `lower` or a lookup",
    ),
    _rule(
        "R309",
        _RULES,
        "Time zone unknown",
        '"{value}" is not an IANA time zone{detail}',
        "parcelLab takes names like Europe/Berlin",
        "correct the cell, or translate it with a lookup",
    ),
    _rule(
        "R310",
        _RULES,
        "Not an e-mail address",
        "{target} is not an e-mail address",
        "parcelLab refuses it, and a customer who cannot be written to is not served",
        "write one address such as name@example.com, with nothing around it",
    ),
    _rule(
        "R311",
        _RULES,
        "Amount too large",
        '"{value}" has more digits before the decimal point than {detail}',
        "parcelLab takes at most 8 digits there",
        "correct the cell; if the decimal sign was not understood, correct `source.decimal` in the mapping",
    ),
    _rule(
        "R312",
        _RULES,
        "Number below its minimum",
        '"{value}" is less than {detail}',
        "parcelLab takes no smaller number here",
        "correct the cell, or skip rows with such numbers by `rows.skip` in the mapping",
    ),
    _rule(
        "R313",
        _RULES,
        "Address not complete",
        "{target} lacks {detail}",
        "parcelLab takes an address with street, postal code, city and country, or none",
        "fill in the missing cells, or leave all of them empty",
    ),
    _rule(
        "R314",
        _RULES,
        "Tracking cannot be identified",
        "the tracking has neither courier and tracking number nor an external reference",
        "parcelLab tells trackings apart by courier and number, or by external_reference",
        "fill in the courier and the tracking number",
    ),
    _rule(
        "R315",
        _RULES,
        "Required part is empty",
        "{target} is empty",
        "the object it belongs to cannot be sent without it",
        "fill in the cell",
    ),
    _rule(
        "R316",
        _RULES,
        "Region unknown",
        '"{value}" is not a region of {detail}',
        "parcelLab checks region codes of shipping addresses against ISO 3166-2",
        "correct the cell, or leave it empty",
    ),
    _rule(
        "R317",
        _RULES,
        "Not a web address",
        '"{value}" is not an http or https address',
        "links are shown to customers",
        "write the whole address, beginning with https://",
    ),
    _rule(
        "R318",
        _RULES,
        "Two different changes of one thing",
        "{target} changes {value} in two different ways",
        "rows of this order ask for contradicting changes; the last one winning would be a guess",
        "leave one of the two changes in the rows of this order",
    ),
    _rule(
        "R319",
        _RULES,
        "Row stands there twice",
        "this row repeats {detail}",
        "the same row came twice; the second one is left out",
        "nothing to do; the export may be asked not to repeat rows",
        severity=Severity.WARNING,
    ),
    _rule(
        "R320",
        _RULES,
        "Order number claimed twice",
        'order number "{value}" is also made from the key {detail}',
        "rows with different keys would become the same order, and the later would overwrite the earlier",
        "make `rows.key` and `order_number` in the mapping agree",
        owner=Owner.MAPPING,
    ),
    _rule(
        "R321",
        _RULES,
        "Parcel contains a line the order lacks",
        'the tracking names line "{value}", which the order does not have',
        "parcelLab matches the articles of a parcel with the lines of the order by line_item_id, so both must be written alike",
        "build `line_item_id` of the articles as in `lines`, from the same columns; if only single rows fail, correct their cells",
        owner=Owner.MAPPING,
    ),
    _rule(
        "R322",
        _RULES,
        "Dates in the wrong order",
        "{target} lies after {detail}",
        "the earliest date of a window is later than the latest",
        "correct the dates; if all rows have this, the mapping may have the two columns the wrong way round",
        severity=Severity.WARNING,
    ),
    _rule(
        "R323",
        _RULES,
        "Written in a form the API does not take",
        '"{value}" does not have the form {detail}',
        "parcelLab checks the form of this field and refuses others",
        "write the cell in the form that is named, or bring it there by a step of `do:` in the mapping",
    ),
    _rule(
        "R324",
        _RULES,
        "Optional value dropped",
        "{target} was left out: {detail}",
        "the mapping says `on_error: null` for this field, so the order goes without it",
        "correct the cell if the value matters",
        severity=Severity.WARNING,
    ),
    _rule(
        "R325",
        _RULES,
        "Changed lines not sent",
        "the lines of this known order differ from those sent before, and are not sent again",
        "sending the list of lines replaces the stored one, so it is sent for new orders only (`lines.send: on_create`)",
        "map the change under `mutations`, or set `lines.send: always`",
        owner=Owner.MAPPING,
        severity=Severity.WARNING,
    ),
    _rule(
        "R326",
        _RULES,
        "Added line told otherwise",
        "a line that was added to this order, or took another's place, is told otherwise now, and is not sent again",
        "each time parcelLab is told to add a line there is one more: it would be there twice",
        "map what changes as `change_line_item_quantity`, or give another line an id of its own",
        owner=Owner.MAPPING,
        severity=Severity.WARNING,
    ),
    # held rows, H
    _rule(
        "H001",
        Stage.GROUP,
        "Held with another row of its order",
        "this row is fine, but {detail} keeps the whole order back",
        "an order is sent whole or not at all",
        "nothing to do for this row: correct the other one, and both are sent",
    ),
    # A: the API's answers
    _rule(
        "A401",
        Stage.API,
        "Field refused",
        "parcelLab refused {target}: {detail}",
        "the API found fault with this field and stored nothing of the order",
        "correct the field as the API's words say",
    ),
    _rule(
        "A402",
        Stage.API,
        "Order refused",
        "parcelLab refused the order: {detail}",
        "the API refused the order as a whole and stored nothing of it",
        "do what parcelLab's words ask for; if they do not tell, ask parcelLab support with the order number",
    ),
    _rule(
        "A403",
        Stage.API,
        "Refused in words we do not know",
        "parcelLab refused the order with status {value}: {detail}",
        "the answer has none of the documented forms",
        "send the words and the order number to parcelLab support",
        owner=Owner.SETUP,
    ),
    _rule(
        "A404",
        Stage.API,
        "Order not found",
        "parcelLab does not know the order: {detail}",
        "the request names something that does not exist in the account",
        "import the order first, or check its number; an `update_only` mapping creates no orders",
    ),
    _rule(
        "A405",
        Stage.API,
        "Exists already, left alone",
        "parcelLab has the order already, so it was left as it is: {detail}",
        "with `--create-only` orders are created and never updated",
        "nothing to do if it is right as it is; else correct it where it was made, or import it without `--create-only`",
        owner=Owner.AUTOMATIC,
        severity=Severity.INFO,
    ),
    _rule(
        "A201",
        Stage.API,
        "Change not applied",
        "{target} was not applied: {detail}",
        "parcelLab stored the order but refused this change of it",
        "do what parcelLab's words ask for, and the next run sends the change again; the rest of the order is stored",
    ),
    _rule(
        "A202",
        Stage.API,
        "Applied with a warning",
        "{target}: {detail}",
        "parcelLab stored the change and left out what it does not know",
        "parcelLab's words name what was left out: if it matters, correct the field in the mapping",
        owner=Owner.MAPPING,
        severity=Severity.WARNING,
    ),
    # U, N: no answer, not tried
    _rule(
        "U001",
        Stage.NETWORK,
        "No readable answer",
        "sent, but no answer confirmed it: {detail}",
        "the order may or may not be stored; sending it again is safe and the next run does",
        "nothing to do: the next run or `pipeline resume` sends it again",
        owner=Owner.AUTOMATIC,
    ),
    _rule(
        "N001",
        Stage.NETWORK,
        "Not attempted",
        "not sent: {detail}",
        "the run stopped before this order's turn",
        "nothing to do: the next run or `pipeline resume` sends it",
        owner=Owner.AUTOMATIC,
    ),
    # F: not what the mapping expects of a file; these belong to a file as a whole
    _rule(
        "F101",
        Stage.EXPECTED,
        "Fewer rows than expected",
        "{detail}",
        "the mapping says how many rows there are at least: the export may have been cut off",
        "ask whether the export is complete; if it is, lower `min_rows` in the mapping",
        severity=Severity.WARNING,
    ),
    _rule(
        "F102",
        Stage.EXPECTED,
        "Name of another form",
        "{detail}",
        "the mapping says how the files of this source are called: this one may be of another source",
        "look at the file; correct `name` in the mapping if the sender has changed it",
        severity=Severity.WARNING,
    ),
    _rule(
        "F103",
        Stage.EXPECTED,
        "File of another day",
        "{detail}",
        "the date in its name is not that of the night: it was read late, or lies there from before",
        "if it is to be imported, run again with `--expectations warn`; else move it away",
        severity=Severity.WARNING,
    ),
    _rule(
        "F104",
        Stage.EXPECTED,
        "File too old",
        "{detail}",
        "nobody has written to it for longer than the mapping allows: the export has probably not run",
        "ask for tonight's file; if it is right, run again with `--expectations warn`",
        severity=Severity.WARNING,
    ),
    _rule(
        "F105",
        Stage.EXPECTED,
        "Expected file missing",
        "{detail}",
        "the mapping expects a file of this day, and neither this run nor one before it has read one",
        "ask its sender for the file, and run again when it is there",
        severity=Severity.WARNING,
    ),
    # D: unlike the nights before; these belong to a file as a whole
    # R12: files as a whole
    _rule(
        "R120",
        Stage.FILE,
        "File cannot be used",
        "{detail}",
        "nothing of this file is imported; the other files of the run are",
        "correct what is named or ask for the file again, then import it: what has arrived is not sent twice",
    ),
    _rule(
        "R121",
        Stage.FILE,
        "File left alone",
        "it {detail}",
        "a file that its sender has not finished would be read in half",
        "nothing, if its sender is still at work: the next run takes it; else ask its sender",
        severity=Severity.WARNING,
    ),
    _rule(
        "D101",
        Stage.NIGHTS,
        "New columns",
        "columns that the last file did not have: {detail}",
        "who changes the columns of an export may have changed what the others hold, too",
        "ask what changed; map the new columns if they are wanted",
        severity=Severity.WARNING,
    ),
    _rule(
        "D102",
        Stage.NIGHTS,
        "Columns gone",
        "columns that the last file had and this one has not: {detail}",
        "who changes the columns of an export may have changed what the others hold, too",
        "ask what changed, and whether something was renamed",
        severity=Severity.WARNING,
    ),
    _rule(
        "D103",
        Stage.NIGHTS,
        "Column filled unlike usual",
        "{detail}",
        "the share of rows with nothing in this column is far outside the range of the last nights",
        "look into the file: the export may fill another column now, or have stopped filling this one",
        severity=Severity.WARNING,
    ),
    _rule(
        "D104",
        Stage.NIGHTS,
        "Number of rows unlike usual",
        "{detail}",
        "far fewer or far more rows than in the last nights: a part may be missing or stand there twice",
        "ask whether the export is complete; if it is, nothing is to be done",
        severity=Severity.WARNING,
    ),
    _rule(
        "D105",
        Stage.NIGHTS,
        "Countries unlike usual",
        "{detail}",
        "the destinations of the orders are far from those of the last nights: it may be the file of somebody else",
        "ask whether this is right; if it is, nothing is to be done",
        severity=Severity.WARNING,
    ),
    _rule(
        "D106",
        Stage.NIGHTS,
        "Old orders with e-mail addresses",
        "{detail}",
        "parcelLab may write to customers about an order that was new to it, however old it is",
        "import orders of the past with `--backfill`",
        severity=Severity.WARNING,
    ),
)

RULES: Mapping[str, Rule] = {row.code: row for row in (*_ROWS, *_EDI_ROWS)}

# Where a field has a way out that others lack, by code and target.
FIXES_OF_FIELDS: Mapping[tuple[str, str], str] = {
    (
        "R301",
        "recipient_email",
    ): "fill in the cell; for an unknown e-mail the mapping may say `default: _unset`",
    (
        "R310",
        "recipient_email",
    ): "correct the cell; for an unknown e-mail the mapping may say `default: _unset`",
    (
        "R312",
        "articles_order.quantity",
    ): "correct the cell; returns and credits are not order lines: skip them with `rows.skip`",
}

# The primary cause of a row is its finding of the earliest stage, then in column order (REPORT §3).
STAGE_ORDER: Mapping[Stage, int] = {stage: rank for rank, stage in enumerate(Stage)}


def rule(code: str) -> Rule:
    """Give the rule of `code`.

    Raises:
        KeyError: there is no such code; its text names the code.
    """
    return RULES[code]


def fix_of(code: str, target: str | None) -> str:
    """Say what to do about a finding: the way out of this field, else that of the rule.

    >>> fix_of("R310", "recipient_email") == fix_of("R310", "billing_address.email")
    False
    """
    return FIXES_OF_FIELDS.get((code, target or ""), RULES[code].fix)
