"""The tables of the ledger. They hold numbers, hashes and words of the API, never a payload.

Runs are referred to by `seq`, a small integer: the text id would stand in every row of every index.
Moments are RFC 3339 texts in UTC. `run_order.outcome` is one of `states.STATES`; `sending` is
committed before the first byte of the order leaves and is still there only after a crash.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

VERSION = 4

METADATA = sa.MetaData()
_AUTO = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Compared byte by byte in both databases, so that lists have the same order in both.
_TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

endpoint = sa.Table(
    "endpoint",
    METADATA,
    sa.Column("id", _AUTO, primary_key=True, autoincrement=True),
    sa.Column("base_url", _TEXT, nullable=False),
    sa.Column("account", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("base_url", "account"),
)

run = sa.Table(
    "run",
    METADATA,
    sa.Column("seq", _AUTO, primary_key=True, autoincrement=True),
    sa.Column("id", _TEXT, nullable=False, unique=True),
    sa.Column("endpoint", sa.BigInteger, sa.ForeignKey("endpoint.id"), nullable=False),
    sa.Column("fingerprint", _TEXT, nullable=False),
    sa.Column("profile", _TEXT, nullable=False),
    sa.Column("state", _TEXT, nullable=False),
    sa.Column("started_at", _TEXT, nullable=False),
    sa.Column("ended_at", _TEXT),
    sa.Column("exit_code", sa.Integer),
    sa.Column("totals", _TEXT),
    sa.Column("options", _TEXT, nullable=False),
    sa.Column("mappings", _TEXT, nullable=False),
    sa.Column("files", _TEXT, nullable=False),
    sa.Index("run_by_fingerprint", "endpoint", "fingerprint"),
)

run_partition = sa.Table(
    "run_partition",
    METADATA,
    sa.Column("run", sa.BigInteger, sa.ForeignKey("run.seq"), primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("digest", _TEXT, nullable=False),
)

# `version` is 0 for the order itself and counts from 1 for superseded older versions of it.
run_order = sa.Table(
    "run_order",
    METADATA,
    sa.Column("run", sa.BigInteger, sa.ForeignKey("run.seq"), primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("key", _TEXT, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("_file", sa.BigInteger),
    sa.Column("_line", sa.BigInteger),
    sa.Column("_segment", sa.BigInteger),
    sa.Column("order_number", _TEXT),
    sa.Column("outcome", _TEXT, nullable=False),
    sa.Column("known", sa.Boolean),
    sa.Column("code", _TEXT),
    sa.Column("rows", sa.Integer),
    sa.Column("lines", sa.Integer),
    sa.Column("quantity", sa.BigInteger),
    sa.Column("value", _TEXT),  # a decimal in text: SQLite has no exact number
    sa.Column("currency", _TEXT),
    sa.Column("trackings", sa.Integer),
    sa.Column("status", sa.Integer),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("warnings", sa.Integer, nullable=False, server_default="0"),
    sa.Column("content_sha256", _TEXT),
    # With row ids: without them SQLite's planner prefers two columns of the primary key to three
    # of this index, and an update reads the whole partition.
    sa.Index("run_order_by_number", "run", "partition", "order_number"),
)

_ORDER = (
    ("run", sa.BigInteger),
    ("partition", sa.Integer),
    ("order_number", _TEXT),
    ("ordinal", sa.Integer),
)

run_mutation = sa.Table(
    "run_mutation",
    METADATA,
    *(sa.Column(name, kind, primary_key=True) for name, kind in _ORDER),
    sa.Column("type", _TEXT, nullable=False),
    sa.Column("outcome", _TEXT, nullable=False),
    sqlite_with_rowid=False,
)

run_problem = sa.Table(
    "run_problem",
    METADATA,
    *(sa.Column(name, kind, primary_key=True) for name, kind in _ORDER),
    sa.Column("code", _TEXT, nullable=False),
    sa.Column("detail", _TEXT, nullable=False),
    sa.Column("attr", _TEXT),
    sa.Column("api_code", _TEXT),
    sa.Column("status", sa.Integer),
    sqlite_with_rowid=False,
)

attempt = sa.Table(
    "attempt",
    METADATA,
    sa.Column("id", _AUTO, primary_key=True, autoincrement=True),
    sa.Column("run", sa.BigInteger, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("order_number", _TEXT, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("at", _TEXT, nullable=False),
    sa.Column("what", _TEXT, nullable=False),
    sa.Index("attempt_by_order", "run", "order_number"),
)

known_order = sa.Table(
    "known_order",
    METADATA,
    sa.Column("endpoint", sa.BigInteger, sa.ForeignKey("endpoint.id"), primary_key=True),
    sa.Column("order_number", _TEXT, primary_key=True),
    sa.Column("content_sha256", _TEXT, nullable=False),
    sa.Column("fully_applied", sa.Boolean, nullable=False),
    sa.Column("external_id", _TEXT),
    sa.Column("updated_at", _TEXT, nullable=False),
    sa.Column("marks", _TEXT),  # of what was told (`pipeline.model.marks`), from version 4 on
    sqlite_with_rowid=False,
)

acked_operation = sa.Table(
    "acked_operation",
    METADATA,
    sa.Column("endpoint", sa.BigInteger, sa.ForeignKey("endpoint.id"), primary_key=True),
    sa.Column("order_number", _TEXT, primary_key=True),
    sa.Column("subject", _TEXT, primary_key=True),
    sa.Column("operation_id", _TEXT, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("marks", _TEXT),  # of a tracking that was told, from version 4 on
    sqlite_with_rowid=False,
)

# Orders with operations that must not be sent twice (Replay.READ_BACK), from before they are sent
# until a definite answer: after a crash they are read back before they are sent again.
in_doubt = sa.Table(
    "in_doubt",
    METADATA,
    sa.Column("endpoint", sa.BigInteger, sa.ForeignKey("endpoint.id"), primary_key=True),
    sa.Column("order_number", _TEXT, primary_key=True),
    sqlite_with_rowid=False,
)

finding_count = sa.Table(
    "finding_count",
    METADATA,
    sa.Column("run", sa.BigInteger, sa.ForeignKey("run.seq"), primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("code", _TEXT, primary_key=True),
    sa.Column("column", _TEXT, primary_key=True),
    sa.Column("target", _TEXT, primary_key=True),
    sa.Column("file", sa.Integer, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("orders", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

open_item = sa.Table(
    "open_item",
    METADATA,
    sa.Column("id", _AUTO, primary_key=True, autoincrement=True),
    sa.Column("endpoint", sa.BigInteger, sa.ForeignKey("endpoint.id"), nullable=False),
    sa.Column("order_number", _TEXT, nullable=False),
    sa.Column("code", _TEXT, nullable=False),
    sa.Column("opened_run", sa.BigInteger, nullable=False),
    sa.Column("opened_at", _TEXT, nullable=False),
    sa.Column("last_run", sa.BigInteger, nullable=False),
    sa.Column("runs", sa.Integer, nullable=False),
    sa.Column("closed_run", sa.BigInteger),
    sa.Column("closed_at", _TEXT),
    sa.Column("reason", _TEXT),
    sa.Index("open_item_by_order", "endpoint", "order_number"),
)

# --- EDI, from version 2 on -----------------------------------------------------------------

_INTERCHANGE = (
    ("syntax", _TEXT),
    ("sender", _TEXT),
    ("receiver", _TEXT),
    ("reference", _TEXT),
    ("sha256", _TEXT),
)

# Interchanges whose messages a run took over; `sha256` is that of the file, so that the same file
# is known again. Written with the run itself.
interchange = sa.Table(
    "interchange",
    METADATA,
    sa.Column("endpoint", sa.BigInteger, sa.ForeignKey("endpoint.id"), primary_key=True),
    *(sa.Column(name, kind, primary_key=True) for name, kind in _INTERCHANGE),
    sa.Column("file", _TEXT, nullable=False),
    sa.Column("run", sa.BigInteger, sa.ForeignKey("run.seq"), nullable=False),
    sa.Column("at", _TEXT, nullable=False),
    sa.Index("interchange_by_reference", "endpoint", "reference"),
)

# The last control number of our acknowledgements, by who sends and who receives them. Not by
# endpoint: the partner cannot tell our accounts apart, and a number must never come twice.
control_number = sa.Table(
    "control_number",
    METADATA,
    sa.Column("syntax", _TEXT, primary_key=True),
    sa.Column("ours", _TEXT, primary_key=True),
    sa.Column("theirs", _TEXT, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)

# Acknowledgements that were handed over. `verdict` is a hash of what was found: the same file with
# the same findings is not answered again.
acknowledgement = sa.Table(
    "acknowledgement",
    METADATA,
    sa.Column("endpoint", sa.BigInteger, sa.ForeignKey("endpoint.id"), primary_key=True),
    *(sa.Column(name, kind, primary_key=True) for name, kind in _INTERCHANGE),
    sa.Column("kind", _TEXT, primary_key=True),
    sa.Column("verdict", _TEXT, primary_key=True),
    sa.Column("name", _TEXT, nullable=False),
    sa.Column("run", sa.BigInteger, sa.ForeignKey("run.seq"), nullable=False),
    sa.Column("at", _TEXT, nullable=False),
    sa.Index("acknowledgement_by_run", "run"),
)

EDI_TABLES = (interchange, control_number, acknowledgement)

# --- history, from version 3 on ---------------------------------------------------------------

# One line whenever the ledger is told how things stand: at the end of a run (again when it is
# resumed), or when a person closes open items (`run` is null). Lines are only added, so "as of" a
# line is the same today as it was then. `figures` is the JSON of `Figures`.
entry = sa.Table(
    "entry",
    METADATA,
    sa.Column("id", _AUTO, primary_key=True, autoincrement=True),
    sa.Column("endpoint", sa.BigInteger, sa.ForeignKey("endpoint.id"), nullable=False),
    sa.Column("run", sa.BigInteger, sa.ForeignKey("run.seq")),
    sa.Column("at", _TEXT, nullable=False),
    sa.Column("figures", _TEXT),
    sa.Index("entry_by_run", "run"),
)

# `cause` is a hash of the cause's key: the API's words in it stay out of the ledger.
run_cause = sa.Table(
    "run_cause",
    METADATA,
    sa.Column("entry", sa.BigInteger, sa.ForeignKey("entry.id"), primary_key=True),
    sa.Column("cause", _TEXT, primary_key=True),
    sa.Column("code", _TEXT, nullable=False),
    sa.Column("column", _TEXT, nullable=False),
    sa.Column("target", _TEXT, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("orders", sa.BigInteger, nullable=False),
    sa.Index("run_cause_by_cause", "cause", "entry"),
    sqlite_with_rowid=False,
)

# What became of an open item at an entry; `code` and `runs` are as they were from then on.
item_event = sa.Table(
    "item_event",
    METADATA,
    sa.Column("item", sa.BigInteger, sa.ForeignKey("open_item.id"), primary_key=True),
    sa.Column("entry", sa.BigInteger, sa.ForeignKey("entry.id"), primary_key=True),
    sa.Column("kind", _TEXT, nullable=False),
    sa.Column("code", _TEXT, nullable=False),
    sa.Column("runs", sa.Integer, nullable=False),
    sa.Index("item_event_by_entry", "entry"),
    sqlite_with_rowid=False,
)

HISTORY_TABLES = (entry, run_cause, item_event)

# --- what was told, and what is there, from version 4 on -----------------------------------------

# The key of all marks of this ledger: one row, made when it is first needed.
mark_key = sa.Table(
    "mark_key",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", _TEXT, nullable=False),
)

# The last time that the orders of a run were read back, and how it went.
read_back = sa.Table(
    "read_back",
    METADATA,
    sa.Column("run", sa.BigInteger, sa.ForeignKey("run.seq"), primary_key=True),
    sa.Column("at", _TEXT, nullable=False),
    sa.Column("share", sa.Float, nullable=False),
    *(
        sa.Column(name, sa.BigInteger, nullable=False)
        for name in ("arrived", "chosen", "compared", "differing", "missing", "unread", "unmarked")
    ),
)

# What was found of an order that is not as it was told; a field that is "" is the order itself.
read_back_finding = sa.Table(
    "read_back_finding",
    METADATA,
    sa.Column("run", sa.BigInteger, sa.ForeignKey("run.seq"), primary_key=True),
    sa.Column("order_number", _TEXT, primary_key=True),
    sa.Column("field", _TEXT, primary_key=True),
    sa.Column("kind", _TEXT, nullable=False),
    sqlite_with_rowid=False,
)

READ_BACK_TABLES = (mark_key, read_back, read_back_finding)
MARKED_TABLES = (known_order, acked_operation)

# --- seals, from version 4 on (`pipeline.ledger.seals`) -----------------------------------------

# A digest of the orders of a run and what is known of it, on top of the seal before. A run that is
# resumed or purged gets another one; the latest counts. Rows are only added.
seal = sa.Table(
    "seal",
    METADATA,
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("run", sa.BigInteger, sa.ForeignKey("run.seq"), nullable=False),
    sa.Column("kind", _TEXT, nullable=False),
    sa.Column("ended_at", _TEXT),
    sa.Column("orders", sa.BigInteger, nullable=False),
    sa.Column("digest", _TEXT, nullable=False),
    sa.Column("chain", _TEXT, nullable=False),
)

SEAL_TABLES = (seal,)

# --- several processes at work, from version 4 on (PostgreSQL only; empty in SQLite) -------------

# Processes that have the ledger open for writing. `serial` counts their transactions: one whose
# commit got no answer is looked up here. A row is left behind by a process that was killed.
worker = sa.Table(
    "worker",
    METADATA,
    sa.Column("id", _AUTO, primary_key=True, autoincrement=True),
    sa.Column("name", _TEXT, nullable=False),
    sa.Column("run", _TEXT),  # its id
    sa.Column("serial", sa.BigInteger, nullable=False),
)

# Who may send an order: nobody else before `until`, by the clock of the database.
claim = sa.Table(
    "claim",
    METADATA,
    sa.Column("endpoint", sa.BigInteger, sa.ForeignKey("endpoint.id"), primary_key=True),
    sa.Column("order_number", _TEXT, primary_key=True),
    sa.Column("worker", sa.BigInteger, nullable=False),
    sa.Column("run", sa.BigInteger, nullable=False),
    sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    sa.Index("claim_by_worker", "worker"),
    sqlite_with_rowid=False,
)

SHARING_TABLES = (worker, claim)

# --- what is usual of a source, from version 4 on -------------------------------------------------

# The last nights of a source as JSON (`pipeline.ledger.sources`): what a night is compared with
# before anything is sent.
source_profile = sa.Table(
    "source_profile",
    METADATA,
    sa.Column("endpoint", sa.BigInteger, sa.ForeignKey("endpoint.id"), primary_key=True),
    sa.Column("mapping", _TEXT, primary_key=True),
    sa.Column("source", _TEXT, primary_key=True),
    sa.Column("updated_at", _TEXT, nullable=False),
    sa.Column("nights", _TEXT, nullable=False),
    sqlite_with_rowid=False,
)

PROFILE_TABLES = (source_profile,)
