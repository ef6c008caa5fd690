"""Kerberos for webhooks: a token for each call, by SPNEGO, and the receiver must prove itself, too.

It needs the extra `kerberos`; the domain's controller is found by the system's own Kerberos configuration.
"""

import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import httpx

from exporters.deliveries.addresses import Place
from exporters.deliveries.webhook_auth import KERBEROS_MISSING, Auth
from exporters.deliveries.webhook_calls import Answer, CallFailed, Line


def post(line: Line, place: Place, auth: Auth, headers: Mapping[str, str], body: bytes) -> Answer:
    """Send the body with a token from the first request on, all on one connection.

    Raises:
        CallFailed: the extra is missing, no ticket was given, the receiver did not prove itself, or there was
            no answer.
    """
    try:
        gssapi, errors = import_module("gssapi"), import_module("httpx_gssapi.exceptions")
    except ImportError:
        raise CallFailed("KERBEROS_MISSING", KERBEROS_MISSING) from None
    try:
        flow = _negotiation(gssapi, auth).auth_flow(httpx.Request("POST", f"{place.shown}/"))
        request = next(flow)
        while True:
            token = {"Authorization": request.headers["Authorization"]}
            answer = line.post({**headers, **token}, body)
            said = httpx.Response(answer.status, headers=dict(answer.headers), content=b"", request=request)
            try:
                request = flow.send(said)
            except StopIteration:
                return answer
    except (gssapi.exceptions.GSSError, errors.SPNEGOExchangeError):
        raise CallFailed("KERBEROS_FAILED", "no Kerberos ticket for the receiver could be had") from None
    except errors.MutualAuthenticationError:
        raise CallFailed("KERBEROS_FAILED", "the receiver did not prove itself by Kerberos") from None


def _negotiation(gssapi: Any, auth: Auth) -> Any:
    negotiation = import_module("httpx_gssapi")
    # It logs tokens and the names of users.
    logging.getLogger("httpx_gssapi").setLevel(logging.CRITICAL)
    name = gssapi.Name(principal_of(auth.key), gssapi.NameType.kerberos_principal)
    acquired = gssapi.raw.acquire_cred_with_password(
        name,
        auth.value.encode(),
        usage="initiate",
        mechs=[negotiation.SPNEGO],  # which is not among those by default, and is what is negotiated
    )
    return negotiation.HTTPSPNEGOAuth(
        mutual_authentication=negotiation.REQUIRED,
        opportunistic_auth=True,
        delegate=False,
        creds=gssapi.Credentials(base=acquired.creds),
    )


def principal_of(key: str) -> str:
    """The Kerberos principal of `domain@user`: its realm is the domain in capitals, or the system's own."""
    domain, _, user = key.rpartition("@")
    return f"{user}@{domain.upper()}" if domain else user
