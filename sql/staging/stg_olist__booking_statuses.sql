/*
description = "The codes that order statuses become."

[columns]
code = { type = "VARCHAR" }
label = { type = "VARCHAR" }
*/
select code, label
from (values ('CONFIRMED', 'Confirmed'), ('COMPLETED', 'Delivered'), ('CANCELLED', 'Cancelled')) as s (code, label)
