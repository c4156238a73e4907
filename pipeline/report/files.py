"""The files of a run's report, each whole or absent, readable by their owner only (REPORT §6)."""

import gzip
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import polars as pl

from pipeline.report.document import as_json
from pipeline.report.facts import RunFacts, RunTables
from pipeline.report.mail import lay_out_mail
from pipeline.report.rejections import missing_orders, records, rejected_findings
from pipeline.report.render import render, render_mail
from pipeline.report.summary import Summary
from pipeline.report.text import as_text

CHUNK_ROWS = 100_000
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where the files of a report lie."""

    page: Path
    text: Path
    mail: Path
    document: Path
    rejections: Path
    missing: Path


def write_report(
    folder: Path,
    summary: Summary,
    tables: RunTables,
    *,
    owners: Mapping[str, str] | None = None,
    shown_path: str | None = None,
    url: str = "",
) -> ReportFiles:
    """Write all files of a report; the same input gives the same bytes.

    The folder gets mode 0700, every file 0600. Each file is written beside its place, flushed to
    disk and renamed, report.html last: where it is, the others are complete.

    Args:
        folder: the folder of this run; it and its parents are made.
        summary: what `summarise` made of `tables`.
        tables: the outcome tables; only rejections.jsonl.gz holds their values unmasked.
        owners: the overrides that `summarise` got.
        shown_path: how summary.txt and summary.html call the page; its path if None.
        url: where people open the page, if it is served; summary.html links it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    files = ReportFiles(
        page=folder / "report.html",
        text=folder / "summary.txt",
        mail=folder / "summary.html",
        document=folder / "summary.json",
        rejections=folder / "rejections.jsonl.gz",
        missing=folder / "orders-missing.txt",
    )
    rejected = rejected_findings(tables, planned=summary.facts.unsent)
    numbers = missing_orders(tables.orders)
    missing = "".join(f"{number}\n" for number in numbers)
    path = shown_path or str(files.page)
    text = as_text(summary, path)
    mail = render_mail(lay_out_mail(summary, numbers, path, url))
    _write(files.rejections, lambda out: _write_records(out, rejected, summary.facts, owners or {}))
    _write(files.missing, _bytes(missing.encode()))
    _write(files.document, _bytes(as_json(summary)))
    _write(files.text, _bytes(text.encode()))
    _write(files.mail, _bytes(mail.encode()))
    _write(files.page, _bytes(render(summary).encode()))
    sync_folder(folder)
    return files


def write_page(path: Path, page: str) -> None:
    """Write a page that stands alone, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, _bytes(page.encode()))
    sync_folder(path.parent)


def _write_records(
    out: IO[bytes], findings: pl.DataFrame, facts: RunFacts, owners: Mapping[str, str]
) -> None:
    """Write the records in parts, so that their texts never lie in memory all at once."""
    # No name and no time in the header: the same records give the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=6, mtime=0) as packed:
        for part in _parts(findings):
            records(part, facts, owners).write_ndjson(cast("IO[bytes]", packed))


def _parts(findings: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Slices of about CHUNK_ROWS that never cut the findings of one address apart."""
    address = pl.struct("_file", "_line", "_segment")
    start = 0
    while start < findings.height:
        end = min(start + CHUNK_ROWS, findings.height)
        tail = findings.slice(end - 1, CHUNK_ROWS)
        same = tail.select((address == address.first()).cum_prod().sum()).item()
        end += int(same) - 1
        yield findings.slice(start, end - start)
        start = end


def _bytes(content: bytes) -> Callable[[IO[bytes]], object]:
    return lambda out: out.write(content)


def _write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    with replacing(path) as out:
        fill(out)


@contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Open a new file that takes the place of `path` once it is complete and on disk."""
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, _NEW, 0o600), "wb") as out:
            yield out
            out.flush()
            draft.chmod(mode)
            os.fsync(out.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Flush to disk which files a folder has."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
