/*
description = "Invoices and credit notes, as their source has them and as they count: drafts and cancelled ones count nothing, credit notes count negative."
key = ["source", "workshop_id", "invoice_id"]
newest = ["updated_at"]
sort = ["workshop_id", "day", "invoice_id"]
follows = true

[lookups]
workshops = ["source", "workshop_id"]
participants = ["source", "workshop_id", "participant_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop that bills." }
invoice_id = { type = "VARCHAR", required = true, description = "Identifies the invoice within its workshop." }
invoice_number = { type = "VARCHAR", description = "Number on the invoice." }
invoice_type = { type = "VARCHAR", required = true, description = "invoice or credit_note." }
related_invoice_id = { type = "VARCHAR", description = "The invoice that a credit note is for." }
participant_id = { type = "VARCHAR", description = "The participant it is for; null: none." }
event_id = { type = "VARCHAR", derived = true, description = "The participant's event; null: it has none, or the participant is unknown." }
status = { type = "VARCHAR", required = true, description = "draft, sent, partially_paid, paid, overdue, cancelled or refunded; lower case." }
currency = { type = "VARCHAR", description = "ISO 4217 code of all its money; where its source names none, the workshop's." }
total = { type = "DECIMAL(18,2)", required = true, description = "Sum of the invoice, as its source has it." }
paid_amount = { type = "DECIMAL(18,2)", description = "What was paid of it, as its source has it." }
open_amount = { type = "DECIMAL(18,2)", description = "What is to be paid of it, as its source has it." }
due_day = { type = "DATE", description = "Day by which it is to be paid." }
is_locked = { type = "BOOLEAN", description = "Whether it was sent and cannot change any more." }
created_at = { type = "TIMESTAMP", required = true, description = "UTC instant." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }
deleted_at = { type = "TIMESTAMP", description = "UTC instant since which its source has it no more; null: it is there." }
day = { type = "DATE", derived = true, required = true, description = "Local day of created_at in the workshop's zone: the day that figures and date filters use." }
counts = { type = "BOOLEAN", derived = true, required = true, description = "Whether it is revenue: neither draft nor cancelled, and not gone." }
invoiced = { type = "DECIMAL(18,2)", derived = true, required = true, description = "Its sum as it counts: negative for a credit note, 0 where it does not count." }
paid = { type = "DECIMAL(18,2)", derived = true, required = true, description = "What was paid, as it counts." }
open = { type = "DECIMAL(18,2)", derived = true, required = true, description = "What is to be paid, as it counts; where its source does not say, the sum less what was paid." }

[[checks]]
name = "status_is_known"
description = "Each status is one that is known; an unknown one counts as revenue."
severity = "warn"
sql = """
select workshop_id, invoice_id, status from invoices
where status not in ('draft', 'sent', 'partially_paid', 'paid', 'overdue', 'cancelled', 'refunded')
"""

[[checks]]
name = "participant_is_known"
description = "Each participant that an invoice names is known; one that is not, is of no event."
severity = "warn"
sql = "select workshop_id, invoice_id, participant_id from invoices where participant_id is not null and event_id is null"

[[checks]]
name = "locked_stays"
description = "No locked invoice is gone from its source: numbers that were reported would have changed."
severity = "warn"
sql = "select workshop_id, invoice_id, invoice_number from invoices where is_locked and deleted_at is not null"
*/
with known as (
    select
        i.* exclude (currency),
        coalesce(i.currency, w.currency) as currency,
        w.workshop_id as owner,
        w.time_zone,
        p.event_id,
        i.status not in ('draft', 'cancelled') and i.deleted_at is null as counts,
        case when i.invoice_type = 'credit_note' then -1 else 1 end as sign
    from typed_invoices as i
    left join workshops as w on w.source = i.source and w.workshop_id = i.workshop_id
    left join participants as p
        on p.source = i.source and p.workshop_id = i.workshop_id and p.participant_id = i.participant_id
)

select
    k.* exclude (owner, time_zone, sign),
    cast(k.created_at at time zone 'UTC' at time zone k.time_zone as date) as day,
    cast(case when k.counts then k.sign * abs(k.total) else 0 end as decimal(18, 2)) as invoiced,
    cast(
        case when k.counts then k.sign * abs(coalesce(k.paid_amount, 0)) else 0 end as decimal(18, 2)
    ) as paid,
    cast(
        case
            when not k.counts then 0
            when k.open_amount is null then k.sign * (abs(k.total) - abs(coalesce(k.paid_amount, 0)))
            when k.sign < 0 then -abs(k.open_amount)
            else k.open_amount -- below zero where more was paid than asked
        end as decimal(18, 2)
    ) as open,
    case
        when k.owner is null then 'workshop ' || k.workshop_id || ' is unknown'
        when k.invoice_type not in ('invoice', 'credit_note')
            then 'invoice type ' || k.invoice_type || ' is neither invoice nor credit_note'
        when k.currency is null then 'currency is missing, and the workshop has none'
        when not regexp_matches(k.currency, '^[A-Z]{3}$')
            then 'currency ' || left(k.currency, 60) || ' is no ISO 4217 code'
        when k.invoice_type = 'invoice' and (k.total < 0 or k.paid_amount < 0)
            then 'an invoice of a negative sum, ' || cast(k.total as varchar)
    end as reason
from known as k
