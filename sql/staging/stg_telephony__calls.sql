/*
description = "Calls of the telephone system: values as text whatever the file holds, judged with the entity."
rows_in = "select count(*) from raw_telephony__calls"

[columns]
workshop_id = { type = "VARCHAR" }
call_id = { type = "VARCHAR" }
queue_id = { type = "VARCHAR" }
caller_number = { type = "VARCHAR", personal = true }
status = { type = "VARCHAR" }
member_id = { type = "VARCHAR" }
started_at = { type = "VARCHAR" }
wait_seconds = { type = "VARCHAR" }
talk_seconds = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    workshop_id,
    id as call_id,
    queue_id,
    caller_number,
    status,
    member_id,
    started_at,
    wait_seconds,
    talk_seconds,
    updated_at,
    _file,
    _row
from raw_telephony__calls
