/*
title = "Revenue"
description = "Done bookings and their revenue per month; the total equals the overview's revenue of the period."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]
batch_type = { name = "Finans", number = 1 }

[arguments]
date_from = { type = "date", title = "From", description = "First local day of the service time." }
date_to = { type = "date", title = "To", description = "Last local day of the service time." }

[company]
id = 103
name = "Revenue"
group = "workshop"
class_name = "ReportRevenue"
added = 2026-11-22

[columns]
period = { title = "Month", kind = "text", description = "Month as YYYY-MM; one that the period cuts counts only the days inside." }
done_jobs = { title = "Done jobs", kind = "integer", total = true, description = "Completed bookings." }
revenue = { title = "Revenue", kind = "money", total = true, description = "Sum of their prices in the workshop's currency; empty: no price is known." }

[group]
name = "year"
title = "Year"

[languages.nb]
title = "Omsetning"
arguments = { date_from = "Fra", date_to = "Til" }
columns = { period = "Måned", done_jobs = "Utførte jobber", revenue = "Omsetning" }
group = "År"

[languages.sv]
title = "Omsättning"
arguments = { date_from = "Från", date_to = "Till" }
columns = { period = "Månad", done_jobs = "Utförda jobb", revenue = "Omsättning" }
group = "År"

[languages.da]
title = "Omsætning"
arguments = { date_from = "Fra", date_to = "Til" }
columns = { period = "Måned", done_jobs = "Udførte job", revenue = "Omsætning" }
group = "År"

[languages.de]
title = "Umsatz"
arguments = { date_from = "Von", date_to = "Bis" }
columns = { period = "Monat", done_jobs = "Erledigte Aufträge", revenue = "Umsatz" }
group = "Jahr"
*/
select
    d.workshop_id,
    strftime(date_trunc('month', d.day), '%Y') as year,
    strftime(date_trunc('month', d.day), '%Y-%m') as period,
    cast(sum(d.done) as bigint) as done_jobs,
    sum(d.revenue) as revenue
from booking_days as d
where d.workshop_id = $workshop_id
    and d.done > 0
    and ($date_from is null or d.day >= $date_from)
    and ($date_to is null or d.day <= $date_to)
group by d.workshop_id, date_trunc('month', d.day)
order by period
