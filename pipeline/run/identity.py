"""What a run is called, and what makes two commands the same work."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime

from pipeline import __version__
from pipeline.model.endpoint import Endpoint
from pipeline.run.request import Options
from pipeline.run.source import Job

_NAME_MAX = 24
_STAMP = "%Y-%m-%dT%H%M"


def run_name(at: datetime, mapping: str, taken: Callable[[str], bool]) -> str:
    """Name a run by local time and its first mapping; a number tells two of a minute apart.

    >>> from datetime import UTC
    >>> at = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
    >>> run_name(at, "WMS / Berlin", lambda name: name == "2026-11-20T0205-WMS-Berlin")
    '2026-11-20T0205-WMS-Berlin-2'
    >>> run_name(at, "…", lambda name: False)
    '2026-11-20T0205'
    """
    safe = re.sub(r"[^A-Za-z0-9_]+", "-", mapping)[:_NAME_MAX].strip("-")
    name = base = f"{at:{_STAMP}}-{safe}".rstrip("-")
    number = 1
    while taken(name):
        number += 1
        name = f"{base}-{number}"
    return name


def fingerprint(endpoint: Endpoint, jobs: Sequence[Job], options: Options, agreed: str = "") -> str:
    """What makes two commands the same work (the program's version included).

    `agreed` is a hash of what is agreed with partners; it counts where EDI is read.
    """
    parts = {
        "version": __version__,
        "base_url": endpoint.base_url,
        "account": endpoint.account,
        "mappings": [job.sha256 for job in jobs],
        "files": sorted(source.sha256 for job in jobs for source, _ in job.files),
        "limit": options.limit,
        "only": sorted(options.only_orders),
        "backfill": options.backfill,
    }
    if options.create_only:  # left out otherwise: runs from before this option stay the same work
        parts["create_only"] = True
    if any(job.readings for job in jobs):
        parts |= {"agreed": agreed, "duplicates": options.accept_duplicates}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
