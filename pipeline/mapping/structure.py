"""Data against the models of the language: what Pydantic finds, in words for a person."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.mapping.document import Data, Document, Path
from pipeline.mapping.mistakes import Mistake, did_you_mean

Model = TypeVar("Model", bound=BaseModel)

# Pydantic's kinds of error, and what the key takes instead.
_TAKES: Mapping[str, tuple[str, str]] = {
    "string_type": ("text", "write one text, not a list or a table"),
    "list_type": ("a list", "write it in brackets: [first, second]"),
    "dict_type": ("a table", "write keys and values below it"),
    "model_type": ("a table", "write keys and values below it"),
    "bool_parsing": ("true or false", "write true or false"),
    "bool_type": ("true or false", "write true or false"),
    "string_too_short": ("one character", 'such as ";"'),
    "string_too_long": ("one character", 'such as ";"; a tab is written "\\t" in double quotes'),
    "string_pattern_mismatch": (
        "letters, digits, - and _, at most 64 of them",
        "the name stands in reports and in the names of files",
    ),
}


def structure(
    document: Document, model: type[Model], data: Data, path: Path
) -> tuple[Model | None, list[Mistake]]:
    """Check data against a model of the language; gives every mistake, or the model."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, [_mistake(document, model, dict(item), path) for item in error.errors()]


def _mistake(
    document: Document, model: type[BaseModel], item: dict[str, Any], path: Path
) -> Mistake:
    loc: tuple[str | int, ...] = item["loc"]
    at = (*path, *loc)
    name = str(loc[-1]) if loc else "this"
    if isinstance(loc[-1] if loc else "", int) and len(loc) > 1:
        name = str(loc[-2])
    match item["type"]:
        case "extra_forbidden":
            names = _keys_of(model, loc[:-1])
            hint = did_you_mean(name, names) or f"there are: {', '.join(names)}"
            return _at(document, "M100", f'unknown key "{name}"', at, hint, key=True)
        case "missing":
            hint = f"add `{name}:`"
            return _at(
                document, "M102", f'the key "{name}" is missing here', at[:-1], hint, key=True
            )
        case "enum" | "literal_error":
            words = [_shown(word) for word in _expected(item)]
            got = str(item["input"])
            hint = did_you_mean(got, words) or f"one of: {', '.join(words)}"
            return _at(document, "M104", f'"{got}" is not one of the words for {name}', at, hint)
        case "value_error":
            said = str(item["msg"]).removeprefix("Value error, ")
            return _at(document, "M103", f"{name} {said}", at, 'such as "\'", or none')
    takes, hint = _TAKES.get(item["type"], (str(item["msg"]), ""))
    return _at(document, "M103", f"{name} takes {takes}", at, hint)


def _at(document: Document, code: str, message: str, path: Path, hint: str, *,
        key: bool = False) -> Mistake:  # fmt: skip
    place = document.key_place(path) if key else document.place(path)
    return Mistake(code, message, place.line, place.column, place.length, hint)


def _expected(item: dict[str, Any]) -> list[str]:
    """The allowed words, from Pydantic's sentence "'a', 'b' or 'c'"; one may be a quote itself."""
    said = str(item.get("ctx", {}).get("expected", ""))
    return [a or b for a, b in re.findall(r"'([^']*)'|\"([^\"]*)\"", said)]


def _shown(word: str) -> str:
    escaped = {" ": "a blank", "\\xa0": "a no-break space", "\\u202f": "a narrow no-break space",
               "\xa0": "a no-break space", "\u202f": "a narrow no-break space"}  # fmt: skip
    return escaped.get(word, word)


def _keys_of(model: type[BaseModel], loc: tuple[object, ...]) -> list[str]:
    inner: type[BaseModel] = model
    for part in loc:
        info = inner.model_fields.get(str(part))
        annotation = info.annotation if info is not None else None
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        inner = next(
            (c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), inner
        )
    return [info.alias or name for name, info in inner.model_fields.items()]
