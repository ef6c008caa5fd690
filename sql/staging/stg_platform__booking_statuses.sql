/*
description = "Booking statuses of the booking platform; transitions as a list or as text, joined by |."
rows_in = "select count(*) from raw_platform__booking_statuses"

[columns]
code = { type = "VARCHAR" }
label = { type = "VARCHAR" }
allowed_transitions = { type = "VARCHAR[]" }
color = { type = "VARCHAR" }
icon = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    cast(code as varchar) as code,
    cast(label as varchar) as label,
    case
        when cast(allowed_transitions as varchar) in ('', '[]') or allowed_transitions is null
            then cast([] as varchar[])
        else string_split(trim(replace(cast(allowed_transitions as varchar), ', ', '|'), '[]'), '|')
    end as allowed_transitions,
    cast(color as varchar) as color,
    cast(icon as varchar) as icon,
    _file,
    _row
from raw_platform__booking_statuses
