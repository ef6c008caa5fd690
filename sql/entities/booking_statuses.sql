/*
description = "Status codes that the sources declare. Codes may grow: a booking may carry one that is not here."
key = ["source", "code"]
sort = ["source", "code"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
code = { type = "VARCHAR", required = true, description = "Upper-case code." }
label = { type = "VARCHAR", description = "Name for people, as the source writes it." }
allowed_transitions = { type = "VARCHAR[]", description = "Codes that may follow." }
color = { type = "VARCHAR", description = "Colour of the status in the source's pages." }
icon = { type = "VARCHAR", description = "Icon of the status in the source's pages." }
*/
select s.*, cast(null as varchar) as reason
from typed_booking_statuses as s
