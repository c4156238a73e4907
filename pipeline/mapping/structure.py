"""Data against the models of the language: what Pydantic finds, in words for a person.

What does not fit is reported and put aside, so that the rest can be judged too: a key with a typo is
taken as the one that was probably meant, a wrong value is left out, a missing one has a stand-in.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from pipeline.mapping.document import Data, Document, Path
from pipeline.mapping.mistakes import Mistake, did_you_mean, nearest

Model = TypeVar("Model", bound=BaseModel)

# Pydantic's kinds of error, and what the key takes instead.
_TAKES: Mapping[str, tuple[str, str]] = {
    "string_type": ("text", "write one text, not a list or a table"),
    "list_type": ("a list", "write it in brackets: [first, second]"),
    "dict_type": ("a table", "write keys and values below it"),
    "model_type": ("a table", "write keys and values below it"),
    "int_parsing": ("a whole number", "such as 13"),
    "greater_than_equal": ("a number from 0 to 1000", "such as 3"),
    "less_than_equal": ("a number from 0 to 1000", "such as 3"),
    "bool_parsing": ("true or false", "write true or false"),
    "bool_type": ("true or false", "write true or false"),
    "string_too_short": ("one character", 'such as ";"'),
    "string_too_long": ("one character", 'such as ";"; a tab is written "\\t" in double quotes'),
    "string_pattern_mismatch": (
        "letters, digits, - and _, at most 64 of them",
        "the name stands in reports and in the names of files",
    ),
}


# What a text is for that may not be empty, where it may be longer than one character.
_NOT_EMPTY: Mapping[str, tuple[str, str]] = {
    "comment": ("the text that such lines begin with", 'such as "#"'),
}
# What people write for files that are no text.
_WORKBOOKS = ("excel", "xlsx", "xls", "xlsm", "workbook", "spreadsheet")

# How a required key is written, where its name alone does not say it.
_EXAMPLES: Mapping[str, str] = {
    "version": "version: 1",
    "name": "name: shop-orders",
    "source": 'source: {encoding: utf-8, delimiter: ";"}; every key in it is optional, and '
    "`source: {}` is a comma-separated file in utf-8",
    "order": "order: {order_number: Column}",
    "expect": "expect: {orders: [{order_number: A1}], rejected: []}",
}
_STAND_IN = "1"  # fits every required text of the language, its version and its name included
_PASSES_MAX = 5  # mending a key can bring to light what is inside it, and so on


@dataclass(slots=True)
class Checked(Generic[Model]):
    """A model of what is sound in some data, and what is not.

    `broken` are paths whose value was put aside, `lacking` tables that lost a key, `lost` the names
    of keys in what was put aside: columns or tables that others may refer to.
    """

    model: Model | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)
    lacking: set[Path] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)


def structure(document: Document, model: type[Model], data: Data, path: Path) -> Checked[Model]:
    """Check data against a model of the language; gives every mistake, and the model of the rest."""
    checked: Checked[Model] = Checked()
    mended = copy.deepcopy(data)
    for _ in range(_PASSES_MAX):
        try:
            checked.model = model.model_validate(mended)
            break
        except ValidationError as error:
            before = frozenset(checked.broken)
            # from the end, so that what is taken out of a list moves nothing still to be found
            for item in reversed(error.errors()):
                loc = item["loc"]
                if item["type"] == "missing" and _is_there(mended, loc):
                    continue  # a key with a typo is it
                at = (*path, *loc)
                if not any(at[:end] in before for end in range(len(path), len(at) + 1)):
                    checked.mistakes.append(_mistake(document, model, dict(item), path))
                if _is_there(mended, loc[:-1]):  # and not put aside with another of its list
                    _mend(document, model, mended, loc, item["type"], path, checked)
    return checked


def _mend(
    document: Document, model: type[BaseModel], data: Data, loc: tuple[str | int, ...], what: str,
    path: Path, checked: Checked[Any],
) -> None:  # fmt: skip
    table = _at_loc(data, loc[:-1])
    key = loc[-1]
    parent = _model_at(model, loc[:-1])
    at = (*path, *loc)
    if what == "extra_forbidden" and parent is not None:
        meant = nearest(str(key), [name for name in _keys_of(parent) if name not in table])
        if meant is not None:
            table[meant] = table.pop(key)
            document.also(at, (*at[:-1], meant))
            return
        checked.lacking.add(at[:-1])
        checked.lost.update(_names_in(table.pop(key)))
        return
    if isinstance(table, list):
        if _model_at(model, loc) is None:  # a list of texts is put aside as a whole
            _mend(document, model, data, loc[:-1], what, path, checked)
            return
        checked.lost.update(_names_in(table[int(key)]))
        table[int(key)] = {}  # its place in the list stays taken, so that the others keep theirs
    else:
        checked.lost.update(_names_in(table.pop(key, "")))
        info = _info(parent, str(key)) if parent is not None else None
        if info is not None and info.is_required():
            table[key] = _stand_in(info.annotation)
    checked.broken.add(at)


def _at_loc(data: Data, loc: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - a table or a list
    found: Any = data
    for step in loc:
        found = found[step]
    return found


def _is_there(data: Data, loc: tuple[str | int, ...]) -> bool:
    try:
        _at_loc(data, loc)
    except (KeyError, IndexError):
        return False
    return True


def _stand_in(annotation: Any) -> Data:  # noqa: ANN401 - whatever a model may be annotated with
    if get_origin(annotation) is list:
        return []
    table = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return {} if table or get_origin(annotation) is dict else _STAND_IN


def _names_in(data: Data) -> Iterator[str]:
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    if isinstance(data, dict):
        yield from data
    for each in inner:
        yield from _names_in(each)


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
            names = _keys_of(_model_at(model, loc[:-1]) or model)
            hint = did_you_mean(name, names) or f"there are: {', '.join(names)}"
            return _at(document, "M100", f'unknown key "{name}"', at, hint, key=True)
        case "missing":
            hint = f"add {_EXAMPLES.get(name) or f'`{name}:`'}"
            return _at(
                document, "M102", f'the key "{name}" is missing here', at[:-1], hint, key=True
            )
        case "enum" | "literal_error":
            words = [_shown(word) for word in _expected(item)]
            got = str(item["input"])
            hint = did_you_mean(got, words) or f"one of: {', '.join(words)}"
            if at == ("source", "format") and got.strip(" .").casefold() in _WORKBOOKS:
                hint = "leave it out: a workbook (.xlsx) is known by its content; `sheet` names the sheet"
            return _at(document, "M104", f'"{got}" is not one of the words for {name}', at, hint)
        case "value_error":
            said = str(item["msg"]).removeprefix("Value error, ")
            return _at(document, "M103", f"{name} {said}", at, 'such as "\'", or none')
    takes, hint = _TAKES.get(item["type"], (str(item["msg"]), ""))
    if item["type"] == "string_too_short":
        takes, hint = _NOT_EMPTY.get(name, (takes, hint))
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


def _model_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that the value at `loc` is checked against; None where it is none."""
    found: Any = model
    for part in loc:
        if isinstance(part, int) or get_origin(found) is dict:
            found = next(reversed(getattr(found, "__args__", ())), None)
        elif isinstance(found, type) and issubclass(found, BaseModel):
            info = _info(found, part)
            found = info.annotation if info is not None else None
        else:
            return None
        if get_origin(found) not in (list, dict):
            inner = (found, *getattr(found, "__args__", ()))
            found = next(
                (each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)),
                found,
            )
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _info(model: type[BaseModel], key: str) -> FieldInfo | None:
    return next(
        (info for name, info in model.model_fields.items() if (info.alias or name) == key), None
    )


def _keys_of(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]
