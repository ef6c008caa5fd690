/*
description = "Participants of the sample of events; instants are unix seconds or ISO 8601."
rows_in = "select count(*) from raw_events__participants"

[columns]
workshop_id = { type = "VARCHAR" }
participant_id = { type = "VARCHAR" }
event_id = { type = "VARCHAR" }
contact_id = { type = "VARCHAR", personal = true }
is_confirmed = { type = "VARCHAR" }
created_at = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
deleted_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    workshop_id,
    id as participant_id,
    event_id,
    contact_id,
    is_confirmed,
    case
        when regexp_full_match(created_at, '[0-9]{9,11}')
            then cast(to_timestamp(cast(created_at as bigint)) as varchar)
        else created_at
    end as created_at,
    case
        when regexp_full_match(updated_at, '[0-9]{9,11}')
            then cast(to_timestamp(cast(updated_at as bigint)) as varchar)
        else updated_at
    end as updated_at,
    cast(_vanished as varchar) as deleted_at,
    _file,
    _row
from raw_events__participants
