/*
description = "Bookings of the sample platform: values as text whatever the file holds, judged with the entity."
rows_in = "select count(*) from raw_sample__bookings"

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
    cast(id as varchar) as booking_id,
    cast(group_id as varchar) as group_id,
    cast(workshop_id as varchar) as workshop_id,
    cast(service_id as varchar) as service_id,
    cast(customer_id as varchar) as customer_id,
    cast(customer_name as varchar) as customer_name,
    cast(registration_number as varchar) as registration_number,
    cast(status as varchar) as status,
    cast(start_time as varchar) as start_time,
    cast(end_time as varchar) as end_time,
    cast(completed_at as varchar) as completed_at,
    cast(cancelled_at as varchar) as cancelled_at,
    cast(cancellation_reason as varchar) as cancellation_reason,
    cast(price as varchar) as price,
    cast(currency as varchar) as currency,
    cast(walk_in as varchar) as walk_in,
    cast(notes as varchar) as notes,
    cast(created_at as varchar) as created_at,
    cast(updated_at as varchar) as updated_at,
    _file,
    _row
from raw_sample__bookings
