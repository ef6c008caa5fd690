"""What a loader of REST sources needs to know of an API: its resources, and who reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipelines.sources.rest_client import Answer, RestError
from pipelines.sources.rest_shapes import Paging
from warehouse.landing import Days


@dataclass(frozen=True)
class Resource:
    """One kind of row that an API lists."""

    path: str
    paging: Paging
    changes: bool = False
    """Its rows never vanish: those that changed are added to what is landed; else all are landed anew."""
    newest_first: bool = False
    """It can be asked for what changed last; else it is read whole."""
    days: tuple[str, str] | None = None
    """Names of the parameters that ask for single days; None: it cannot be asked so."""
    public: bool = False
    """The same for everyone."""
    also_counted: tuple[str, ...] = ()
    """Columns whose values, too, the API may mean by the total of a listing."""

    def parameters(self, position: str | None, days: Days | None) -> Mapping[str, str]:
        """Query of the page at a position."""
        chosen = {}
        if days is not None and self.days is not None:
            first, last = self.days
            chosen = {first: days.first.isoformat(), last: days.last.isoformat()}
        return {**self.paging.parameters(position), **chosen}


@dataclass(frozen=True)
class Origin:
    """Whose rows a reader reads."""

    name: str
    """Name of the input in the landing."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Columns that every row of it has besides the API's own."""


class Reader(Protocol):
    """Reads an API with one credential."""

    @property
    def label(self) -> str:
        """Whose credential it is, for people."""
        ...

    def origin(self) -> Origin:
        """Whose rows it reads; the API may have to be asked.

        Raises:
            RestError: it does not tell.
        """
        ...

    def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """What the API answers at the path.

        Raises:
            StatusError: the API refused, or kept failing.
            RestError: it could not be reached or understood.
        """
        ...


class Api(Protocol):
    """An API as its credentials open it."""

    def resource(self, name: str) -> Resource:
        """The named resource.

        Raises:
            RestError: there is no such.
        """
        ...

    def readers(self, resource: Resource) -> Sequence[Reader]:
        """Those who together read all of a resource."""
        ...


def find_resource(resources: Mapping[str, Resource], name: str) -> Resource:
    """The named one of an API's resources.

    Raises:
        RestError: there is no such.
    """
    if name not in resources:
        raise RestError(f"the API has no resource {name!r}; it has {', '.join(sorted(resources))}")
    return resources[name]
