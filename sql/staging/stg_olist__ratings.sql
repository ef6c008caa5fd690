/*
description = "Reviews: they rate the first item of their order."
rows_in = "select count(*) from raw_olist__order_reviews"

[columns]
rating_id = { type = "VARCHAR" }
booking_id = { type = "VARCHAR" }
rating = { type = "VARCHAR" }
is_private = { type = "BOOLEAN" }
created_at = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    r.review_pk as rating_id,
    r.order_id || '-1' as booking_id,
    r.review_score as rating,
    false as is_private,
    coalesce(
        cast(
            try_strptime(r.review_creation_date, '%m/%d/%Y %H:%M') at time zone z.time_zone at time zone 'UTC'
            as varchar
        ),
        r.review_creation_date
    ) as created_at,
    coalesce(
        cast(
            try_strptime(r.review_answer_timestamp, '%m/%d/%Y %H:%M') at time zone z.time_zone at time zone 'UTC'
            as varchar
        ),
        r.review_answer_timestamp
    ) as updated_at,
    r._file,
    r._row
from raw_olist__order_reviews as r
join sources as z on z.source = 'olist'
