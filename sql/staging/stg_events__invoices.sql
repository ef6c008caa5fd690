/*
description = "Invoices of the sample of events; instants are unix seconds or ISO 8601."
rows_in = "select count(*) from raw_events__invoices"

[columns]
workshop_id = { type = "VARCHAR" }
invoice_id = { type = "VARCHAR" }
invoice_number = { type = "VARCHAR" }
invoice_type = { type = "VARCHAR" }
related_invoice_id = { type = "VARCHAR" }
participant_id = { type = "VARCHAR" }
status = { type = "VARCHAR" }
currency = { type = "VARCHAR" }
total = { type = "VARCHAR" }
paid_amount = { type = "VARCHAR" }
open_amount = { type = "VARCHAR" }
due_day = { type = "VARCHAR" }
is_locked = { type = "VARCHAR" }
created_at = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
deleted_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    workshop_id,
    id as invoice_id,
    invoice_number,
    invoice_type,
    related_invoice_id,
    event_participant_id as participant_id,
    replace(lower(status), ' ', '_') as status,
    currency,
    total,
    paid_amount,
    open_amount,
    due_date as due_day,
    is_locked,
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
    cast(_vanished as varchar) as deleted_at,
    _file,
    _row
from raw_events__invoices
