/*
title = "Services"
description = "Services alive in the period; without a period, those that are not deleted."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]
batch_type = { name = "RevisionUdvidet", number = 3 }

[arguments]
date_from = { type = "date", title = "From", description = "Leaves out services deleted before this local day." }
date_to = { type = "date", title = "To", description = "Leaves out services created after this local day." }
is_active = { type = "boolean", title = "Active", description = "Only services that can be booked, or only those that cannot." }
category_ids = { type = "list", title = "Categories", description = "Only services in one of these categories, by id." }

[company]
id = 104
name = "Services"
group = "workshop"
class_name = "ReportServices"
added = 2026-11-22

[columns]
service_id = { title = "Service", kind = "text", description = "Identifies the service." }
title = { title = "Title", kind = "text", description = "Title shown to customers." }
categories = { title = "Categories", kind = "text", description = "Categories of the service." }
price = { title = "Price", kind = "money", description = "List price in the workshop's currency." }
duration_minutes = { title = "Minutes", kind = "integer", description = "Planned length." }
is_active = { title = "Active", kind = "boolean", description = "Whether it can be booked." }

[languages.nb]
title = "Tjenester"
arguments = { date_from = "Fra", date_to = "Til", is_active = "Aktiv", category_ids = "Kategorier" }
columns = { service_id = "Tjeneste", title = "Tittel", categories = "Kategorier", price = "Pris", duration_minutes = "Minutter", is_active = "Aktiv" }

[languages.sv]
title = "Tjänster"
arguments = { date_from = "Från", date_to = "Till", is_active = "Aktiv", category_ids = "Kategorier" }
columns = { service_id = "Tjänst", title = "Titel", categories = "Kategorier", price = "Pris", duration_minutes = "Minuter", is_active = "Aktiv" }

[languages.da]
title = "Ydelser"
arguments = { date_from = "Fra", date_to = "Til", is_active = "Aktiv", category_ids = "Kategorier" }
columns = { service_id = "Ydelse", title = "Titel", categories = "Kategorier", price = "Pris", duration_minutes = "Minutter", is_active = "Aktiv" }

[languages.de]
title = "Leistungen"
arguments = { date_from = "Von", date_to = "Bis", is_active = "Aktiv", category_ids = "Kategorien" }
columns = { service_id = "Leistung", title = "Titel", categories = "Kategorien", price = "Preis", duration_minutes = "Minuten", is_active = "Aktiv" }
*/
select
    s.workshop_id,
    s.service_id,
    s.title,
    s.categories,
    s.price,
    s.duration_minutes,
    s.is_active
from services as s
where s.workshop_id = $workshop_id
    and ($date_to is null or s.created_day is null or s.created_day <= $date_to)
    and case
        when $date_from is null and $date_to is null then s.deleted_at is null
        else s.deleted_day is null or $date_from is null or s.deleted_day >= $date_from
    end
    and ($is_active is null or s.is_active = $is_active)
    and ($category_ids is null or list_has_any(s.category_ids, cast($category_ids as varchar[])))
order by s.title, s.service_id
