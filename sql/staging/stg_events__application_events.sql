/*
description = "The events that each application of the sample names."
rows_in = "select count(*) from raw_events__application_events"

[columns]
workshop_id = { type = "VARCHAR" }
application_id = { type = "VARCHAR" }
event_id = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    workshop_id,
    application_id,
    event_id,
    _file,
    _row
from raw_events__application_events
