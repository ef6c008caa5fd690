/*
description = "Workshops that only the telephone system knows; others come from the source of their bookings."
rows_in = "select count(*) from raw_telephony__workshops"

[columns]
workshop_id = { type = "VARCHAR" }
org_number = { type = "VARCHAR" }
name = { type = "VARCHAR" }
time_zone = { type = "VARCHAR" }
currency = { type = "VARCHAR" }
created_at = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select id as workshop_id, org_number, name, time_zone, currency, created_at, updated_at, _file, _row
from raw_telephony__workshops
