/*
description = "Booking statuses of the workshop portal."
rows_in = "select count(*) from raw_portal__booking_statuses"

[columns]
code = { type = "VARCHAR" }
label = { type = "VARCHAR" }
allowed_transitions = { type = "VARCHAR" }
color = { type = "VARCHAR" }
icon = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    code,
    label,
    coalesce(allowed_transitions, '[]') as allowed_transitions,
    color,
    icon,
    _file,
    _row
from raw_portal__booking_statuses
