/*
description = "Payments of the sample of events; instants are unix seconds or ISO 8601."
rows_in = "select count(*) from raw_events__payments"

[columns]
workshop_id = { type = "VARCHAR" }
payment_id = { type = "VARCHAR" }
invoice_id = { type = "VARCHAR" }
status = { type = "VARCHAR" }
currency = { type = "VARCHAR" }
amount = { type = "VARCHAR" }
fee = { type = "VARCHAR" }
net_amount = { type = "VARCHAR" }
gateway_key = { type = "VARCHAR" }
gateway_name = { type = "VARCHAR" }
transaction_id = { type = "VARCHAR", personal = true }
paid_at = { type = "VARCHAR" }
paid_day = { type = "VARCHAR" }
created_at = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    workshop_id,
    id as payment_id,
    invoice_id,
    coalesce(lower(status), 'completed') as status,
    currency,
    amount,
    coalesce(gateway_fee, '0') as fee,
    net_amount,
    gateway_key,
    gateway_name,
    transaction_id,
    case
        when regexp_full_match(payment_date, '[0-9]{9,11}')
            then cast(to_timestamp(cast(payment_date as bigint)) as varchar)
        when length(payment_date) > 10 then payment_date
    end as paid_at,
    case
        when length(payment_date) <= 10 and not regexp_full_match(payment_date, '[0-9]{9,11}')
            then payment_date
    end as paid_day,
    case
        when regexp_full_match(created_at, '[0-9]{9,11}')
            then cast(to_timestamp(cast(created_at as bigint)) as varchar)
        else created_at
    end as created_at,
    case
        when regexp_full_match(updated_at, '[0-9]{9,11}')
            then cast(to_timestamp(cast(updated_at as bigint)) as varchar)
        else updated_at
    end as updated_at,
    _file,
    _row
from raw_events__payments
