/*
description = "Events of the sample of events."
rows_in = "select count(*) from raw_events__events"

[columns]
workshop_id = { type = "VARCHAR" }
event_id = { type = "VARCHAR" }
event_key = { type = "VARCHAR" }
title = { type = "VARCHAR" }
country = { type = "VARCHAR" }
city = { type = "VARCHAR" }
first_day = { type = "VARCHAR" }
last_day = { type = "VARCHAR" }
is_visible = { type = "VARCHAR" }
deleted_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    workshop_id,
    id as event_id,
    event_key,
    title,
    country,
    city,
    date_from as first_day,
    date_to as last_day,
    is_visible,
    cast(_vanished as varchar) as deleted_at,
    _file,
    _row
from raw_events__events
