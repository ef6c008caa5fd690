/*
description = "Ratings of the workshop portal."
rows_in = "select count(*) from raw_portal__ratings"

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
    id as rating_id,
    booking_id,
    service_rating as rating,
    service_rating_message as message,
    coalesce(private_service_rating, 'false') as is_private,
    created_at,
    updated_at,
    _file,
    _row
from raw_portal__ratings
