/*
title = "Event overview"
description = "The headline figures of revenue, participants, applications and payments; money once for each currency."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]

[arguments]
date_from = { type = "date", title = "From", description = "First local day: of an invoice, a participant and an application the one on which it was made, of a payment that of payment." }
date_to = { type = "date", title = "To", description = "Last local day: of an invoice, a participant and an application the one on which it was made, of a payment that of payment." }

[arguments.event_key]
type = "text"
title = "Event"
description = "Only what belongs to the event of this key."

[arguments.event_key.entity]
type = "event"
sql = "select event_key as id, title as name from events where workshop_id = $workshop_id order by event_key"

[company]
id = 205
name = "Event overview"
group = "events"
class_name = "ReportEventOverview"
added = 2026-11-22

[columns]
area = { title = "Area", kind = "text", description = "revenue, participants, applications or payments." }
figure = { title = "Figure", kind = "text", description = "Which figure of it, such as invoiced." }
currency = { title = "Currency", kind = "text", description = "ISO 4217 code of an amount, or of what is counted; empty: of no currency." }
value = { title = "Value", kind = "decimal", description = "The figure." }

[group]
name = "area"
title = "Area"

[languages.nb]
title = "Arrangementsoversikt"
arguments = { date_from = "Fra", date_to = "Til", event_key = "Arrangement" }
columns = { area = "Område", figure = "Nøkkeltall", currency = "Valuta", value = "Verdi" }
group = "Område"

[languages.sv]
title = "Evenemangsöversikt"
arguments = { date_from = "Från", date_to = "Till", event_key = "Evenemang" }
columns = { area = "Område", figure = "Nyckeltal", currency = "Valuta", value = "Värde" }
group = "Område"

[languages.da]
title = "Arrangementsoversigt"
arguments = { date_from = "Fra", date_to = "Til", event_key = "Arrangement" }
columns = { area = "Område", figure = "Nøgletal", currency = "Valuta", value = "Værdi" }
group = "Område"

[languages.de]
title = "Veranstaltungsübersicht"
arguments = { date_from = "Von", date_to = "Bis", event_key = "Veranstaltung" }
columns = { area = "Bereich", figure = "Kennzahl", currency = "Währung", value = "Wert" }
group = "Bereich"
*/
with revenue as (
    select i.workshop_id, i.currency, i.invoiced, i.paid, i.open, i.invoice_type
    from invoices as i
    where i.workshop_id = $workshop_id
        and i.counts
        and ($date_from is null or i.day >= $date_from)
        and ($date_to is null or i.day <= $date_to)
        and ($event_key is null or i.event_id in (
            select e.event_id from events as e where e.workshop_id = $workshop_id and e.event_key = $event_key
        ))
),

people as (
    select p.workshop_id, p.is_confirmed
    from participants as p
    where p.workshop_id = $workshop_id
        and p.deleted_at is null
        and ($date_from is null or p.day >= $date_from)
        and ($date_to is null or p.day <= $date_to)
        and ($event_key is null or p.event_id in (
            select e.event_id from events as e where e.workshop_id = $workshop_id and e.event_key = $event_key
        ))
),

applied as (
    select a.workshop_id, a.rating
    from applications as a
    where a.workshop_id = $workshop_id
        and ($date_from is null or a.day >= $date_from)
        and ($date_to is null or a.day <= $date_to)
        and ($event_key is null or a.application_id in (
            select l.application_id
            from application_events as l
            join events as e on e.workshop_id = l.workshop_id and e.event_id = l.event_id
            where l.workshop_id = $workshop_id and e.event_key = $event_key
        ))
),

received as (
    select
        p.workshop_id,
        p.currency,
        case when p.status = 'completed' then 1 else 0 end as counted,
        case when p.status = 'completed' then p.amount else 0 end as amount,
        case when p.status = 'completed' then p.fee else 0 end as fee,
        case when p.status = 'completed' then p.net else 0 end as net
    from payments as p
    where p.workshop_id = $workshop_id
        and ($date_from is null or p.day >= $date_from)
        and ($date_to is null or p.day <= $date_to)
        and ($event_key is null or p.event_id in (
            select e.event_id from events as e where e.workshop_id = $workshop_id and e.event_key = $event_key
        ))
),

figures as (
    select workshop_id, 11 as place, 'revenue' as area, 'invoiced' as figure, currency, sum(invoiced) as value
    from revenue group by workshop_id, currency
    union all
    select workshop_id, 12, 'revenue', 'paid', currency, sum(paid) from revenue group by workshop_id, currency
    union all
    select workshop_id, 13, 'revenue', 'open', currency, sum(open) from revenue group by workshop_id, currency
    union all
    select
        workshop_id, 14, 'revenue', 'invoice_count', currency,
        count(*) filter (where invoice_type = 'invoice')
    from revenue group by workshop_id, currency
    union all
    select workshop_id, 21, 'participants', 'total', null, count(*) from people group by workshop_id
    union all
    select workshop_id, 22, 'participants', 'confirmed', null, count(*) filter (where is_confirmed)
    from people group by workshop_id
    union all
    select workshop_id, 23, 'participants', 'unconfirmed', null, count(*) filter (where not is_confirmed)
    from people group by workshop_id
    union all
    select workshop_id, 31, 'applications', 'total', null, count(*) from applied group by workshop_id
    union all
    select workshop_id, 32, 'applications', 'rating_avg', null, cast(
            case
                -- Halves are rounded up; a division would leave the decimals.
                when count(rating) > 0
                    then (200 * sum(cast(rating as bigint)) + count(rating)) // (2 * count(rating)) * 0.01
            end as decimal(9, 2)
        )
    from applied group by workshop_id
    union all
    select workshop_id, 41, 'payments', 'count', currency, sum(counted)
    from received group by workshop_id, currency
    union all
    select workshop_id, 42, 'payments', 'amount', currency, sum(amount)
    from received group by workshop_id, currency
    union all
    select workshop_id, 43, 'payments', 'fees', currency, sum(fee)
    from received group by workshop_id, currency
    union all
    select workshop_id, 44, 'payments', 'net', currency, sum(net)
    from received group by workshop_id, currency
)

select f.workshop_id, f.area, f.figure, f.currency, cast(f.value as decimal(38, 2)) as value
from figures as f
order by f.place, f.currency
