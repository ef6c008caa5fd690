"""The warning that an endpoint is disabled: one mail to its contact each time, through the outbox."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from exporters.deliveries.addresses import read_url
from exporters.deliveries.orders import Channel, Order
from exporters.deliveries.outbox import queue
from exporters.deliveries.tables import deliveries
from exporters.deliveries.tables_endpoints import endpoints

if TYPE_CHECKING:  # the formats' libraries come with it
    from exporters.formats.table import Language

_TITLES = {
    "nb": "Webhook er slått av: {place}",
    "sv": "Webhook är avstängd: {place}",
    "da": "Webhook er slået fra: {place}",
    "de": "Webhook abgeschaltet: {place}",
    "en": "Webhook disabled: {place}",
}
_CAUSES = {
    "failing": {
        "nb": "Vi har kalt {place} uten å lykkes i 24 timer. Derfor er webhooken slått av.",
        "sv": "Vi har anropat {place} utan att lyckas i 24 timmar. Därför är webhooken avstängd.",
        "da": "Vi har kaldt {place} uden held i 24 timer. Derfor er webhooken slået fra.",
        "de": "Aufrufe von {place} sind seit 24 Stunden erfolglos. Deshalb ist der Webhook abgeschaltet.",
        "en": "Calls to {place} have failed for 24 hours, so the webhook is disabled.",
    },
    "gone": {
        "nb": "{place} svarte at den ikke vil kalles mer (410). Derfor er webhooken slått av.",
        "sv": "{place} svarade att den inte vill anropas mer (410). Därför är webhooken avstängd.",
        "da": "{place} svarede, at den ikke vil kaldes mere (410). Derfor er webhooken slået fra.",
        "de": "{place} antwortete, nicht mehr aufgerufen werden zu wollen (410). Deshalb ist der Webhook "
        "abgeschaltet.",
        "en": "{place} answered that it wants no more calls (410), so the webhook is disabled.",
    },
}
_ADVICE = {
    "nb": "Meldinger som ikke kom fram, blir tatt vare på ({dead} ventet). Rett mottakeren, slå på "
    "endepunktet {endpoint_id} igjen, og send meldingene på nytt.",
    "sv": "Meddelanden som inte kom fram sparas ({dead} väntade). Åtgärda mottagaren, slå på slutpunkten "
    "{endpoint_id} igen och skicka meddelandena på nytt.",
    "da": "Beskeder, der ikke kom frem, bliver gemt ({dead} ventede). Ret modtageren, slå endepunktet "
    "{endpoint_id} til igen, og send beskederne på ny.",
    "de": "Nicht zugestellte Nachrichten bleiben erhalten ({dead} warteten). Beheben Sie den Fehler beim "
    "Empfänger, schalten Sie den Endpunkt {endpoint_id} wieder ein und senden Sie die Nachrichten erneut.",
    "en": "What could not be delivered is kept ({dead} were waiting). Mend the receiver, enable endpoint "
    "{endpoint_id} again, and replay the deliveries.",
}


def order_warning(connection: Connection, now: datetime, endpoint: Any, reason: str, dead: int) -> None:
    """Order the mail, in the language of the endpoint's newest delivery, within the transaction of its end.

    `endpoint`: its row; it has a contact. `dead`: how many deliveries waited for it.
    """
    newest = (
        select(deliveries.c.language)
        .where(deliveries.c.channel == Channel.WEBHOOK, deliveries.c.recipient == endpoint.endpoint_id)
        .order_by(deliveries.c.created_at.desc())
        .limit(1)
    )
    language: Language = connection.execute(newest).scalar_one_or_none() or "en"
    # Without path and query: those may hold a secret.
    place = read_url(endpoint.url).shown
    cause = _CAUSES[reason][language].format(place=place)
    advice = _ADVICE[language].format(dead=dead, endpoint_id=endpoint.endpoint_id)
    warning = Order(
        workshop_id=None,
        account=endpoint.account,
        subject=f"endpoint:{endpoint.endpoint_id}",
        occasion=f"disabled {now.isoformat()}",
        channel=Channel.EMAIL,
        recipient=endpoint.contact,
        format="",
        job_id=None,
        language=language,
        content={"title": _TITLES[language].format(place=place), "note": f"{cause} {advice}"},
    )
    queue(connection, now, [warning])
    warned = update(endpoints).where(endpoints.c.endpoint_id == endpoint.endpoint_id)
    connection.execute(warned.values(warned_at=now))
