/*
description = "Ratings of the booking platform, typed as its tables are."
rows_in = "select count(*) from raw_platform__ratings"

[columns]
rating_id = { type = "VARCHAR" }
booking_id = { type = "VARCHAR" }
rating = { type = "DECIMAL(3,1)" }
message = { type = "VARCHAR", personal = true }
is_private = { type = "BOOLEAN" }
created_at = { type = "TIMESTAMP WITH TIME ZONE" }
updated_at = { type = "TIMESTAMP WITH TIME ZONE" }
_reason = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    cast(id as varchar) as rating_id,
    cast(booking_id as varchar) as booking_id,
    try_cast(service_rating as decimal(3,1)) as rating,
    cast(service_rating_message as varchar) as message,
    coalesce(cast(private_service_rating as boolean), false) as is_private,
    cast(created_at as timestamptz) as created_at,
    cast(updated_at as timestamptz) as updated_at,
    case
        when service_rating is not null and try_cast(service_rating as decimal(3,1)) is null
            then 'rating ''' || cast(service_rating as varchar) || ''' is not DECIMAL(3,1)'
        when try_cast(service_rating as decimal(38,10)) <> try_cast(service_rating as decimal(3,1))
            then 'rating ''' || cast(service_rating as varchar) || ''' has too many decimals'
    end as _reason,
    _file,
    _row
from raw_platform__ratings
