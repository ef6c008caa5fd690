/*
description = "Workshops of the booking platform."
rows_in = "select count(*) from raw_platform__workshops"

[columns]
workshop_id = { type = "VARCHAR" }
org_number = { type = "VARCHAR" }
name = { type = "VARCHAR" }
time_zone = { type = "VARCHAR" }
currency = { type = "VARCHAR" }
created_at = { type = "TIMESTAMP WITH TIME ZONE" }
updated_at = { type = "TIMESTAMP WITH TIME ZONE" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    cast(id as varchar) as workshop_id,
    cast(org_number as varchar) as org_number,
    cast(name as varchar) as name,
    cast(time_zone as varchar) as time_zone,
    cast(currency as varchar) as currency,
    cast(created_at as timestamptz) as created_at,
    cast(updated_at as timestamptz) as updated_at,
    _file,
    _row
from raw_platform__workshops
