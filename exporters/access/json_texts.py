"""JSON from strangers: read so that it means one thing only."""

import json
from typing import Any


def read_object(data: bytes) -> dict[str, Any]:
    """The object that the bytes are.

    Raises:
        ValueError: they are none, or a name stands twice in one.
    """
    try:
        value = json.loads(data, object_pairs_hook=_once_each)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004  the text is wrong, not the program
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
