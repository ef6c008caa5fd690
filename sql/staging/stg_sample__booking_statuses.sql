/*
description = "Booking statuses of the sample platform."
rows_in = "select count(*) from raw_sample__booking_statuses"

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
    code,
    label,
    case
        when allowed_transitions is null then cast([] as varchar[]) else string_split(allowed_transitions, '|')
    end as allowed_transitions,
    color,
    icon,
    _file,
    _row
from raw_sample__booking_statuses
