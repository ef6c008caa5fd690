/*
description = "The events that each application of PlanDocket names: its `events`, asked for with include."

[columns]
workshop_id = { type = "VARCHAR" }
application_id = { type = "VARCHAR" }
event_id = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
with listed as (
    select _workshop, id, _file, _row, unnest(from_json(events, '["JSON"]')) as event
    from raw_plandocket__applications
)

select distinct
    _workshop as workshop_id,
    id as application_id,
    json_extract_string(event, '$.id') as event_id,
    _file,
    _row
from listed
