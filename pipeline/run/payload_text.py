"""Payloads as the expectation of a test in a mapping writes them."""

import json
from collections.abc import Iterator

from pipeline.run.trial import OF_THE_RUN


def without_run(data: object) -> object:
    """A payload without the members that no mapping makes."""
    if isinstance(data, dict):
        return {name: without_run(value) for name, value in data.items() if name not in OF_THE_RUN}
    return [without_run(each) for each in data] if isinstance(data, list) else data


def as_yaml(data: object) -> Iterator[str]:
    """Tables and lists line by line, scalars as JSON."""
    if isinstance(data, list):
        for each in data:
            for number, line in enumerate(as_yaml(each)):
                yield f"{'  ' if number else '- '}{line}"
    elif isinstance(data, dict):
        for name, value in data.items():
            if isinstance(value, dict | list) and value:
                yield f"{name}:"
                yield from (f"  {line}" for line in as_yaml(value))
            else:
                yield f"{name}: {json.dumps(value, ensure_ascii=False)}"
    else:
        yield json.dumps(data, ensure_ascii=False)
