/*
description = "Services of the sample platform."
rows_in = "select count(*) from raw_sample__services"

[columns]
workshop_id = { type = "VARCHAR" }
service_id = { type = "VARCHAR" }
title = { type = "VARCHAR" }
description = { type = "VARCHAR" }
category_ids = { type = "VARCHAR[]" }
price = { type = "DECIMAL(18,2)" }
duration_minutes = { type = "BIGINT" }
is_active = { type = "BOOLEAN" }
created_at = { type = "TIMESTAMP" }
updated_at = { type = "TIMESTAMP" }
deleted_at = { type = "TIMESTAMP" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    cast(workshop_id as varchar) as workshop_id,
    cast(id as varchar) as service_id,
    title,
    description,
    cast(category_ids as varchar[]) as category_ids,
    cast(price as decimal(18, 2)) as price,
    cast(duration_minutes as bigint) as duration_minutes,
    cast(is_active as boolean) as is_active,
    cast(created_at as timestamptz) at time zone 'UTC' as created_at,
    cast(updated_at as timestamptz) at time zone 'UTC' as updated_at,
    cast(deleted_at as timestamptz) at time zone 'UTC' as deleted_at,
    _file,
    _row
from raw_sample__services
