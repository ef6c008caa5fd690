/*
description = "Services of the sample platform: values as text whatever the file holds, judged with the entity."
rows_in = "select count(*) from raw_sample__services"

[columns]
workshop_id = { type = "VARCHAR" }
service_id = { type = "VARCHAR" }
title = { type = "VARCHAR" }
description = { type = "VARCHAR" }
category_ids = { type = "VARCHAR[]" }
price = { type = "VARCHAR" }
duration_minutes = { type = "VARCHAR" }
is_active = { type = "VARCHAR" }
created_at = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
deleted_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    cast(workshop_id as varchar) as workshop_id,
    cast(id as varchar) as service_id,
    title,
    description,
    cast(category_ids as varchar[]) as category_ids,
    cast(price as varchar) as price,
    cast(duration_minutes as varchar) as duration_minutes,
    cast(is_active as varchar) as is_active,
    cast(created_at as varchar) as created_at,
    cast(updated_at as varchar) as updated_at,
    coalesce(cast(deleted_at as varchar), cast(_vanished as varchar)) as deleted_at,
    _file,
    _row
from raw_sample__services
