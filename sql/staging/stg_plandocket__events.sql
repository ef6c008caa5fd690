/*
description = "Events of PlanDocket."
rows_in = "select count(*) from raw_plandocket__events"

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
    _workshop as workshop_id,
    id as event_id,
    event_key,
    title,
    country,
    city,
    case
        -- An hour of the same day wherever midnight was meant.
        when regexp_full_match(date_from, '[0-9]{9,11}')
            then strftime(to_timestamp(cast(date_from as bigint) + 43200), '%Y-%m-%d')
        else left(date_from, 10)
    end as first_day,
    case
        -- An hour of the same day wherever midnight was meant.
        when regexp_full_match(date_to, '[0-9]{9,11}')
            then strftime(to_timestamp(cast(date_to as bigint) + 43200), '%Y-%m-%d')
        else left(date_to, 10)
    end as last_day,
    is_visible,
    cast(_vanished as varchar) as deleted_at,
    _file,
    _row
from raw_plandocket__events
