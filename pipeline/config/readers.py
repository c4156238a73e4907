"""One reader per kind of value: from TOML or from text, to what the program works with."""

import os
import re
import shlex
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from pipeline.config.nouns import PRESETS, Reader, Unfit, did_you_mean, parts_of_url


def as_text(value: object) -> str:
    """A text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise Unfit("is not a text")
    return value.strip()


def as_ending(value: object) -> str:
    """The ending of a file's name, with its dot.

    >>> as_ending(".done"), as_ending("ctl")
    ('.done', '.ctl')
    """
    ending = "." + as_text(value).lstrip(".")
    if not re.fullmatch(r"\.[\w.-]+", ending):
        raise Unfit("is not the ending of a file's name, such as .done")
    return ending


def as_folder_name(value: object) -> str:
    """The name of a folder, not a path.

    >>> as_folder_name("done")
    'done'
    """
    name = as_text(value)
    if "/" in name or name in (".", ".."):
        raise Unfit("is not the name of a folder, such as done")
    return name


def as_endpoint(value: object) -> str:
    """The URL of a store, without a secret in it.

    >>> as_endpoint("https://s3.example.com:9000/")
    'https://s3.example.com:9000'
    """
    text = as_text(value).rstrip("/")
    url = parts_of_url(text)
    if url is None or url.scheme not in ("http", "https") or not url.hostname:
        raise Unfit("is not a URL such as https://s3.example.com:9000")
    if "@" in url.netloc or url.query or url.fragment:
        raise Unfit(
            "is not a URL without user, password and query; keys come from the AWS environment"
        )
    return text


def as_ledger(value: object) -> str:
    """A path, or the URL of a PostgreSQL database.

    What looks like another URL is refused: taken for a path it would be a new, empty ledger, which
    sends every order again.

    >>> as_ledger("postgres://me@db/orders"), as_ledger("state/ledger.db")
    ('postgresql://me@db/orders', 'state/ledger.db')
    """
    text = as_text(value)
    scheme, colon, rest = text.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme):
        return text
    scheme = scheme.lower()
    if scheme in _DATABASES and rest.startswith("//"):
        return f"postgresql:{rest}"
    if scheme in _DATABASES or (rest.startswith("/") and not text.startswith("sqlite:///")):
        raise Unfit("is neither a path nor a postgresql:// URL")
    return text


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+")  # C:\… is a path
_DATABASES = ("postgresql", "postgres", "postgresql+psycopg")


def as_path(value: object) -> Path:
    """A path; ~ is the home folder."""
    return Path(as_text(value)).expanduser()


_MOST = 2**31 - 1


def as_whole(least: int, most: int = _MOST) -> Reader:
    """A reader of whole numbers within limits."""

    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,12}\s*", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unfit("is not a whole number")
        if not least <= value <= most:
            is_open = most == _MOST and value < least
            raise Unfit(
                f"is less than {least}" if is_open else f"is not between {least} and {most}"
            )
        return value

    return read


def as_number(value: object) -> float:
    """A positive number."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise Unfit("is not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit("is not a number")
    if not 0 < value < 1e9:
        raise Unfit("is not a number above 0")
    return float(value)


def as_seconds(value: object) -> float:
    """A length of time, which may be nothing."""
    return 0.0 if value in (0, "0") and not isinstance(value, bool) else as_number(value)


def as_rate(value: object) -> float | None:
    """Requests per second, or off."""
    if isinstance(value, str):
        if value.strip().lower() == "off":
            return None
        value = value.strip().removesuffix("/s")
    return as_number(value)


def as_share(value: object) -> float | None:
    """A share such as 20% or 0.2, or off."""
    text = str(value).strip().lower()
    if text == "off":
        return None
    percent = text.endswith("%")
    try:
        share = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        raise Unfit("is not a share such as 20%") from None
    if isinstance(value, bool) or not 0 <= share <= 1:
        raise Unfit("is not a share from 0% to 100%")
    return share


def as_yes_no(value: object) -> bool:
    """A truth value."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off", ""):
        return False
    raise Unfit("is neither true nor false")


def as_choice(*words: str) -> Reader:
    """A reader of one word out of a closed list."""

    def read(value: object) -> str:
        word = str(value).strip().lower()
        if word not in words:
            raise Unfit(f"is not one of {', '.join(words)}", did_you_mean(word, words) or "")
        return word

    return read


def as_words(value: object) -> tuple[str, ...]:
    """Words, separated by commas in text."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise Unfit("is not a list of texts")
    return tuple(each.strip() for each in value if each.strip())


def as_paths(value: object) -> tuple[Path, ...]:
    """Paths, separated as the system does."""
    parts = value.split(os.pathsep) if isinstance(value, str) else value
    return tuple(Path(each).expanduser() for each in as_words(parts))


def as_command(value: object) -> tuple[str, ...]:
    """A command and its arguments, as a shell would split them."""
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError:
            raise Unfit("is not a command: a quote is not closed") from None
    words = as_words(value)
    if not words:
        raise Unfit("is not a command")
    return words


def as_moment(value: object) -> time | datetime:
    """Read 06:00 (the next one) or a date and time with or without offset."""
    text = str(value).strip()
    for read in (time.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    raise Unfit("is neither a time such as 06:00 nor a date with time")


def as_zone(value: object) -> str:
    """An IANA time zone."""
    name = as_text(value)
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        near = did_you_mean(name, available_timezones()) or ""
        raise Unfit("is not a time zone", near) from None
    return name


def as_url(value: object) -> str:
    """A URL, or the name of a preset; written in one way, for the ledger keeps each one apart."""
    text = as_text(value).rstrip("/")
    text = PRESETS.get(text, text)
    scheme, joint, place = text.partition("://")
    if not joint or set(place) & set("/?#@"):
        return text  # what else is wrong with it is said elsewhere
    scheme, place = scheme.lower(), place.lower()
    return f"{scheme}://{place.removesuffix(':443') if scheme == 'https' else place}"
