/*
title = "Bookings"
description = "Every booking of the period, one row per booked service."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]
batch_type = { name = "Revision", number = 0 }

[arguments]
date_from = { type = "date", title = "From", description = "First local day of the service time." }
date_to = { type = "date", title = "To", description = "Last local day of the service time." }
status = { type = "text", title = "Status", description = "Only bookings with this status code, such as COMPLETED." }

[company]
id = 101
name = "Bookings"
group = "workshop"
class_name = "ReportBookings"
added = 2026-11-22

[columns]
booking_id = { title = "Booking", kind = "text", description = "Identifies the booking." }
group_id = { title = "Group", kind = "text", description = "Shared by bookings made together." }
status = { title = "Status", kind = "text", description = "Status code." }
start_time = { title = "Start", kind = "timestamp", description = "When the service begins, in the workshop's local time." }
service_title = { title = "Service", kind = "text", description = "Title of the booked service." }
category = { title = "Category", kind = "text", description = "Categories of the service." }
registration_number = { title = "Registration", kind = "text", description = "Registration number of the vehicle." }
price = { title = "Price", kind = "money", description = "Price in the workshop's currency." }

[group]
name = "month"
title = "Month"

[languages.nb]
title = "Bestillinger"
arguments = { date_from = "Fra", date_to = "Til", status = "Status" }
columns = { booking_id = "Bestilling", group_id = "Gruppe", status = "Status", start_time = "Start", service_title = "Tjeneste", category = "Kategori", registration_number = "Registreringsnummer", price = "Pris" }
group = "Måned"

[languages.sv]
title = "Bokningar"
arguments = { date_from = "Från", date_to = "Till", status = "Status" }
columns = { booking_id = "Bokning", group_id = "Grupp", status = "Status", start_time = "Start", service_title = "Tjänst", category = "Kategori", registration_number = "Registreringsnummer", price = "Pris" }
group = "Månad"

[languages.da]
title = "Bookinger"
arguments = { date_from = "Fra", date_to = "Til", status = "Status" }
columns = { booking_id = "Booking", group_id = "Gruppe", status = "Status", start_time = "Start", service_title = "Ydelse", category = "Kategori", registration_number = "Registreringsnummer", price = "Pris" }
group = "Måned"

[languages.de]
title = "Buchungen"
arguments = { date_from = "Von", date_to = "Bis", status = "Status" }
columns = { booking_id = "Buchung", group_id = "Gruppe", status = "Status", start_time = "Beginn", service_title = "Leistung", category = "Kategorie", registration_number = "Kennzeichen", price = "Preis" }
group = "Monat"
*/
select
    b.workshop_id,
    strftime(b.day, '%Y-%m') as month,
    b.booking_id,
    b.group_id,
    b.status,
    b.start_time at time zone 'UTC' at time zone w.time_zone as start_time,
    b.service_title,
    b.categories as category,
    b.registration_number,
    b.price
from bookings as b
join workshops as w on w.workshop_id = b.workshop_id
where b.workshop_id = $workshop_id
    and ($date_from is null or b.day >= $date_from)
    and ($date_to is null or b.day <= $date_to)
    and ($status is null or b.status = $status)
order by b.day, b.service_time, b.booking_id
