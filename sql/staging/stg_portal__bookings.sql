/*
description = "Bookings of the workshop portal: values as text, judged with the entity."
rows_in = "select count(*) from raw_portal__bookings"

[columns]
booking_id = { type = "VARCHAR" }
group_id = { type = "VARCHAR" }
workshop_id = { type = "VARCHAR" }
service_id = { type = "VARCHAR" }
customer_id = { type = "VARCHAR", personal = true }
customer_name = { type = "VARCHAR", personal = true }
registration_number = { type = "VARCHAR", personal = true }
status = { type = "VARCHAR" }
start_time = { type = "VARCHAR" }
end_time = { type = "VARCHAR" }
completed_at = { type = "VARCHAR" }
cancelled_at = { type = "VARCHAR" }
cancellation_reason = { type = "VARCHAR", personal = true }
price = { type = "VARCHAR" }
currency = { type = "VARCHAR" }
walk_in = { type = "VARCHAR" }
notes = { type = "VARCHAR", personal = true }
created_at = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    id as booking_id,
    group_id,
    workshop_id,
    service_id,
    customer_id,
    customer_name,
    registration_number,
    status,
    start_time,
    end_time,
    completed_at,
    cancelled_at,
    cancellation_reason,
    price,
    currency,
    walk_in,
    notes,
    created_at,
    updated_at,
    _file,
    _row
from raw_portal__bookings
