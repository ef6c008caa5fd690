/*
description = "The codes that repair statuses become; Unknown becomes none of them."

[columns]
code = { type = "VARCHAR" }
label = { type = "VARCHAR" }
*/
select code, label
from (values ('CONFIRMED', 'Repairable'), ('COMPLETED', 'Fixed'), ('CANCELLED', 'End of life')) as s (code, label)
