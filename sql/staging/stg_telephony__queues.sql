/*
description = "Queues of the telephone system."
rows_in = "select count(*) from raw_telephony__queues"

[columns]
workshop_id = { type = "VARCHAR" }
queue_id = { type = "VARCHAR" }
name = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select workshop_id, id as queue_id, name, updated_at, _file, _row
from raw_telephony__queues
