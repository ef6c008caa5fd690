/*
description = "Repairs. An event has a date only: it begins at midnight of the source's zone."
rows_in = "select count(*) from raw_openrepair__repairs"

[columns]
booking_id = { type = "VARCHAR" }
workshop_id = { type = "VARCHAR" }
service_id = { type = "VARCHAR" }
status = { type = "VARCHAR" }
start_time = { type = "VARCHAR" }
notes = { type = "VARCHAR", personal = true }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    id as booking_id,
    data_provider || ' / ' || group_identifier as workshop_id,
    product_category as service_id,
    case repair_status
        when 'Fixed' then 'COMPLETED'
        when 'End of life' then 'CANCELLED'
        when 'Repairable' then 'CONFIRMED'
        else upper(repair_status)
    end as status,
    event_date as start_time,
    problem as notes,
    _file,
    _row
from raw_openrepair__repairs
