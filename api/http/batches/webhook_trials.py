"""Trial calls of webhooks: a made-up report is told of, once, and what came of it is the answer."""

import asyncio
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from api.http.batches.answers import describe_outcome
from api.http.batches.records import Records, account_of
from api.http.batches.requests import read_auth_config
from api.http.bodies import read_body
from api.http.problems import Refusal
from api.http.services import AnyRequest, encoded
from exporters.access.audit_events import Action
from exporters.batches.errors import BatchError
from exporters.batches.webhook_trials import try_webhook
from exporters.deliveries.addresses import AddressRefused, read_url

WEBHOOK_TEST = "/apps/reporting/webhooktest"


def make_webhook_trials(records: Records) -> list[HTTPRouteHandler]:
    """The routes of trial calls."""

    @get(WEBHOOK_TEST)
    async def test_webhook(request: AnyRequest) -> Response[bytes]:
        if request.scope["state"]["head"]:  # it would call, and who asks so wants nothing to be done
            raise Refusal(
                405, "METHOD_NOT_ALLOWED", "the path takes GET", {}, {"Allow": "GET, POST, OPTIONS"}
            )
        return await asyncio.to_thread(_try, records, request, None)

    @post(WEBHOOK_TEST, status_code=200)
    async def test_webhook_with_auth(request: AnyRequest) -> Response[bytes]:
        auth = read_auth_config(await read_body(request))
        return await asyncio.to_thread(_try, records, request, auth)

    return [test_webhook, test_webhook_with_auth]


def _try(records: Records, request: AnyRequest, auth: dict[str, Any] | None) -> Response[bytes]:
    account_of(request)
    told = request.query_params.dict()
    given = {name: values[-1] for name, values in told.items()}
    url = given.get("url", "")
    try:
        place = read_url(url)
    except AddressRefused as error:
        raise BatchError("url", str(error)) from error
    records.tell(request, Action.WEBHOOK_TESTED, place=place.shown)
    services = records.services
    outcome = try_webhook(url, auth, given, services.exports.catalogue, services.deliveries)
    return encoded(describe_outcome(outcome))
