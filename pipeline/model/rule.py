"""What a finding code is: where its problem shows, who can fix it, how heavy it is, its words.

The rows themselves stand in `pipeline.model.rules`; this module only defines their columns.
"""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a problem shows first; the order of the members is the order of causes in a row."""

    READ = "read"
    CONVERT = "convert"
    LOOKUP = "lookup"
    RULES = "rules"
    GROUP = "group"
    API = "api"
    NETWORK = "network"
    EXPECTED = "expected"  # not what the mapping expects of a file; belongs to no row
    NIGHTS = "nights"  # unlike the nights before; belongs to no row
    FILE = "file"  # a file as a whole; belongs to no row


class Owner(StrEnum):
    """Who can fix a problem (REPORT §3)."""

    DATA = "Data source"
    MAPPING = "Mapping"
    SETUP = "parcelLab set-up"
    AUTOMATIC = "Automatic"


class Severity(StrEnum):
    """ERROR keeps the row's order from being sent or done; WARNING and INFO never do."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Rule:
    """One finding code.

    `says` is the sentence of a finding; it may use the names {column} {target} {value} {detail}.
    `why` and `fix` are shown by `explain`, in the report and under each message.
    """

    code: str
    stage: Stage
    owner: Owner
    severity: Severity
    title: str
    says: str
    why: str
    fix: str
