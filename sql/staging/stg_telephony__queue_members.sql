/*
description = "Members of the telephone system's queues."
rows_in = "select count(*) from raw_telephony__queue_members"

[columns]
workshop_id = { type = "VARCHAR" }
queue_id = { type = "VARCHAR" }
member_id = { type = "VARCHAR" }
member_name = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select workshop_id, queue_id, member_id, name as member_name, updated_at, _file, _row
from raw_telephony__queue_members
