/*
title = "Event revenue"
description = "Invoices per currency and month, credit notes subtracted, drafts and cancelled ones left out; amounts of different currencies are never added."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]

[arguments]
date_from = { type = "date", title = "From", description = "First local day on which the invoices were made." }
date_to = { type = "date", title = "To", description = "Last local day on which the invoices were made." }

[arguments.event_key]
type = "text"
title = "Event"
description = "Only what belongs to the event of this key."

[arguments.event_key.entity]
type = "event"
sql = "select event_key as id, title as name from events where workshop_id = $workshop_id order by event_key"

[company]
id = 201
name = "Event revenue"
group = "events"
class_name = "ReportEventRevenue"
added = 2026-11-22

[columns]
currency = { title = "Currency", kind = "text", description = "ISO 4217 code of the amounts." }
period = { title = "Month", kind = "text", description = "Month as YYYY-MM; one that the period cuts counts only the days inside." }
invoice_count = { title = "Invoices", kind = "integer", total = true, description = "Invoices, credit notes not among them." }
credit_note_count = { title = "Credit notes", kind = "integer", total = true, description = "Credit notes." }
invoiced = { title = "Invoiced", kind = "decimal", description = "Sum of the invoices less that of the credit notes." }
paid = { title = "Paid", kind = "decimal", description = "What was paid of them." }
open = { title = "Open", kind = "decimal", description = "What is to be paid of them." }

[group]
name = "currency"
title = "Currency"

[languages.nb]
title = "Arrangementsomsetning"
arguments = { date_from = "Fra", date_to = "Til", event_key = "Arrangement" }
columns = { currency = "Valuta", period = "Måned", invoice_count = "Fakturaer", credit_note_count = "Kreditnotaer", invoiced = "Fakturert", paid = "Betalt", open = "Utestående" }
group = "Valuta"

[languages.sv]
title = "Evenemangsomsättning"
arguments = { date_from = "Från", date_to = "Till", event_key = "Evenemang" }
columns = { currency = "Valuta", period = "Månad", invoice_count = "Fakturor", credit_note_count = "Kreditfakturor", invoiced = "Fakturerat", paid = "Betalt", open = "Utestående" }
group = "Valuta"

[languages.da]
title = "Arrangementsomsætning"
arguments = { date_from = "Fra", date_to = "Til", event_key = "Arrangement" }
columns = { currency = "Valuta", period = "Måned", invoice_count = "Fakturaer", credit_note_count = "Kreditnotaer", invoiced = "Faktureret", paid = "Betalt", open = "Udestående" }
group = "Valuta"

[languages.de]
title = "Veranstaltungsumsatz"
arguments = { date_from = "Von", date_to = "Bis", event_key = "Veranstaltung" }
columns = { currency = "Währung", period = "Monat", invoice_count = "Rechnungen", credit_note_count = "Gutschriften", invoiced = "Fakturiert", paid = "Bezahlt", open = "Offen" }
group = "Währung"
*/
select
    i.workshop_id,
    i.currency,
    strftime(date_trunc('month', i.day), '%Y-%m') as period,
    count(*) filter (where i.invoice_type = 'invoice') as invoice_count,
    count(*) filter (where i.invoice_type = 'credit_note') as credit_note_count,
    sum(i.invoiced) as invoiced,
    sum(i.paid) as paid,
    sum(i.open) as open
from invoices as i
where i.workshop_id = $workshop_id
    and i.counts
    and ($date_from is null or i.day >= $date_from)
    and ($date_to is null or i.day <= $date_to)
    and ($event_key is null or i.event_id in (
        select e.event_id from events as e where e.workshop_id = $workshop_id and e.event_key = $event_key
    ))
group by i.workshop_id, i.currency, date_trunc('month', i.day)
order by i.currency, period
