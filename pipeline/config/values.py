"""One value from one place: option, environment, file or default."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.config.nouns import SANDBOX, SHOWN_MAX, BadConfig, From, Key, Origin, Unfit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Value:
    """A value and where it came from."""

    value: object
    origin: Origin


def want(found: Value, name: str, kind: type[T]) -> T:
    """The value, whose type is known to be `kind`."""
    if not isinstance(found.value, kind):  # a reader and its use disagree
        raise TypeError(f"{name} is {type(found.value).__name__}, not {kind.__name__}")
    return found.value


def default_of(key: Key) -> Value:
    """The default of a key."""
    return Value(key.default, Origin(From.DEFAULT))


def builtin(key: Key, profile: str) -> Value | None:
    """What the sandbox profile has without any file."""
    if profile != SANDBOX:
        return None
    value = {"base_url": "http://127.0.0.1:8765", "account": 1618}.get(key.name)
    return None if value is None else Value(value, Origin(From.DEFAULT, "profile sandbox"))


def given_value(
    key: Key, overrides: Mapping[str, object], environ: Mapping[str, str]
) -> Value | None:
    """Read a key from its option, else from its environment variable."""
    given = overrides.get(key.name)
    if given not in (None, (), False):
        return read_value(key, given, Origin(From.OPTION, key.flag), key.flag)
    text = environ.get(key.variable, "")
    if text.strip():
        # not every key is an option, too
        return read_value(key, text, Origin(From.ENVIRONMENT, key.variable), key.name)
    return None


def read_value(key: Key, raw: object, origin: Origin, called: str) -> Value:
    """Read one raw value; a bad one says where it came from."""
    try:
        return Value(key.read(raw), origin)
    except ValueError as error:
        source, place = "", None
        if origin.kind is From.ENVIRONMENT:
            source = f" (from environment variable {origin.place})"
        elif origin.kind is not From.OPTION:
            place = origin.place.partition(" ")[0]
            source = f" (from {origin.place})"
        raise BadConfig(
            f"{_quoted(key, raw)} {Unfit.words(error, f'{called}{source}')}",
            help=f"{called}: {key.says}",
            code="C101",
            place=place,
        ) from None


def _quoted(key: Key, raw: object) -> str:
    if key.name in ("ledger", "base_url", "s3_endpoint"):  # each may carry a password
        return "the value"
    text = raw if isinstance(raw, str) else str(raw).lower() if isinstance(raw, bool) else str(raw)
    return f"'{text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + '…'}'"


def placed_value(key: Key, found: Value, *, cwd: Path, folder: Path) -> Value:
    """Make a path absolute: of an option against the present folder, of a file against the file's."""
    base = cwd if found.origin.kind in (From.OPTION, From.ENVIRONMENT) else folder
    if isinstance(found.value, Path):
        return Value(base / found.value, found.origin)
    if key.name == "ledger" and isinstance(found.value, str) and "://" not in found.value:
        return Value(str(base / Path(found.value).expanduser()), found.origin)
    return found
