/*
title = "Ratings"
description = "Every rating first given in the period."
formats = ["csv", "xlsx", "pdf"]

[arguments]
date_from = { type = "date", description = "First local day on which the rating was given." }
date_to = { type = "date", description = "Last local day on which the rating was given." }
rating_min = { type = "decimal", description = "Only ratings of at least this value." }
rating_max = { type = "decimal", description = "Only ratings of at most this value." }
only_public = { type = "boolean", description = "Leave out private ratings." }

[columns]
rating_id = { title = "Rating no.", kind = "text", description = "Identifies the rating." }
booking_id = { title = "Booking", kind = "text", description = "The rated booking." }
rating = { title = "Rating", kind = "decimal", description = "1 to 5, in whole or half steps." }
message = { title = "Message", kind = "text", description = "Text of the review." }
is_private = { title = "Private", kind = "boolean", description = "Seen by the workshop only." }
created_at = { title = "Given", kind = "timestamp", description = "When it was first given, in the workshop's local time." }
*/
select
    r.workshop_id,
    r.rating_id,
    r.booking_id,
    r.rating,
    r.message,
    r.is_private,
    r.created_at at time zone 'UTC' at time zone w.time_zone as created_at
from ratings as r
join workshops as w on w.workshop_id = r.workshop_id
where r.workshop_id = $workshop_id
    and ($date_from is null or r.day >= $date_from)
    and ($date_to is null or r.day <= $date_to)
    and ($rating_min is null or r.rating >= $rating_min)
    and ($rating_max is null or r.rating <= $rating_max)
    and (not coalesce($only_public, false) or not r.is_private)
order by r.day, r.created_at, r.rating_id
