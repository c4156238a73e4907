"""Options, environment and `pipeline.toml` to `Settings`; the only reader of the environment.

Precedence: option > environment > profile > file > default (CLI §6). Each value remembers where it
came from, so that a bad one can be traced and `config show --origin` can say it.
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.config.document import Document
from pipeline.config.keys import FOREIGN_VARIABLES, KEYS, LOOKS
from pipeline.config.notify import PASSWORD_VARIABLE, URL_VARIABLE, Surroundings, read_notify
from pipeline.config.nouns import (
    CONFIG_NAME,
    PRESETS,
    PRODUCTION,
    SANDBOX,
    BadConfig,
    Credentials,
    From,
    Key,
    Loaded,
    Look,
    Origin,
    Settings,
    Where,
    did_you_mean,
    hidden,
    hidden_url,
)
from pipeline.config.partners import read_partners
from pipeline.config.schedule import read_schedule
from pipeline.config.settings import SANDBOX_TOKEN, Maker, system_timezone
from pipeline.config.values import T, Value, builtin, default_of, given_value, placed_value, want

__all__ = [
    "CONFIG_NAME",
    "FOREIGN_VARIABLES",
    "KEYS",
    "LOOKS",
    "PASSWORD_VARIABLE",
    "PRESETS",
    "PRODUCTION",
    "SANDBOX",
    "SANDBOX_TOKEN",
    "URL_VARIABLE",
    "BadConfig",
    "Credentials",
    "From",
    "Key",
    "Loaded",
    "Look",
    "Origin",
    "Settings",
    "Where",
    "did_you_mean",
    "environment",
    "find_config",
    "hidden",
    "hidden_url",
    "load",
    "look",
    "missing_file",
    "system_timezone",
    "user_config",
]


def environment() -> dict[str, str]:
    """Give a copy of the process's environment; nothing else in the package looks at it."""
    return dict(os.environ)


def look(overrides: Mapping[str, object], environ: Mapping[str, str]) -> Look:
    """Read how output should look; `overrides` are options as given.

    Raises:
        BadConfig: a value cannot be used.
    """

    def get(name: str, kind: type[T]) -> T:
        return want(
            given_value(LOOKS[name], overrides, environ) or default_of(LOOKS[name]), name, kind
        )

    color = get("color", str)
    if color == "auto" and environ.get("NO_COLOR"):
        color = "never"
    elif color == "auto" and environ.get("FORCE_COLOR"):
        color = "always"
    return Look(
        json=get("json", bool),
        log_format=get("log_format", str),
        color=color,
        quiet=get("quiet", bool),
        verbose=get("verbose", int),
        dumb=environ.get("TERM") == "dumb",
    )


def load(
    config_path: Path | None,
    profile: str | None,
    overrides: Mapping[str, object],
    environ: Mapping[str, str],
    cwd: Path,
    *,
    credentials: Credentials = Credentials.REQUIRED,
) -> Loaded:
    """Find the configuration and make the settings of one profile.

    Args:
        config_path: the file named by an option; None searches.
        profile: the profile named by an option.
        overrides: options as the command line gave them, by key; None, () and False mean not given.
        environ: the environment.
        cwd: where the search starts and to which paths of options are relative.
        credentials: whether the token is read and must be there.

    Raises:
        BadConfig: all unknown keys and unreadable values together, else the first mistake.
    """
    path = find_config(config_path, environ, cwd)
    document = Document.read(path, cwd) if path is not None else Document(None, "", {}, cwd)
    mistakes = document.unknown()
    name = profile or environ.get(LOOKS["profile"].variable, "").strip() or SANDBOX
    values: dict[str, Value] = {}
    try:
        section = document.profile(name)
    except BadConfig as mistake:
        raise _together([*mistakes, mistake]) from None
    for key in KEYS.values():
        try:
            found = (
                given_value(key, overrides, environ)
                or document.value(key, section)
                or builtin(key, name)
                or default_of(key)
            )
        except BadConfig as mistake:
            mistakes.append(mistake)
        else:
            values[key.name] = placed_value(key, found, cwd=cwd, folder=document.folder)
    if mistakes:
        raise _together(mistakes)
    owners = document.owners(section)
    maker = Maker(name, values, environ, document)
    made = maker.settings(owners, credentials)
    around = Surroundings(
        name, made.endpoint.production, maker.maybe("notify", str), environ, credentials
    )
    settings = replace(
        made, profile_named=bool(profile), config=config_path, partners=read_partners(document),
        reports_named=values["report_dir"].origin.kind is From.OPTION,
        schedule=read_schedule(document), notify=read_notify(document, around, maker.warnings),
    )  # fmt: skip
    return Loaded(
        settings=settings,
        values={name: value.value for name, value in values.items()},
        origins=document.origins(section)
        | {name: value.origin for name, value in values.items()}
        | ({"token": maker.token_origin} if maker.token_origin else {}),
        warnings=(*_unknown_variables(environ), *maker.warnings),
        path=path,
    )


