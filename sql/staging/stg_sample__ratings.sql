/*
description = "Ratings of the sample platform."
rows_in = "select count(*) from raw_sample__ratings"

[columns]
rating_id = { type = "VARCHAR" }
booking_id = { type = "VARCHAR" }
rating = { type = "VARCHAR" }
message = { type = "VARCHAR", personal = true }
is_private = { type = "VARCHAR" }
created_at = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    cast(id as varchar) as rating_id,
    cast(booking_id as varchar) as booking_id,
    cast(service_rating as varchar) as rating,
    cast(service_rating_message as varchar) as message,
    coalesce(cast(private_service_rating as varchar), 'false') as is_private,
    cast(created_at as varchar) as created_at,
    cast(updated_at as varchar) as updated_at,
    _file,
    _row
from raw_sample__ratings
