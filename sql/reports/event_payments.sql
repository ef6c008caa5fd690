/*
title = "Event payments"
description = "Payments per currency, status and gateway; amounts of different currencies are never added, and only completed payments are money that came."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]

[arguments]
date_from = { type = "date", title = "From", description = "First local day of payment; of a payment that has none, the day on which it was recorded." }
date_to = { type = "date", title = "To", description = "Last local day of payment; of a payment that has none, the day on which it was recorded." }

[arguments.event_key]
type = "text"
title = "Event"
description = "Only what belongs to the event of this key."

[arguments.event_key.entity]
type = "event"
sql = "select event_key as id, title as name from events where workshop_id = $workshop_id order by event_key"

[company]
id = 204
name = "Event payments"
group = "events"
class_name = "ReportEventPayments"
added = 2026-11-22

[columns]
currency = { title = "Currency", kind = "text", description = "ISO 4217 code of the amounts." }
status = { title = "Status", kind = "text", description = "Status code, such as completed." }
gateway_key = { title = "Gateway key", kind = "text", description = "What the gateway is called by; empty: none." }
gateway = { title = "Gateway", kind = "text", description = "Name of the gateway." }
payments = { title = "Payments", kind = "integer", total = true, description = "Payments." }
amount = { title = "Amount", kind = "decimal", description = "Sum of what was paid." }
fees = { title = "Fees", kind = "decimal", description = "What the gateway took of it." }
net = { title = "Net", kind = "decimal", description = "What was left of it." }

[group]
name = "currency"
title = "Currency"

[languages.nb]
title = "Betalinger"
arguments = { date_from = "Fra", date_to = "Til", event_key = "Arrangement" }
columns = { currency = "Valuta", status = "Status", gateway_key = "Betalingsløsningens nøkkel", gateway = "Betalingsløsning", payments = "Betalinger", amount = "Beløp", fees = "Gebyrer", net = "Netto" }
group = "Valuta"

[languages.sv]
title = "Betalningar"
arguments = { date_from = "Från", date_to = "Till", event_key = "Evenemang" }
columns = { currency = "Valuta", status = "Status", gateway_key = "Betaltjänstens nyckel", gateway = "Betaltjänst", payments = "Betalningar", amount = "Belopp", fees = "Avgifter", net = "Netto" }
group = "Valuta"

[languages.da]
title = "Betalinger"
arguments = { date_from = "Fra", date_to = "Til", event_key = "Arrangement" }
columns = { currency = "Valuta", status = "Status", gateway_key = "Betalingsløsningens nøgle", gateway = "Betalingsløsning", payments = "Betalinger", amount = "Beløb", fees = "Gebyrer", net = "Netto" }
group = "Valuta"

[languages.de]
title = "Zahlungen"
arguments = { date_from = "Von", date_to = "Bis", event_key = "Veranstaltung" }
columns = { currency = "Währung", status = "Status", gateway_key = "Schlüssel des Zahlungsanbieters", gateway = "Zahlungsanbieter", payments = "Zahlungen", amount = "Betrag", fees = "Gebühren", net = "Netto" }
group = "Währung"
*/
select
    p.workshop_id,
    p.currency,
    p.status,
    p.gateway_key,
    max(p.gateway_name) as gateway,
    count(*) as payments,
    sum(p.amount) as amount,
    sum(p.fee) as fees,
    sum(p.net) as net
from payments as p
where p.workshop_id = $workshop_id
    and ($date_from is null or p.day >= $date_from)
    and ($date_to is null or p.day <= $date_to)
    and ($event_key is null or p.event_id in (
        select e.event_id from events as e where e.workshop_id = $workshop_id and e.event_key = $event_key
    ))
group by p.workshop_id, p.currency, p.status, p.gateway_key
order by p.currency, p.status, p.gateway_key nulls last
