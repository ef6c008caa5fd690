"""Opening the API of a REST source with its secrets; what was opened serves the whole process."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pipelines.sources.plandocket import PlanDocket
from pipelines.sources.portal import Credential, Portal, is_sendable
from pipelines.sources.rest_api import Api
from pipelines.sources.rest_client import Pace, Patience, RestClient
from pipelines.sources.secrets import SecretsError
from warehouse.sources import RestSource


def open_api(name: str, source: RestSource, secrets: Mapping[str, Any], patience: Patience) -> Api:
    """The API of the named source; the same object for the same secrets, for tokens that were refreshed.

    Raises:
        SecretsError: the secrets lack something, or hold what cannot be sent.
    """
    match source.api:
        case "workshop_portal":
            credentials = _credentials(name, secrets.get("workshops"))
            return _open_portal(source.url, source.pace, patience, credentials, source.legacy_bookings)
        case "plandocket":
            key = _secret(f"[{name}] api_key", secrets.get("api_key"))
            return PlanDocket(_open_client(source.url, source.pace, patience), key)


@lru_cache
def _open_client(url: str, pace: float, patience: Patience) -> RestClient:
    return RestClient(url, Pace(pace), patience)


@lru_cache
def _open_portal(
    url: str, pace: float, patience: Patience, credentials: tuple[Credential, ...], legacy_bookings: bool
) -> Portal:
    client = _open_client(url, pace, patience)
    return Portal(client, credentials, legacy_bookings=legacy_bookings)


def _credentials(name: str, declared: object) -> tuple[Credential, ...]:
    if not isinstance(declared, list) or not declared:
        raise SecretsError(
            f"the secrets of {name} name no workshop: add [[{name}.workshops]] with access_token"
        )
    found = []
    for number, workshop in enumerate(declared, start=1):
        place = f"[[{name}.workshops]] no. {number}"
        if not isinstance(workshop, dict):
            raise SecretsError(f"{place}: must be a table")
        refresh = workshop.get("refresh_token")
        found.append(
            Credential(
                _secret(f"{place} access_token", workshop.get("access_token")),
                None if refresh is None else _secret(f"{place} refresh_token", refresh),
            )
        )
    return tuple(found)


def _secret(place: str, value: object) -> str:
    if not isinstance(value, str) or not is_sendable(value):
        raise SecretsError(f"{place}: is missing, or has characters that cannot be sent")
    return value
