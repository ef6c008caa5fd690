"""Signing in: an API key is exchanged for an access token, as OAuth 2.0's password grant has it."""

import asyncio
from typing import Annotated

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Struct

from api.http.bodies import decode, decode_form, is_form, read_body
from api.http.problems import Refusal
from api.http.services import AnyRequest, Services, encoded
from exporters.access.access_tokens import AccessToken
from exporters.access.errors import CodeRefused, SignInPaused, Unauthenticated

SIGN_IN_PATH = "/oauth2/user-credentials"
_NOT_KEPT = {"cache-control": "no-store", "pragma": "no-cache"}
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="reports"'}


class SignInRequest(Struct, frozen=True):
    """Who signs in, as JSON or as a form."""

    grant_type: Annotated[str, Meta(description="`password`.", examples=["password"])]
    client_id: Annotated[
        str, Meta(description="`external.` and a name for the client.", examples=["external.acme"])
    ]
    username: Annotated[str, Meta(description="The API key's id.", examples=["0123456789abcdef"])]
    password: Annotated[str, Meta(description="The API key.", examples=["rk_0123456789abcdef_…"])]
    tfa: Annotated[
        str | int | None,
        Meta(description="Code of the second factor; empty where none is set up. It must be sent."),
    ] = None


class SignInAnswer(Struct, frozen=True):
    """An access token, to be sent as `Authorization: Bearer`."""

    access_token: str
    token_type: str
    expires_in: Annotated[int, Meta(description="Seconds.", examples=[3600])]


def make_sign_in(services: Services) -> list[HTTPRouteHandler]:
    """The route of signing in."""

    @post(SIGN_IN_PATH, status_code=200)
    async def sign_in(request: AnyRequest) -> Response[bytes]:
        body = await read_body(request)
        asked = decode_form(body, SignInRequest) if is_form(request) else decode(body, SignInRequest)
        return await asyncio.to_thread(_sign_in, services, request, asked)

    return [sign_in]


def _sign_in(services: Services, request: AnyRequest, asked: SignInRequest) -> Response[bytes]:
    if asked.grant_type != "password":
        raise Refusal(400, "UNSUPPORTED_GRANT_TYPE", "grant_type must be 'password'")
    if not (asked.client_id.startswith("external.") and asked.client_id != "external."):
        raise Refusal(400, "INVALID_CLIENT", "client_id must be 'external.' and a name")
    token = _exchange(services, request, asked)
    services.access.audit.read("access token", f"key:{token.key_id}")
    answer = SignInAnswer(token.text, "Bearer", int(token.lasts.total_seconds()))
    return encoded(answer, headers=_NOT_KEPT)


def _exchange(services: Services, request: AnyRequest, asked: SignInRequest) -> AccessToken:
    client = request.client.host if request.client else ""
    code = None if asked.tfa is None else str(asked.tfa)
    try:
        return services.access.sign_in(client, asked.username, asked.password, code)
    except Unauthenticated as error:
        refused = "the username or the password is wrong: send an API key's id, and the key"
        raise Refusal(401, "UNAUTHORIZED", refused, {}, _CHALLENGE) from error
    except CodeRefused as error:
        raise Refusal(402, "CODE_REFUSED", str(error)) from error
    except SignInPaused as error:
        wait = {"Retry-After": str(error.retry_after_seconds)}
        raise Refusal(429, "RATE_LIMITED", str(error), {}, wait) from error
