/*
title = "Missed calls"
description = "Every missed call to the workshop's queues, one row per call."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]

[arguments]
date_from = { type = "date", title = "From", description = "First local day on which the call came in." }
date_to = { type = "date", title = "To", description = "Last local day on which the call came in." }
time_from = { type = "instant", title = "From the time", description = "Local time from which on calls count." }
time_to = { type = "instant", title = "Before the time", description = "Local time before which calls count." }

[arguments.queue_id]
type = "text"
title = "Queue"
description = "Only calls to this queue."

[arguments.queue_id.entity]
type = "pbx_queue"
sql = "select queue_id as id, name from queues where workshop_id = $workshop_id"

[company]
id = 1
name = "Queue - Missed"
group = "queue"
class_name = "ReportQueueMissed"
added = 2026-11-22
option = "missedCalls"
position = 1

[columns]
call_time = { title = "Time", kind = "timestamp", description = "When the call came in, in the workshop's local time." }
queue = { title = "Queue", kind = "text", description = "The queue that was called." }
caller_number = { title = "Caller", kind = "text", description = "Number of the caller; empty: withheld." }
status = { title = "Status", kind = "text", description = "How the call ended, as the telephone system writes it." }
wait_seconds = { title = "Waited (s)", kind = "integer", description = "Seconds until the call ended." }

[group]
name = "day"
title = "Day"

[languages.nb]
title = "Tapte anrop"
arguments = { date_from = "Fra", date_to = "Til", time_from = "Fra klokkeslett", time_to = "Før klokkeslett", queue_id = "Kø" }
columns = { call_time = "Tidspunkt", queue = "Kø", caller_number = "Innringer", status = "Status", wait_seconds = "Ventet (s)" }
group = "Dag"

[languages.sv]
title = "Missade samtal"
arguments = { date_from = "Från", date_to = "Till", time_from = "Från klockslag", time_to = "Före klockslag", queue_id = "Kö" }
columns = { call_time = "Tidpunkt", queue = "Kö", caller_number = "Uppringare", status = "Status", wait_seconds = "Väntade (s)" }
group = "Dag"

[languages.da]
title = "Mistede opkald"
arguments = { date_from = "Fra", date_to = "Til", time_from = "Fra klokkeslæt", time_to = "Før klokkeslæt", queue_id = "Kø" }
columns = { call_time = "Tidspunkt", queue = "Kø", caller_number = "Opkalder", status = "Status", wait_seconds = "Ventede (s)" }
group = "Dag"

[languages.de]
title = "Verpasste Anrufe"
arguments = { date_from = "Von", date_to = "Bis", time_from = "Ab Uhrzeit", time_to = "Vor Uhrzeit", queue_id = "Warteschlange" }
columns = { call_time = "Zeitpunkt", queue = "Warteschlange", caller_number = "Anrufer", status = "Status", wait_seconds = "Gewartet (s)" }
group = "Tag"
*/
select
    c.workshop_id,
    strftime(c.day, '%Y-%m-%d') as day,
    c.local_time as call_time,
    q.name as queue,
    c.caller_number,
    c.status,
    c.wait_seconds
from calls as c
join queues as q on q.source = c.source and q.workshop_id = c.workshop_id and q.queue_id = c.queue_id
where c.workshop_id = $workshop_id
    and c.outcome = 'missed'
    and ($date_from is null or c.day >= $date_from)
    and ($date_to is null or c.day <= $date_to)
    and ($time_from is null or c.local_time >= $time_from)
    and ($time_to is null or c.local_time < $time_to)
    and ($queue_id is null or c.queue_id = $queue_id)
order by c.day, c.started_at, c.call_id
