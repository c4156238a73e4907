"""The configuration file: TOML whose mistakes have a line."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.keys import KEYS
from pipeline.config.nouns import (
    CONFIG_NAME,
    PRODUCTION,
    SANDBOX,
    BadConfig,
    From,
    Key,
    Origin,
    Where,
    did_you_mean,
    where_it_belongs,
)
from pipeline.config.values import Value, read_value


@dataclass(frozen=True, slots=True)
class Document:
    """The file as read: its tables, its text, and what messages call it."""

    path: Path | None
    text: str
    data: dict[str, object]
    folder: Path  # to which its paths, and the default ones, are relative
    name: str = ""

    @classmethod
    def read(cls, path: Path, cwd: Path) -> "Document":
        """Read a file; `cwd` shortens its name in messages."""
        try:
            name = str(path.relative_to(cwd))
        except ValueError:
            name = os.path.relpath(path, cwd) if path.name == CONFIG_NAME else str(path)
        try:
            text = path.read_text(encoding="utf-8")
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            at = re.search(r"at line (\d+), column (\d+)", str(error))
            words = re.sub(r" \(at .*\)$", "", str(error))
            place = f"{name}:{at[1]}:{at[2]}" if at else name
            raise BadConfig(
                f"{name} is not readable as TOML: {words}",
                help="correct the place",
                code="C100",
                place=place,
            ) from None
        except (OSError, UnicodeError) as error:
            words = getattr(error, "strerror", None) or "it is not UTF-8"
            raise BadConfig(f"{name} cannot be read: {words}", code="C100", place=name) from None
        folder = path.parent if path.name == CONFIG_NAME else cwd
        return cls(path, text, data, folder, name)

    def place(self, *keys: str) -> str:
        """Name the line of a key by a scan of the text: tomllib keeps no positions."""
        line = _line_of(self.text, keys)
        return f"{self.name}:{line}" if line else self.name

    def unknown(self) -> list[BadConfig]:
        """The keys that nobody knows, each with its line and the nearest name.

        Raises:
            BadConfig: a profile is no section.
        """
        anywhere = [key.name for key in KEYS.values() if key.where is Where.ANYWHERE]
        profile = [key.name for key in KEYS.values() if key.where is not Where.COMMAND]
        sections = ["notify", "owners", "partner", "profile", "schedule"]
        found = [*self._unknown_of(self.data, (), [*anywhere, *sections])]
        profiles = self._table(self.data.get("profile", {}), ("profile",))
        for name, section in profiles.items():
            table = self._table(section, ("profile", name))
            found += self._unknown_of(table, ("profile", name), [*profile, "owners"])
        return found

    def _unknown_of(
        self, table: Mapping[str, object], at: tuple[str, ...], known: list[str]
    ) -> Iterator[BadConfig]:
        for name in table:
            if name in known:
                continue
            section = f" in [{'.'.join(at)}]" if at else ""
            help_text = did_you_mean(name, known) or f"known are: {', '.join(sorted(known))}"
            if placed := where_it_belongs(name, table[name]):
                help_text = placed
            elif name in KEYS and not at and KEYS[name].where is Where.PROFILE:
                help_text = "it belongs into a profile: [profile.prod]"
            elif name in KEYS:
                help_text = f"it can only be given as {KEYS[name].flag}"
            yield BadConfig(
                f"unknown key {name}{section}",
                help=help_text,
                code="C102",
                place=self.place(*at, name),
            )

    def _table(self, value: object, at: tuple[str, ...]) -> dict[str, object]:
        if not isinstance(value, dict):
            raise BadConfig(
                f"{'.'.join(at)} is not a section",
                help=f"write [{'.'.join([*at, 'NAME'][:2])}]",
                code="C101",
                place=self.place(*at),
            )
        return value

    def profile(self, name: str) -> tuple[str, ...]:
        """Give the path of a profile's section.

        Raises:
            BadConfig: there is no such profile.
        """
        profiles = self._table(self.data.get("profile", {}), ("profile",))
        known = sorted({SANDBOX, PRODUCTION, *profiles})
        if name not in known:
            help_text = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            raise BadConfig(f"there is no profile {name}", help=help_text, code="C116")
        return ("profile", name)

    def value(self, key: Key, section: tuple[str, ...]) -> Value | None:
        """Read a key from the profile's section, else from the top of the file."""
        for at, kind in ((section, From.PROFILE), ((), From.FILE)):
            table = self._at(at)
            if key.where is Where.COMMAND or key.name not in table:
                continue
            section_name = f" [{'.'.join(at)}]" if at else ""
            words = self.place(*at, key.name) + section_name
            return read_value(key, table[key.name], Origin(kind, words), key.name)
        return None

    def origins(self, section: tuple[str, ...]) -> dict[str, Origin]:
        """Say where each key of the sections is written that are not read key by key.

        They are named by their path ("notify.mail.host"); of the owners, the profile's own win.
        """
        found: dict[str, Origin] = {}
        for name in ("owners", "schedule", "notify", "partner"):
            found |= self._origins((name,), (name,), From.FILE)
        mine = f" [{'.'.join(section)}]"
        of_profile = self._origins((*section, "owners"), ("owners",), From.PROFILE)
        return found | {
            name: Origin(each.kind, each.place + mine) for name, each in of_profile.items()
        }

    def _origins(
        self, at: tuple[str, ...], called: tuple[str, ...], kind: From
    ) -> dict[str, Origin]:
        found: dict[str, Origin] = {}
        for key, value in self._at(at).items():
            if isinstance(value, dict):
                found |= self._origins((*at, key), (*called, key), kind)
            found[".".join((*called, key))] = Origin(kind, self.place(*at, key))
        return found

    def owners(self, section: tuple[str, ...]) -> dict[str, str]:
        """Give who fixes what, the profile's own words over those of the file."""
        merged: dict[str, str] = {}
        for at in ((), section):
            table = self._table(self._at(at).get("owners", {}), (*at, "owners"))
            for code, owner in table.items():
                if not isinstance(owner, str) or not owner.strip():
                    raise BadConfig(
                        f"the owner of {code} is not a text",
                        help='write a name: R301 = "Warehouse"',
                        code="C101",
                        place=self.place(*at, "owners", code),
                    )
                merged[code] = owner.strip()
        return merged

    def _at(self, keys: tuple[str, ...]) -> dict[str, object]:
        table: object = self.data
        for key in keys:
            table = table.get(key, {}) if isinstance(table, dict) else {}
        return table if isinstance(table, dict) else {}


_HEADER = re.compile(r"\s*\[+\s*([^\[\]]+?)\s*\]+")


_ASSIGNMENT = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)


_PART = re.compile(r"""[A-Za-z0-9_-]+|"([^"]*)"|'([^']*)'""")


def _line_of(text: str, keys: tuple[str, ...]) -> int | None:
    r"""Find the line on which a key or a section is written, counted from 1.

    >>> _line_of('rate = 5\n[profile.prod]\naccount = 1', ("profile", "prod", "account"))
    3
    """
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = found = _parts(header[1])
        elif assignment := _ASSIGNMENT.match(line):
            found = (*section, *_parts(assignment[1]))
        else:
            continue
        if found[: len(keys)] == keys:
            return number
    return None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(m[1] or m[2] or m[0] for m in _PART.finditer(dotted))
