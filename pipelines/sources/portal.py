"""The workshop portal: its resources, and the workshops whose tokens read them."""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Final

from pipelines.sources.rest_api import Origin, Reader, Resource, find_resource
from pipelines.sources.rest_client import Answer, RestClient, RestError, StatusError
from pipelines.sources.rest_shapes import CursorPages, NumberedPages, SinglePage, unwrap

SHOP: Final = "/api/ws/shop"
REFRESH: Final = "/api/ws/auth/refresh-token"
SHOP_ID: Final = "id"
"""Assumed: the field of `/shop` that identifies the workshop; others are `name` and `org_number`."""
REFRESH_COOKIE: Final = "refresh_token"
"""Assumed: the cookie in which the refresh token travels."""
_NEWEST_FIRST: Final = {"sort": "-updated_at"}
"""Assumed. A server that does not know it is noticed by the order of its rows."""
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_DAYS: Final = ("from", "to")

RESOURCES: Final = {
    "bookings": Resource(
        "/api/ws/v2/bookings", CursorPages(100, _NEWEST_FIRST), changes=True, newest_first=True, days=_DAYS
    ),
    "booking-statuses": Resource("/api/ws/v2/booking-statuses", SinglePage(("statuses", "items"))),
    "services": Resource("/api/ws/services", NumberedPages(200, fixed={"sort": "title"})),
    "ratings": Resource("/api/ws/ratings", NumberedPages(200)),
    "categories": Resource("/api/ws/categories/services", SinglePage(("items", "categories")), public=True),
    "shop": Resource(SHOP, SinglePage()),
}
LEGACY_BOOKINGS: Final = Resource(
    "/api/ws/bookings",
    NumberedPages(200, group_lists=("bookings", "items")),
    changes=True,
    days=_DAYS,
    also_counted=("group_id",),
)


@dataclass(frozen=True)
class Credential:
    """The tokens of one workshop, as the secrets give them."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)


class Workshop:
    """One workshop, read with its own token; a refreshed token is kept in memory."""

    def __init__(self, client: RestClient, credential: Credential, number: int) -> None:
        self._client = client
        self._access, self._refresh = credential.access_token, credential.refresh_token
        self._lock = threading.Lock()
        self._id: str | None = None
        self._number = number

    @property
    def label(self) -> str:
        """See Reader."""
        return f"workshop {self._id}" if self._id else f"workshop no. {self._number} of the secrets"

    def origin(self) -> Origin:
        """See Reader."""
        if self._id is None:
            shop, _ = unwrap(self.get(SHOP, {}).value)
            found = shop.get(SHOP_ID) if isinstance(shop, dict) else None
            if not isinstance(found, str | int) or isinstance(found, bool) or not _ID.fullmatch(str(found)):
                raise RestError(f"{SHOP}: does not tell the workshop's {SHOP_ID}")
            self._id = str(found)
        return Origin(f"workshop={self._id}", {"workshop_id": self._id})

    def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """See Reader; an expired token is refreshed once."""
        token = self._access
        try:
            return self._get(path, parameters, token)
        except StatusError as error:
            if error.status != 401 or self._refresh is None:
                raise
        self._renew(token)
        return self._get(path, parameters, self._access)

    def _get(self, path: str, parameters: Mapping[str, str], token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}"}
        return self._client.call(
            "GET", path, parameters=parameters, headers=headers, secrets=[token, *self._secrets()]
        )

    def _renew(self, expired: str) -> None:
        with self._lock:
            if self._access != expired:
                return  # another thread was first
            headers = {"Cookie": f"{REFRESH_COOKIE}={self._refresh}"}
            try:
                answer = self._client.call("POST", REFRESH, headers=headers, secrets=self._secrets())
            except StatusError as error:
                raise StatusError(
                    f"its token is refused and cannot be refreshed: {error}", error.status
                ) from None
            payload, _ = unwrap(answer.value)
            token = payload.get("access_token") if isinstance(payload, dict) else None
            if not isinstance(token, str) or not is_sendable(token):
                raise RestError(f"POST {REFRESH}: answers no access_token")
            self._refresh = _renewed_cookie(answer) or self._refresh
            self._access = token

    def _secrets(self) -> list[str]:
        return [secret for secret in (self._access, self._refresh) if secret]


@dataclass(frozen=True)
class Everyone:
    """Reads what the portal tells everyone."""

    client: RestClient
    label: str = "the portal"

    def origin(self) -> Origin:
        """See Reader."""
        return Origin("all")

    def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """See Reader."""
        return self.client.call("GET", path, parameters=parameters)


class Portal:
    """The portal as the tokens of its workshops open it."""

    def __init__(
        self, client: RestClient, credentials: Sequence[Credential], *, legacy_bookings: bool
    ) -> None:
        self._client = client
        self._workshops = [Workshop(client, one, number) for number, one in enumerate(credentials, start=1)]
        self._resources = RESOURCES | ({"bookings": LEGACY_BOOKINGS} if legacy_bookings else {})

    def resource(self, name: str) -> Resource:
        """See Api."""
        return find_resource(self._resources, name)

    def readers(self, resource: Resource) -> Sequence[Reader]:
        """See Api."""
        return [Everyone(self._client)] if resource.public else self._workshops


def is_sendable(secret: str) -> bool:
    """Whether a token can stand in a header: what cannot would be quoted in the error about it."""
    return secret.isascii() and secret.isprintable() and not set(secret) & set(' ";,\\') and secret != ""


def _renewed_cookie(answer: Answer) -> str | None:
    """The refresh token that replaces the used one, where the portal sets one."""
    for header in answer.headers.get_list("set-cookie"):
        try:
            cookie = SimpleCookie(header)
        except CookieError:
            continue
        if REFRESH_COOKIE in cookie and is_sendable(cookie[REFRESH_COOKIE].value):
            return cookie[REFRESH_COOKIE].value
    return None
