"""Which known word a wrong one was probably meant to be; rather none than a silly one."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

_WORDS = re.compile(r"[^\W_]+")
_LENGTH_MAX = 80  # characters; comparing takes the square of it
_TRIED_MAX = 10  # names that are compared letter by letter


def nearest(word: str, known: Iterable[str], *, parts: bool = True) -> str | None:
    """The known name that `word` is a typo of, or with `parts` a short form or a part, or None.

    A typo changes a letter or two, not a whole word: of names with several words each word must be
    like its counterpart. Capitals and what stands between the words do not matter.

    >>> [nearest(word, ["order_number", "recipient_email"]) for word in ("oder_nubmer", "email", "order_num")]
    ['order_number', 'recipient_email', 'order_number']
    >>> nearest("customer_email", ["customer_number"]) is None, nearest("country", ["account"]) is None
    (True, True)
    """
    names: dict[str, str] = {}
    for name in known:
        if len(name) <= _LENGTH_MAX:
            names.setdefault(name.casefold(), name)
    wanted = word.casefold()
    if not wanted.strip() or len(wanted) > _LENGTH_MAX:
        return None
    turned = [name for key, name in names.items() if sorted(key) == sorted(wanted)]
    if turned:  # letters changed places: form, from
        return turned[0]
    close = get_close_matches(wanted, names, n=_TRIED_MAX, cutoff=0.6)
    for key in close:
        if _is_typo(wanted, key):
            return names[key]
    holding = [key for key in names if parts and _is_part(wanted, key)]
    return names[min(holding, key=len)] if holding else None


def _is_typo(word: str, name: str) -> bool:
    ours, theirs = _WORDS.findall(word), _WORDS.findall(name)
    if max(len(word), len(name)) > 2 and _changes(word, name) <= 1:
        return True
    if len(ours) == len(theirs) > 1:
        return all(_alike(a, b) or b.startswith(a) for a, b in zip(ours, theirs, strict=True))
    return _alike("".join(ours), "".join(theirs))


def _is_part(word: str, name: str) -> bool:
    """Whether one begins with the other, or all words of `word` are words of `name`."""
    shorter = min(len(word), len(name))
    if shorter >= 3 and name.startswith(word):
        return True
    ours, theirs = _WORDS.findall(word), _WORDS.findall(name)
    if shorter >= 4 and word.startswith(name) and len(theirs) == 1:
        return True
    return shorter >= 4 and bool(ours) and set(ours) <= set(theirs)


def _alike(a: str, b: str) -> bool:
    longest = max(len(a), len(b))
    allowed = 0 if longest <= 2 else 1 if longest <= 5 else 2 if longest <= 10 else 3
    return abs(len(a) - len(b)) <= allowed and _changes(a, b) <= allowed


def _changes(a: str, b: str) -> int:
    """Letters to add, drop, replace or swap with the next (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
