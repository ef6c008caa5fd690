/*
description = "Ratings by customers, at most one per booking; its value may change later, its day does not."
key = ["source", "booking_id"]
newest = ["updated_at", "try_cast(rating_id as bigint)"]
sort = ["workshop_id", "day", "rating_id"]
follows = true

[lookups]
bookings = ["source", "booking_id"]
workshops = ["source", "workshop_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", derived = true, required = true, description = "Workshop of the rated booking." }
rating_id = { type = "VARCHAR", required = true, description = "Identifies the rating within its source." }
booking_id = { type = "VARCHAR", required = true, description = "The rated booking." }
rating = { type = "DECIMAL(3,1)", required = true, description = "1 to 5, in whole or half steps." }
message = { type = "VARCHAR", personal = true, description = "Text of the review." }
is_private = { type = "BOOLEAN", required = true, description = "Seen by the workshop only; counts in its own figures." }
created_at = { type = "TIMESTAMP", required = true, description = "UTC instant of the first rating." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }
day = { type = "DATE", derived = true, required = true, description = "Local day of created_at in the workshop's zone." }
*/
select
    r.*,
    b.workshop_id,
    cast(r.created_at at time zone 'UTC' at time zone w.time_zone as date) as day,
    case
        when b.booking_id is null then 'booking ' || r.booking_id || ' is unknown'
        when r.rating < 1 or r.rating > 5 then 'rating ' || cast(r.rating as varchar) || ' is not 1 to 5'
        when r.rating * 2 <> floor(r.rating * 2)
            then 'rating ' || cast(r.rating as varchar) || ' is not a whole or half step'
    end as reason
from typed_ratings as r
left join bookings as b on b.source = r.source and b.booking_id = r.booking_id
left join workshops as w on w.source = b.source and w.workshop_id = b.workshop_id
