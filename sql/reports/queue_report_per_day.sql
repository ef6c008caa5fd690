/*
title = "Queues per day"
description = "Calls to each of the workshop's queues per local day; days without a call are left out."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]

[arguments]
date_from = { type = "date", title = "From", description = "First local day on which the calls came in." }
date_to = { type = "date", title = "To", description = "Last local day on which the calls came in." }

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
option = "queueRapportPerDay"
position = 2

[columns]
queue = { title = "Queue", kind = "text", description = "The queue that was called." }
day = { title = "Day", kind = "date", description = "Local day." }
calls = { title = "Calls", kind = "integer", total = true, description = "Calls, however they ended." }
answered = { title = "Answered", kind = "integer", total = true, description = "Answered calls." }
missed = { title = "Missed", kind = "integer", total = true, description = "Missed calls." }
average_wait = { title = "Average wait (s)", kind = "decimal", description = "Mean seconds until a call was answered or ended." }
longest_wait = { title = "Longest wait (s)", kind = "integer", description = "Seconds of the longest wait." }
talk_seconds = { title = "Talked (s)", kind = "integer", total = true, description = "Seconds of talk." }

[group]
name = "queue"
title = "Queue"

[languages.nb]
title = "Køer per dag"
arguments = { date_from = "Fra", date_to = "Til", queue_id = "Kø" }
columns = { queue = "Kø", day = "Dag", calls = "Anrop", answered = "Besvart", missed = "Tapt", average_wait = "Ventetid i snitt (s)", longest_wait = "Lengste ventetid (s)", talk_seconds = "Samtaletid (s)" }
group = "Kø"

[languages.sv]
title = "Köer per dag"
arguments = { date_from = "Från", date_to = "Till", queue_id = "Kö" }
columns = { queue = "Kö", day = "Dag", calls = "Samtal", answered = "Besvarade", missed = "Missade", average_wait = "Väntetid i snitt (s)", longest_wait = "Längsta väntetid (s)", talk_seconds = "Samtalstid (s)" }
group = "Kö"

[languages.da]
title = "Køer pr. dag"
arguments = { date_from = "Fra", date_to = "Til", queue_id = "Kø" }
columns = { queue = "Kø", day = "Dag", calls = "Opkald", answered = "Besvaret", missed = "Mistet", average_wait = "Ventetid i gennemsnit (s)", longest_wait = "Længste ventetid (s)", talk_seconds = "Taletid (s)" }
group = "Kø"

[languages.de]
title = "Warteschlangen je Tag"
arguments = { date_from = "Von", date_to = "Bis", queue_id = "Warteschlange" }
columns = { queue = "Warteschlange", day = "Tag", calls = "Anrufe", answered = "Angenommen", missed = "Verpasst", average_wait = "Wartezeit im Mittel (s)", longest_wait = "Längste Wartezeit (s)", talk_seconds = "Gesprächszeit (s)" }
group = "Warteschlange"
*/
select
    c.workshop_id,
    q.name as queue,
    c.day,
    count(*) as calls,
    count(*) filter (where c.outcome = 'answered') as answered,
    count(*) filter (where c.outcome = 'missed') as missed,
    cast(avg(c.wait_seconds) as decimal(18, 1)) as average_wait,
    max(c.wait_seconds) as longest_wait,
    cast(sum(c.talk_seconds) as bigint) as talk_seconds
from calls as c
join queues as q on q.source = c.source and q.workshop_id = c.workshop_id and q.queue_id = c.queue_id
where c.workshop_id = $workshop_id
    and ($date_from is null or c.day >= $date_from)
    and ($date_to is null or c.day <= $date_to)
    and ($queue_id is null or c.queue_id = $queue_id)
group by c.workshop_id, q.name, c.queue_id, c.day
order by q.name, c.queue_id, c.day
