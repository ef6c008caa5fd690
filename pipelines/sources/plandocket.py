"""PlanDocket: its resources, and the one key that reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pipelines.sources.rest_api import Origin, Reader, Resource, find_resource
from pipelines.sources.rest_client import Answer, RestClient
from pipelines.sources.rest_shapes import NumberedPages

_PAGES: Final = NumberedPages(size=100, size_name="per_page")
"""Assumed: `page`, `per_page`, `meta.total` and `meta.last_page`."""

_INCLUDED: Final = {"applications": {"include": "events"}}
"""Related data that rows need: an application may name several events."""

RESOURCES: Final = {
    name: Resource(f"/api/v1/{name}", replace(_PAGES, fixed=_INCLUDED.get(name, {})))
    for name in ("events", "participants", "applications", "invoices", "payments")
}


@dataclass(frozen=True)
class PlanDocket:
    """PlanDocket as one API key opens it; also the key's reader."""

    client: RestClient
    api_key: str = field(repr=False)

    label: str = field(default="PlanDocket", init=False)

    def resource(self, name: str) -> Resource:
        """See Api."""
        return find_resource(RESOURCES, name)

    def readers(self, resource: Resource) -> Sequence[Reader]:  # noqa: ARG002 - see Api
        """See Api."""
        return [self]

    def origin(self) -> Origin:
        """See Reader."""
        return Origin("all")

    def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """See Reader."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return self.client.call("GET", path, parameters=parameters, headers=headers, secrets=[self.api_key])
