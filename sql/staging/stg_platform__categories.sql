/*
description = "Service categories of the booking platform."
rows_in = "select count(*) from raw_platform__categories"

[columns]
category_id = { type = "VARCHAR" }
name = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    cast(id as varchar) as category_id,
    cast(name as varchar) as name,
    _file,
    _row
from raw_platform__categories
