/*
title = "Ratings"
description = "Every rating first given in the period."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]
batch_type = { name = "ReelleEjere", number = 2 }
listens = ["ratings", "rating_sum"]

[arguments]
date_from = { type = "date", title = "From", description = "First local day on which the rating was given." }
date_to = { type = "date", title = "To", description = "Last local day on which the rating was given." }
rating_min = { type = "decimal", title = "Rating from", description = "Only ratings of at least this value." }
rating_max = { type = "decimal", title = "Rating to", description = "Only ratings of at most this value." }
only_public = { type = "boolean", title = "Public only", description = "Leave out private ratings." }

[company]
id = 102
name = "Ratings"
group = "workshop"
class_name = "ReportRatings"
added = 2026-11-22

[columns]
rating_id = { title = "Rating no.", kind = "text", description = "Identifies the rating." }
booking_id = { title = "Booking", kind = "text", description = "The rated booking." }
rating = { title = "Rating", kind = "decimal", description = "1 to 5, in whole or half steps." }
message = { title = "Message", kind = "text", description = "Text of the review." }
is_private = { title = "Private", kind = "boolean", description = "Seen by the workshop only." }
created_at = { title = "Given", kind = "timestamp", description = "When it was first given, in the workshop's local time." }

[group]
name = "month"
title = "Month"

[languages.nb]
title = "Vurderinger"
arguments = { date_from = "Fra", date_to = "Til", rating_min = "Vurdering fra", rating_max = "Vurdering til", only_public = "Bare offentlige" }
columns = { rating_id = "Vurderingsnr.", booking_id = "Bestilling", rating = "Vurdering", message = "Melding", is_private = "Privat", created_at = "Gitt" }
group = "Måned"

[languages.sv]
title = "Betyg"
arguments = { date_from = "Från", date_to = "Till", rating_min = "Betyg från", rating_max = "Betyg till", only_public = "Endast offentliga" }
columns = { rating_id = "Betygsnr.", booking_id = "Bokning", rating = "Betyg", message = "Meddelande", is_private = "Privat", created_at = "Givet" }
group = "Månad"

[languages.da]
title = "Bedømmelser"
arguments = { date_from = "Fra", date_to = "Til", rating_min = "Bedømmelse fra", rating_max = "Bedømmelse til", only_public = "Kun offentlige" }
columns = { rating_id = "Bedømmelsesnr.", booking_id = "Booking", rating = "Bedømmelse", message = "Besked", is_private = "Privat", created_at = "Givet" }
group = "Måned"

[languages.de]
title = "Bewertungen"
arguments = { date_from = "Von", date_to = "Bis", rating_min = "Bewertung ab", rating_max = "Bewertung bis", only_public = "Nur öffentliche" }
columns = { rating_id = "Bewertungsnr.", booking_id = "Buchung", rating = "Bewertung", message = "Nachricht", is_private = "Privat", created_at = "Abgegeben" }
group = "Monat"
*/
select
    r.workshop_id,
    strftime(r.day, '%Y-%m') as month,
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
