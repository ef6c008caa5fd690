"""The shapes in which the APIs answer: pages of rows, however they are wrapped and numbered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipelines.sources.rest_client import RestError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """One page of a resource."""

    rows: Sequence[Row]
    next: str | None
    """Position of the next page; None: this is the last one."""
    total: int | None = None
    """How many there are on all pages, where the API tells."""
    place: str | None = None
    """Field of the answer that lists the rows, such as `data.items`; None: they are not there as one list."""


class Paging(Protocol):
    """How a resource is read page by page; a position is text that the API or the paging gave."""

    def parameters(self, position: str | None) -> Mapping[str, str]:
        """Query of the page at the position; None: the first."""
        ...

    def page(self, answer: Any, position: str | None) -> Page:
        """The page in an answer.

        Raises:
            RestError: the answer is not of the shape.
        """
        ...


@dataclass(frozen=True)
class SinglePage:
    """All rows in one answer: a list, the list below one of the names, or without names the answer itself."""

    names: tuple[str, ...] = ()

    def parameters(self, position: str | None) -> Mapping[str, str]:  # noqa: ARG002 - see Paging
        """See Paging."""
        return {}

    def page(self, answer: Any, position: str | None) -> Page:  # noqa: ARG002 - see Paging
        """See Paging."""
        payload, _ = unwrap(answer)
        if not self.names:
            return Page(_rows([payload]), None)
        rows, place = _listed(answer, payload, self.names)
        return Page(rows, None, place=place)


@dataclass(frozen=True)
class NumberedPages:
    """Pages numbered from 1, their size and the total in `meta`."""

    size: int
    size_name: str = "page_size"
    fixed: Mapping[str, str] = field(default_factory=dict)
    group_lists: tuple[str, ...] = ()
    """Where rows come in groups: what the list of a group's rows may be called; a row may stand alone."""

    def parameters(self, position: str | None) -> Mapping[str, str]:
        """See Paging."""
        return {"page": position or "1", self.size_name: str(self.size), **self.fixed}

    def page(self, answer: Any, position: str | None) -> Page:
        """See Paging."""
        payload, meta = unwrap(answer)
        entries, place = _listed(answer, payload, ("items",))
        number = int(position or "1")
        total, last = _count(meta, "total"), _count(meta, "last_page")
        size = _count(meta, self.size_name) or self.size
        if last is not None:
            more = number < last
        elif total is not None:
            more = number * size < total
        else:
            more = len(entries) >= size
        following = str(number + 1) if more and entries else None
        if not self.group_lists:
            return Page(entries, following, total, place)
        return Page([row for entry in entries for row in self._ungrouped(entry)], following, total)

    def _ungrouped(self, entry: Row) -> Sequence[Row]:
        for name in self.group_lists:
            if isinstance(entry.get(name), list):
                group = {"group_id": entry["group_id"]} if "group_id" in entry else {}
                return [group | dict(row) for row in _rows(entry[name])]
        return [entry]


@dataclass(frozen=True)
class CursorPages:
    """Pages that each name the next one's cursor in `page_info`."""

    limit: int
    fixed: Mapping[str, str] = field(default_factory=dict)

    def parameters(self, position: str | None) -> Mapping[str, str]:
        """See Paging."""
        return {"limit": str(self.limit), **self.fixed} | ({"cursor": position} if position else {})

    def page(self, answer: Any, position: str | None) -> Page:
        """See Paging."""
        payload, meta = unwrap(answer)
        rows, place = _listed(answer, payload, ("items",))
        info = payload.get("page_info") if isinstance(payload, dict) else None
        info = info or meta.get("page_info")
        if not isinstance(info, dict) or not isinstance(info.get("has_more"), bool):
            raise RestError("the answer has no page_info that tells whether there is more")
        if not info["has_more"]:
            return Page(rows, None, place=place)
        cursor = info.get("next_cursor")
        if not isinstance(cursor, str | int) or isinstance(cursor, bool) or cursor == "":
            raise RestError("the answer says that there is more, but names no next_cursor")
        if str(cursor) == position:
            raise RestError("the answer names the cursor that it was asked for as the next one")
        return Page(rows, str(cursor), place=place)


def unwrap(answer: Any) -> tuple[Any, Mapping[str, Any]]:
    """The payload and the meta of an answer, whether or not it is wrapped in `data` and `meta`."""
    if not isinstance(answer, dict):
        return answer, {}
    meta = answer.get("meta")
    payload = answer["data"] if isinstance(answer.get("data"), dict | list) else answer
    if payload is not answer and isinstance(payload, dict) and isinstance(payload.get("meta"), dict):
        meta = payload["meta"]
    return payload, meta if isinstance(meta, dict) else {}


def _listed(answer: Any, payload: Any, names: Sequence[str]) -> tuple[Sequence[Row], str]:
    """The list of rows in an answer's payload, and its place in the answer."""
    root = () if payload is answer else ("data",)
    if isinstance(payload, list):
        return _rows(payload), ".".join(root)
    if isinstance(payload, dict):
        for name in names:
            if isinstance(payload.get(name), list):
                return _rows(payload[name]), ".".join((*root, name))
    raise RestError(f"the answer has no list {' or '.join(names)}")


def _rows(entries: Sequence[Any]) -> Sequence[Row]:
    if any(kind is not dict for kind in set(map(type, entries))):
        raise RestError("the answer lists something that is not an object")
    return entries


def _count(meta: Mapping[str, Any], name: str) -> int | None:
    value = meta.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
