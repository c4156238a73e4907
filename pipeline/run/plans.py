"""Plans: what lies ready in a folder until a person sends it, or until it is stale (CLI §2)."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.config import Settings
from pipeline.intake import Servers, is_remote
from pipeline.ledger import Ledger, RunRecord, RunState
from pipeline.model.stops import StopRun
from pipeline.run.folder import SEALED, RunFolder, written
from pipeline.run.leftovers import unfinished_plan
from pipeline.run.request import Options, PlanElsewhere, PlanStale, RunUnknown, typed
from pipeline.run.source import read_mapping

_OF_THE_PLAN = ("serial", "facts_sha256", "foretold")


def new_place(home: Path, out: Path | None) -> RunFolder:
    """Choose the folder of a new plan; what a killed `plan` left there is removed.

    Raises:
        PlanStale: there is something else at that place.
    """
    folder = RunFolder(out if out is not None else home / "plans" / secrets.token_hex(4))
    if unfinished_plan(folder):
        folder.remove()
    path = folder.path
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise PlanStale(f"{path} exists already", code="C130", help="choose another --out")
    return folder


def finish_plan(folder: RunFolder, ledger: Ledger, fingerprint: str) -> None:
    """Give the plan its number and close it: from here on any change of it is seen."""
    facts = folder.facts() | {
        "plan": secrets.token_hex(8), "serial": _serial(ledger), "fingerprint": fingerprint,
    }  # fmt: skip
    folder.write_facts(facts | {"facts_sha256": _hash(facts)})


def open_plan(path: Path) -> dict[str, Any]:
    """Give the facts of a plan, if it is one and still as it was made.

    Raises:
        PlanStale: it is not a plan, or something in it was changed.
    """
    facts = RunFolder(path).facts()
    if "facts_sha256" not in facts:
        raise PlanStale(f"{path} is not a plan", code="C131", help="make one with `pipeline plan`")
    kept = {name: value for name, value in facts.items() if name != "facts_sha256"}
    changed = "run.json is not what it was" if _hash(kept) != facts["facts_sha256"] else None
    if changed is None:
        changed = RunFolder(path).broken()
    if changed is not None:
        raise PlanStale(f"the plan {path} has been changed: {changed}", code="C136",
                        help="a plan is sent as it was made or not at all; make a new one")  # fmt: skip
    return facts


def copy_plan(path: Path, folder: RunFolder, facts: Mapping[str, Any]) -> None:
    """Make a plan the folder of a run, with these facts."""
    with written(folder.path):
        for kind in filter(lambda each: (path / each).is_dir(), SEALED):
            shutil.copytree(path / kind, folder.path / kind, dirs_exist_ok=True)
        # what must be corrected is written again from these; they are never changed
        if (path / "snapshots").is_dir():
            shutil.copytree(path / "snapshots", folder.path / "snapshots", dirs_exist_ok=True,
                            copy_function=_linked)  # fmt: skip
    folder.write_facts({name: fact for name, fact in facts.items() if name not in _OF_THE_PLAN})


def _linked(original: str, copy: str) -> None:
    """Give a file a second name, or copy it where the disk does not allow that."""
    try:
        os.link(original, copy)
    except OSError:
        shutil.copy2(original, copy)


def runs_of_plan(ledger: Ledger, plan: str) -> list[RunRecord]:
    """The runs that a plan was sent in, newest first; one that a safety stop ended sent nothing."""
    return [
        run
        for run in ledger.runs(_LOOK_BACK)
        if run.options.get("plan") == plan and run.state is not RunState.NOT_SENT
    ]


_LOOK_BACK = 10_000


def run_of(ledger: Ledger, name: str) -> RunRecord:
    """Find a run by its id, or by the folder of the plan that it sent.

    Raises:
        RunUnknown: there is none, or its orders were purged.
    """
    record = ledger.run(name)
    if record is not None:
        if ledger.is_purged(name):
            raise RunUnknown(
                f"the orders of run {name} were removed from the ledger by `ledger purge`",
                code="C134", help="its figures are on the page of all runs: `pipeline report index`",
            )  # fmt: skip
        return record
    plan = RunFolder(Path(name)).facts().get("plan")
    if isinstance(plan, str):
        found = runs_of_plan(ledger, plan)
        if found:
            return found[0]
        raise RunUnknown(f"the plan {name} has not been sent", code="C132",
                         help=f"`pipeline run {name}` sends it")  # fmt: skip
    raise RunUnknown(f"there is no run {name}", code="C132",
                     help="`pipeline status` shows the last runs")  # fmt: skip


def refuse_elsewhere(facts: Mapping[str, Any], settings: Settings, path: Path) -> None:
    """Refuse a plan that was made for another profile, or for another place than it means now.

    Raises:
        PlanElsewhere: sending it would surprise the one who looked at it.
    """
    endpoint = settings.endpoint
    then = (facts["profile"], facts["host"], facts["account"])
    now = (settings.profile, endpoint.base_url, endpoint.account)
    if then == now:
        return
    again = "make a new one with `pipeline plan`"
    if then[0] != now[0]:
        command = typed(settings, "run", str(path), profile=then[0])
        again = f"send it with `{command}`, or {again}"
    raise PlanElsewhere(
        f"the plan {path} was made for profile {then[0]} (account {then[2]} at {then[1]}); "
        f"this is profile {now[0]} (account {now[2]} at {now[1]}), so nothing was sent",
        code="C137", help=again,
    )  # fmt: skip


def refuse_updates(facts: Mapping[str, Any], settled: Options, path: Path) -> None:
    """Refuse a plan that would update where nothing may ever be updated.

    Raises:
        PlanStale: `create_only` holds now, and did not when the plan was made.
    """
    if settled.create_only and not facts.get("create_only"):
        raise PlanStale(
            f"the plan {path} updates orders, and create_only says that none is ever updated",
            code="C118", help="make a new plan; it is then made for `--create-only`",
        )  # fmt: skip


def refuse_stale(
    facts: Mapping[str, Any], ledger: Ledger, path: Path, agreed: str, servers: Servers
) -> None:
    """Refuse a plan when anything it was made from has changed; `agreed` as `partners.agreed`.

    Raises:
        PlanStale: it has been sent already, or a file, a mapping, the program or the ledger is not
            what it was.
    """
    sent = runs_of_plan(ledger, facts["plan"])
    if sent:
        raise PlanStale(f"the plan {path} was sent already, in run {sent[0].id}", code="C135",
                        help="make a new one with `pipeline plan`; what arrived is not sent twice")  # fmt: skip
    moved = _moved(facts, ledger, agreed, servers)
    if moved is not None:
        raise PlanStale(f"the plan is stale: {moved} after planning", code="C135",
                        help=f"make a new one with `pipeline plan`; {path} may be removed")  # fmt: skip


def _moved(facts: Mapping[str, Any], ledger: Ledger, agreed: str, servers: Servers) -> str | None:
    if facts["version"] != __version__:
        return "the program has been updated"
    if facts["serial"] != _serial(ledger):
        return "another run has changed the ledger"
    if facts.get("interchanges") and facts["agreed"] != agreed:
        return "what is agreed with partners ([partner.…]) has changed"
    for file in (each for each in facts["files"] if not each.get("aside")):
        if is_remote(file["path"]):
            if servers.facts(file["path"]) != tuple(file["stat"]):
                return f"{file['name']} has changed or is gone"
        elif _sha256(Path(file["path"])) != (file.get("archive_sha256") or file["sha256"]):
            return f"{file['name']} has changed or is gone"
    for mapping in facts["mappings"]:
        if _mapping_sha256(Path(mapping["path"])) != mapping["sha256"]:
            return f"{mapping['path']} has changed or is gone"
    return None


def _mapping_sha256(path: Path) -> str | None:
    try:
        return read_mapping(path)[1]
    except StopRun:  # gone, or not even a mapping any more
        return None


def _sha256(path: Path) -> str | None:
    """The hash of a file; None where it is gone."""
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return None


def _hash(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _serial(ledger: Ledger) -> str:
    """Tells whether any run has happened since that can have sent something."""
    last = ledger.last_sent()
    return "" if last is None else f"{last.id} {last.state.value} {last.ended_at}"
