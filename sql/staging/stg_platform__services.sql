/*
description = "Services of the booking platform, typed as its tables are."
rows_in = "select count(*) from raw_platform__services"

[columns]
workshop_id = { type = "VARCHAR" }
service_id = { type = "VARCHAR" }
title = { type = "VARCHAR" }
description = { type = "VARCHAR" }
category_ids = { type = "VARCHAR[]" }
price = { type = "DECIMAL(18,2)" }
duration_minutes = { type = "BIGINT" }
is_active = { type = "BOOLEAN" }
created_at = { type = "TIMESTAMP WITH TIME ZONE" }
updated_at = { type = "TIMESTAMP WITH TIME ZONE" }
deleted_at = { type = "TIMESTAMP WITH TIME ZONE" }
_reason = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    cast(workshop_id as varchar) as workshop_id,
    cast(id as varchar) as service_id,
    cast(title as varchar) as title,
    cast(description as varchar) as description,
    cast(category_ids as varchar[]) as category_ids,
    try_cast(price as decimal(18,2)) as price,
    cast(duration_minutes as bigint) as duration_minutes,
    cast(is_active as boolean) as is_active,
    cast(created_at as timestamptz) as created_at,
    cast(updated_at as timestamptz) as updated_at,
    coalesce(cast(deleted_at as timestamptz), _vanished at time zone 'UTC') as deleted_at,
    case
        when price is not null and try_cast(price as decimal(18,2)) is null
            then 'price ''' || cast(price as varchar) || ''' is not DECIMAL(18,2)'
        when try_cast(price as decimal(38,10)) <> try_cast(price as decimal(18,2))
            then 'price ''' || cast(price as varchar) || ''' has too many decimals'
    end as _reason,
    _file,
    _row
from raw_platform__services
