"""The reports page: its files, read once, and the headers that keep everything foreign out of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler

from api.http.services import AnyRequest, is_known

PAGE = "/dashboard/reports"

_FOLDER = Path(__file__).resolve().parent.parent / "page"
_INDEX = "index.html"
_MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src {connect};"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Asked about at each visit, so that no page runs with the parts of another version.
    "cache-control": "no-cache",
}


@dataclass(frozen=True)
class _Asset:
    content: bytes
    media_type: str
    etag: str


def make_routes(store_origins: Sequence[str] = ()) -> list[HTTPRouteHandler]:
    """The routes of the page.

    `store_origins` are where downloads may be redirected to, such as `https://bucket.s3.amazonaws.com`: the
    page may then fetch from there.
    """
    assets = _read_assets()
    headers = _HEADERS | {
        "content-security-policy": _POLICY.format(connect=" ".join(["'self'", *store_origins]))
    }

    @get(PAGE)
    async def show_page(request: AnyRequest) -> Response[Any]:
        return _send(request, assets[_INDEX], headers)

    @get(PAGE + "/{name:str}")
    async def send_asset(request: AnyRequest) -> Response[Any]:
        name = request.path_params["name"]
        if name not in assets or name == _INDEX:
            raise NotFoundException
        return _send(request, assets[name], headers)

    return [show_page, send_asset]


def _read_assets() -> dict[str, _Asset]:
    return {
        path.name: _Asset(content, _MEDIA_TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _MEDIA_TYPES
        for content in [path.read_bytes()]
    }


def _send(request: AnyRequest, asset: _Asset, headers: dict[str, str]) -> Response[Any]:
    tagged = headers | {"etag": asset.etag}
    if is_known(request, asset.etag):
        return Response(b"", status_code=304, headers=tagged)
    return Response(asset.content, media_type=asset.media_type, headers=tagged)
