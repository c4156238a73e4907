"""The accounts that are written to, and the runs of each: begun, interrupted, ended."""

from collections.abc import Sequence
from datetime import datetime

import orjson
import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import RunRecord, RunStart, RunState
from pipeline.ledger.session import Session
from pipeline.ledger.statements import moment_text, run_seq

UNFINISHED = (RunState.RUNNING.value, RunState.INTERRUPTED.value)
ALL = -1  # SQLite and PostgreSQL are asked without a limit

_run, _endpoint = t.run.c, t.endpoint.c
_SENT = _run.state != RunState.NOT_SENT.value

# --- accounts -------------------------------------------------------------------------------


def endpoint_id(session: Session, base_url: str, account: int) -> int:
    """Give the id of one account at one API, which is made if there is none."""
    with session.transaction() as connection:
        known = find_endpoint(connection, base_url, account)
        if known is not None:
            return known
        insert = session.store.insert(t.endpoint)  # another process may be doing the same
        connection.execute(
            insert.values(base_url=base_url, account=account).on_conflict_do_nothing()
        )
        made = find_endpoint(connection, base_url, account)
        assert made is not None  # noqa: S101 - it has just been written
        return made


def find_endpoint(connection: sa.Connection, base_url: str, account: int) -> int | None:
    """Give the id of an endpoint, or None."""
    wanted = (_endpoint.base_url == base_url, _endpoint.account == account)
    return connection.execute(sa.select(_endpoint.id).where(*wanted)).scalar()


def endpoint_of(connection: sa.Connection, run_id: str) -> tuple[str, int]:
    """Give base_url and account of a run that the ledger knows."""
    base_url, account = connection.execute(
        sa.select(_endpoint.base_url, _endpoint.account)
        .join(t.run, _run.endpoint == _endpoint.id)
        .where(_run.id == run_id)
    ).one()
    return str(base_url), int(account)


def endpoints_of(connection: sa.Connection, account: int) -> dict[str, int]:
    """Give the endpoints of an account, by their base URLs."""
    rows = connection.execute(
        sa.select(_endpoint.base_url, _endpoint.id).where(_endpoint.account == account)
    )
    return {base_url: int(endpoint) for base_url, endpoint in rows}


# --- what becomes of a run ------------------------------------------------------------------


def put_run(connection: sa.Connection, run: RunStart) -> None:
    """Record a new run."""
    connection.execute(
        sa.insert(t.run).values(
            id=run.id,
            endpoint=run.endpoint,
            fingerprint=run.fingerprint,
            profile=run.profile,
            state=run.state.value,
            started_at=moment_text(run.started_at),
            options=_json(run.options),
            mappings=_json(run.mappings),
            files=_json(list(run.files)),
        )
    )


def change_run(
    connection: sa.Connection, run: int, state: RunState, *, of: RunState | None = None,
    **values: object,
) -> None:  # fmt: skip
    """Record a new state of a run, of one in state `of` only, and what else is known then."""
    still = () if of is None else (_run.state == of.value,)
    connection.execute(
        sa.update(t.run).where(_run.seq == run, *still).values(state=state.value, **values)
    )


# --- runs as they are remembered ------------------------------------------------------------


def records(
    connection: sa.Connection, *where: sa.ColumnElement[bool], limit: int = ALL
) -> list[RunRecord]:
    """Give runs, newest first: in order of beginning, not of the wall clock."""
    query = sa.select(t.run).where(*where).order_by(_run.seq.desc())
    query = query if limit == ALL else query.limit(limit)
    return [_record(row) for row in connection.execute(query).mappings()]


def unfinished(connection: sa.Connection, endpoint: int, fingerprint: str) -> RunRecord | None:
    """Give the latest run of the same input if it did not finish: a crash or an early stop."""
    same = (_run.endpoint == endpoint, _run.fingerprint == fingerprint, _SENT)
    found = records(connection, *same, limit=1)
    return found[0] if found and found[0].state.value in UNFINISHED else None


def unfinished_runs(connection: sa.Connection, endpoint: int) -> list[RunRecord]:
    """Give all runs of an endpoint that did not finish."""
    return records(connection, _run.endpoint == endpoint, _run.state.in_(UNFINISHED))


def run_of_id(connection: sa.Connection, run_id: str) -> RunRecord | None:
    """Give one run, or None."""
    return _first(records(connection, _run.id == run_id, limit=1))


def last_sent(connection: sa.Connection) -> RunRecord | None:
    """Give the latest run that was not stopped before sending, or None."""
    return _first(records(connection, _SENT, limit=1))


def is_first(connection: sa.Connection, run_id: str) -> bool:
    """Tell whether no other run of the endpoint has sent anything before, as far as is known."""
    seq = run_seq(connection, run_id)
    mine = sa.select(_run.endpoint).where(_run.seq == seq).scalar_subquery()
    others = sa.select(_run.seq).where(_run.endpoint == mine, _run.seq != seq, _SENT)
    return connection.execute(others.limit(1)).first() is None


def _first(found: Sequence[RunRecord]) -> RunRecord | None:
    return next(iter(found), None)


def _record(row: sa.RowMapping) -> RunRecord:
    ended = row["ended_at"]
    return RunRecord(
        id=row["id"],
        endpoint=row["endpoint"],
        fingerprint=row["fingerprint"],
        profile=row["profile"],
        state=RunState(row["state"]),
        started_at=datetime.fromisoformat(row["started_at"]),
        ended_at=datetime.fromisoformat(ended) if ended else None,
        exit_code=row["exit_code"],
        totals=row["totals"],
        options=orjson.loads(row["options"]),
        mappings=orjson.loads(row["mappings"]),
        files=orjson.loads(row["files"]),
    )


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
