/*
description = "Who holds the events of the sample."
rows_in = "select count(*) from raw_events__workshops"

[columns]
workshop_id = { type = "VARCHAR" }
org_number = { type = "VARCHAR" }
name = { type = "VARCHAR" }
time_zone = { type = "VARCHAR" }
currency = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    id as workshop_id,
    org_number,
    name,
    time_zone,
    currency,
    _file,
    _row
from raw_events__workshops
