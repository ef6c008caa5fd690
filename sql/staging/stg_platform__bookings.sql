/*
description = "Bookings of the booking platform, typed as its tables are."
rows_in = "select count(*) from raw_platform__bookings"

[columns]
booking_id = { type = "VARCHAR" }
group_id = { type = "VARCHAR" }
workshop_id = { type = "VARCHAR" }
service_id = { type = "VARCHAR" }
customer_id = { type = "VARCHAR", personal = true }
customer_name = { type = "VARCHAR", personal = true }
registration_number = { type = "VARCHAR", personal = true }
status = { type = "VARCHAR" }
start_time = { type = "TIMESTAMP WITH TIME ZONE" }
end_time = { type = "TIMESTAMP WITH TIME ZONE" }
completed_at = { type = "TIMESTAMP WITH TIME ZONE" }
cancelled_at = { type = "TIMESTAMP WITH TIME ZONE" }
cancellation_reason = { type = "VARCHAR", personal = true }
price = { type = "DECIMAL(18,2)" }
currency = { type = "VARCHAR" }
walk_in = { type = "BOOLEAN" }
notes = { type = "VARCHAR", personal = true }
created_at = { type = "TIMESTAMP WITH TIME ZONE" }
updated_at = { type = "TIMESTAMP WITH TIME ZONE" }
_reason = { type = "VARCHAR" }
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
    cast(start_time as timestamptz) as start_time,
    cast(end_time as timestamptz) as end_time,
    cast(completed_at as timestamptz) as completed_at,
    cast(cancelled_at as timestamptz) as cancelled_at,
    cast(cancellation_reason as varchar) as cancellation_reason,
    try_cast(price as decimal(18,2)) as price,
    cast(currency as varchar) as currency,
    cast(walk_in as boolean) as walk_in,
    cast(notes as varchar) as notes,
    cast(created_at as timestamptz) as created_at,
    cast(updated_at as timestamptz) as updated_at,
    case
        when price is not null and try_cast(price as decimal(18,2)) is null
            then 'price ''' || cast(price as varchar) || ''' is not DECIMAL(18,2)'
        when try_cast(price as decimal(38,10)) <> try_cast(price as decimal(18,2))
            then 'price ''' || cast(price as varchar) || ''' has too many decimals'
    end as _reason,
    _file,
    _row
from raw_platform__bookings
