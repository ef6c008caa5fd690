/*
title = "Queue members per hour"
description = "Calls that each member of the workshop's queues answered per local hour; an hour that comes twice when clocks go back is one."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]

[arguments]
date_from = { type = "date", title = "From", description = "First local day on which the calls came in." }
date_to = { type = "date", title = "To", description = "Last local day on which the calls came in." }
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
option = "memberRapportPerHour"
position = 3

[columns]
member = { title = "Member", kind = "text", description = "Who answered; the id, where the name is not known." }
member_id = { title = "Member no.", kind = "text", description = "Identifies who answered." }
hour = { title = "Hour", kind = "timestamp", description = "Beginning of the hour in which the calls came in, in the workshop's local time." }
answered = { title = "Answered", kind = "integer", total = true, description = "Calls that the member answered." }
average_wait = { title = "Average wait (s)", kind = "decimal", description = "Mean seconds until the member answered." }
talk_seconds = { title = "Talked (s)", kind = "integer", total = true, description = "Seconds of talk." }
longest_talk = { title = "Longest talk (s)", kind = "integer", description = "Seconds of the longest talk." }

[group]
name = "member"
title = "Member"

[languages.nb]
title = "Kømedlemmer per time"
arguments = { date_from = "Fra", date_to = "Til", time_from = "Fra klokkeslett", time_to = "Før klokkeslett", queue_id = "Kø" }
columns = { member = "Medlem", member_id = "Medlemsnr.", hour = "Time", answered = "Besvart", average_wait = "Ventetid i snitt (s)", talk_seconds = "Samtaletid (s)", longest_talk = "Lengste samtale (s)" }
group = "Medlem"

[languages.sv]
title = "Kömedlemmar per timme"
arguments = { date_from = "Från", date_to = "Till", time_from = "Från klockslag", time_to = "Före klockslag", queue_id = "Kö" }
columns = { member = "Medlem", member_id = "Medlemsnr", hour = "Timme", answered = "Besvarade", average_wait = "Väntetid i snitt (s)", talk_seconds = "Samtalstid (s)", longest_talk = "Längsta samtal (s)" }
group = "Medlem"

[languages.da]
title = "Kømedlemmer pr. time"
arguments = { date_from = "Fra", date_to = "Til", time_from = "Fra klokkeslæt", time_to = "Før klokkeslæt", queue_id = "Kø" }
columns = { member = "Medlem", member_id = "Medlemsnr.", hour = "Time", answered = "Besvaret", average_wait = "Ventetid i gennemsnit (s)", talk_seconds = "Taletid (s)", longest_talk = "Længste samtale (s)" }
group = "Medlem"

[languages.de]
title = "Mitglieder der Warteschlangen je Stunde"
arguments = { date_from = "Von", date_to = "Bis", time_from = "Ab Uhrzeit", time_to = "Vor Uhrzeit", queue_id = "Warteschlange" }
columns = { member = "Mitglied", member_id = "Mitgliedsnr.", hour = "Stunde", answered = "Angenommen", average_wait = "Wartezeit im Mittel (s)", talk_seconds = "Gesprächszeit (s)", longest_talk = "Längstes Gespräch (s)" }
group = "Mitglied"
*/
with named as (
    select c.*, coalesce(c.member_name, c.member_id, '') as member
    from calls as c
    where c.workshop_id = $workshop_id
        and c.outcome = 'answered'
        and ($date_from is null or c.day >= $date_from)
        and ($date_to is null or c.day <= $date_to)
        and ($time_from is null or c.local_time >= $time_from)
        and ($time_to is null or c.local_time < $time_to)
        and ($queue_id is null or c.queue_id = $queue_id)
)

select
    n.workshop_id,
    n.member,
    n.member_id,
    date_trunc('hour', n.local_time) as hour,
    count(*) as answered,
    cast(avg(n.wait_seconds) as decimal(18, 1)) as average_wait,
    cast(sum(n.talk_seconds) as bigint) as talk_seconds,
    max(n.talk_seconds) as longest_talk
from named as n
group by n.workshop_id, n.member, n.member_id, date_trunc('hour', n.local_time)
order by n.member, n.member_id, hour
