/*
description = "Payments of invoices; those that are completed count."
key = ["source", "workshop_id", "payment_id"]
newest = ["updated_at"]
sort = ["workshop_id", "day", "payment_id"]
follows = true

[lookups]
workshops = ["source", "workshop_id"]
invoices = ["source", "workshop_id", "invoice_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop that is paid." }
payment_id = { type = "VARCHAR", required = true, description = "Identifies the payment within its workshop." }
invoice_id = { type = "VARCHAR", required = true, description = "The invoice that is paid." }
event_id = { type = "VARCHAR", derived = true, description = "The invoice's event; null: it has none." }
status = { type = "VARCHAR", required = true, description = "completed, pending, failed or refunded; lower case." }
currency = { type = "VARCHAR", description = "ISO 4217 code of its money; where its source names none, the invoice's." }
amount = { type = "DECIMAL(18,2)", required = true, description = "What was paid; positive." }
fee = { type = "DECIMAL(18,2)", required = true, description = "What the gateway took of it." }
net_amount = { type = "DECIMAL(18,2)", description = "What was left of it, as its source has it." }
net = { type = "DECIMAL(18,2)", derived = true, required = true, description = "What was left of it; where its source does not say, amount less fee." }
gateway_key = { type = "VARCHAR", description = "The gateway it came by; null: none." }
gateway_name = { type = "VARCHAR", description = "Name of the gateway." }
transaction_id = { type = "VARCHAR", personal = true, description = "The gateway's own number of it." }
paid_at = { type = "TIMESTAMP", description = "UTC instant of payment; null: its source tells the day alone, or nothing." }
paid_day = { type = "DATE", description = "Local day of payment, where its source tells the day alone." }
created_at = { type = "TIMESTAMP", required = true, description = "UTC instant." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }
day = { type = "DATE", derived = true, required = true, description = "Local day of payment, else of created_at, in the workshop's zone: the day that figures and date filters use." }

[[checks]]
name = "status_is_known"
description = "Each status is one that is known; only completed payments count."
severity = "warn"
sql = """
select workshop_id, payment_id, status from payments
where status not in ('completed', 'pending', 'failed', 'refunded')
"""
*/
with known as (
    select
        p.* exclude (currency),
        coalesce(p.currency, i.currency) as currency,
        i.event_id,
        cast(coalesce(p.net_amount, p.amount - p.fee) as decimal(18, 2)) as net,
        coalesce(
            p.paid_day,
            cast(coalesce(p.paid_at, p.created_at) at time zone 'UTC' at time zone w.time_zone as date)
        ) as day,
        w.workshop_id as owner,
        i.invoice_id as paid_invoice
    from typed_payments as p
    left join workshops as w on w.source = p.source and w.workshop_id = p.workshop_id
    left join invoices as i
        on i.source = p.source and i.workshop_id = p.workshop_id and i.invoice_id = p.invoice_id
)

select
    k.* exclude (owner, paid_invoice),
    case
        when k.owner is null then 'workshop ' || k.workshop_id || ' is unknown'
        when k.paid_invoice is null
            then 'invoice ' || k.invoice_id || ' is unknown at workshop ' || k.workshop_id
        when not regexp_matches(k.currency, '^[A-Z]{3}$')
            then 'currency ' || left(k.currency, 60) || ' is no ISO 4217 code'
        when k.amount <= 0 then 'amount ' || cast(k.amount as varchar) || ' is not positive'
        when k.fee < 0 then 'fee ' || cast(k.fee as varchar) || ' is negative'
    end as reason
from known as k