def _together(mistakes: list[BadConfig]) -> BadConfig:
    """One error that tells all of them; one mistake is told by itself."""
    if len(mistakes) == 1:
        return mistakes[0]
    listed = ""
    for each in mistakes:
        at = f"{each.place}: " if each.place and each.place not in each.message else ""
        listed += f"\n  {at}{each.message}; {each.help}"
    codes = {each.code for each in mistakes}
    return BadConfig(
        f"{len(mistakes)} mistakes in the configuration:{listed}",
        help="correct all of them",
        code=codes.pop() if len(codes) == 1 else "C101",
        place=next((each.place for each in mistakes if each.place), None),
    )


def find_config(config_path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Find the configuration file: named, upward to the repository's root, or the user's own.

    Outside of a repository only the present folder counts: a file of somebody else further up
    could name a `token_command`.

    Raises:
        BadConfig: a file is named and not there.
    """
    named = config_path or (
        Path(text).expanduser() if (text := environ.get(LOOKS["config"].variable)) else None
    )
    if named is not None:
        path = cwd / named
        if not path.is_file():
            by = "" if config_path else f" (from environment variable {LOOKS['config'].variable})"
            raise missing_file("configuration file", named, cwd, by=by)
        return path
    above = [cwd, *cwd.parents]
    root = next((n for n, folder in enumerate(above) if (folder / ".git").exists()), 0)
    for folder in above[: root + 1]:
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    own = user_config(environ)
    return own if own is not None and own.is_file() else None


def user_config(environ: Mapping[str, str]) -> Path | None:
    """Where the user's own configuration would be."""
    base = environ.get("XDG_CONFIG_HOME") or (
        f"{environ['HOME']}/.config" if environ.get("HOME") else None
    )
    return Path(base) / "pipeline" / "config.toml" if base else None


def missing_file(what: str, path: Path, cwd: Path, *, by: str = "") -> BadConfig:
    """Say that a file is not there, and which one of its folder may be meant."""
    folder = (cwd / path).parent
    try:
        near = difflib.get_close_matches(path.name, [p.name for p in folder.iterdir()], n=1)
    except OSError:
        near = []
    shown = path.parent if str(path.parent) != "." else "."
    help_text = f"did you mean {near[0]}? (in {shown})" if near else "check the path"
    return BadConfig(f"{what} {path} does not exist{by}", help=help_text, code="C103")


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Warn of typos. Other names stay unmentioned: CI systems have PIPELINE_… variables too."""
    prefix = "PIPELINE_"
    known = [key.variable.removeprefix(prefix) for key in (*KEYS.values(), *LOOKS.values())]
    told = []
    for name in sorted(environ):
        ending = name.removeprefix(prefix)
        if ending == name or ending in known:
            continue
        near = difflib.get_close_matches(ending, known, n=1, cutoff=0.75)
        if near:
            told.append(
                f"environment variable {name} is not known; did you mean {prefix}{near[0]}?"
            )
    return told
