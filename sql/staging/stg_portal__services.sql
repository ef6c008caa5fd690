/*
description = "Services of the workshop portal: values as text, judged with the entity."
rows_in = "select count(*) from raw_portal__services"

[columns]
workshop_id = { type = "VARCHAR" }
service_id = { type = "VARCHAR" }
title = { type = "VARCHAR" }
description = { type = "VARCHAR" }
category_ids = { type = "VARCHAR" }
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
    workshop_id,
    id as service_id,
    title,
    description,
    coalesce(category_ids, '[]') as category_ids,
    price,
    duration_minutes,
    is_active,
    created_at,
    updated_at,
    coalesce(deleted_at, cast(_vanished as varchar)) as deleted_at,
    _file,
    _row
from raw_portal__services
