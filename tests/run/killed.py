"""A process that imports a warehouse and is hit by a signal before or after one of its own steps.

    python -m tests.run.killed SETTINGS.json STEP SIGNAL [COMMAND]

STEP is `before MODULE:NAME` or `after MODULE:NAME`, with ` N` for the N-th call of it.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from pipeline.config import Settings
from pipeline.model.endpoint import Endpoint, Pace, Secret
from pipeline.run import Options, plan, resume, run, run_plan
from tests.run.conftest import Told


def hit(step: str, number: int) -> None:
    """Send this process a signal at a step of it."""
    when, name, *nth = step.split()
    module_name, _, path = name.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, last = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original = getattr(owner, last)
    left = int(nth[0]) if nth else 1

    def struck(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - it stands for any function
        nonlocal left
        left -= 1
        if when == "before" and left == 0:
            os.kill(os.getpid(), number)
        result = original(*arguments, **named)
        if when == "after" and left == 0:
            os.kill(os.getpid(), number)
        return result

    setattr(owner, last, struck)


def main() -> int:
    """Do what a warehouse's command would, until the signal comes."""
    said = json.loads(Path(sys.argv[1]).read_text())
    importlib.import_module("pipeline.run.spool").PARTITION_BYTES = said["partition_bytes"]  # type: ignore[attr-defined]
    hit(sys.argv[2], int(sys.argv[3]))
    command = sys.argv[4] if len(sys.argv) > 4 else "run"
    home, folder = Path(said["home"]), Path(said["folder"])
    endpoint = Endpoint(
        base_url=said["base_url"], account=said["account"], token=Secret(said["token"])
    )
    settings = Settings(
        profile="sandbox", endpoint=endpoint, pace=Pace(concurrency=2, **said["pace"]), home=home,
        reports=Path(said["reports"]), ledger=said["ledger"], timezone="UTC",
    )  # fmt: skip
    mappings, told = sorted(folder.glob("*.yaml")), Told()
    match command:
        case "plan":
            result = plan(settings, mappings, [str(folder)], Options(), told, out=Path(sys.argv[5]))
        case "run_plan":
            result = run_plan(settings, Path(sys.argv[5]), Options(), told)
        case "resume":
            result = resume(settings, None, Options(), told)
        case _:
            result = run(settings, mappings, [str(folder)], Options(), told)
    sys.stdout.write(json.dumps([result.run_id, result.exit_code]))
    return result.exit_code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt as interrupted:
        sys.stderr.write("\n".join([str(interrupted), *getattr(interrupted, "__notes__", [])]))
        sys.exit(getattr(interrupted, "exit_code", 130))
