"""What is usual of a source: what the last runs saw of it, so that a night unlike them is noticed.

A source is what one mapping reads under one name from night to night. Kept are counts, names of
columns and codes of countries, never a cell. The same files once more replace their own night.
"""

import orjson
import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import SourceNight
from pipeline.ledger.statements import moment_text

NIGHTS_KEPT = 60  # eight of each day of the week
SOURCES_KEPT = 100  # of a mapping: names that never come again must not pile up

_profile = t.source_profile.c


def nights_of(
    connection: sa.Connection, endpoint: int, mapping: str
) -> dict[str, tuple[SourceNight, ...]]:
    """Give the nights of each source of a mapping, oldest first."""
    rows = connection.execute(
        sa.select(_profile.source, _profile.nights).where(
            _profile.endpoint == endpoint, _profile.mapping == mapping
        )
    )
    return {source: _read(text) for source, text in rows}


def learn(
    connection: sa.Connection, endpoint: int, mapping: str, source: str, night: SourceNight
) -> None:
    """Add a night to a source."""
    this = (_profile.endpoint == endpoint, _profile.mapping == mapping, _profile.source == source)
    text = connection.execute(sa.select(_profile.nights).where(*this)).scalar()
    known = [each for each in _read(text or "[]") if each.files != night.files]
    kept = sorted([*known, night], key=lambda each: each.at)[-NIGHTS_KEPT:]
    values = {"updated_at": moment_text(night.at), "nights": _written(kept)}
    if text is not None:
        connection.execute(sa.update(t.source_profile).where(*this).values(**values))
        return
    connection.execute(
        sa.insert(t.source_profile).values(
            endpoint=endpoint, mapping=mapping, source=source, **values
        )
    )
    _forget_oldest(connection, endpoint, mapping)


def _forget_oldest(connection: sa.Connection, endpoint: int, mapping: str) -> None:
    mine = (_profile.endpoint == endpoint, _profile.mapping == mapping)
    old = connection.execute(
        sa.select(_profile.source)
        .where(*mine)
        .order_by(_profile.updated_at.desc(), _profile.source)
        .offset(SOURCES_KEPT)
        .limit(SOURCES_KEPT)
    )
    names = list(old.scalars())
    if names:
        connection.execute(sa.delete(t.source_profile).where(*mine, _profile.source.in_(names)))


def _written(nights: list[SourceNight]) -> str:
    """The columns stand in the last night only: it alone is asked for them."""
    plain = [each.plain() for each in nights]
    for each in plain[:-1]:
        del each["columns"]
    return orjson.dumps(plain).decode()


def _read(text: str) -> tuple[SourceNight, ...]:
    return tuple(SourceNight.of(each) for each in orjson.loads(text))
