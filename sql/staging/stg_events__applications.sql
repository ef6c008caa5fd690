/*
description = "Applications of the sample of events; instants are unix seconds or ISO 8601."
rows_in = "select count(*) from raw_events__applications"

[columns]
workshop_id = { type = "VARCHAR" }
application_id = { type = "VARCHAR" }
company_name = { type = "VARCHAR", personal = true }
first_name = { type = "VARCHAR", personal = true }
last_name = { type = "VARCHAR", personal = true }
email = { type = "VARCHAR", personal = true }
country = { type = "VARCHAR" }
rating = { type = "VARCHAR" }
created_at = { type = "VARCHAR" }
updated_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select
    workshop_id,
    id as application_id,
    company_name,
    first_name,
    last_name,
    email,
    country,
    rating,
    case
        when regexp_full_match(created_at, '[0-9]{9,11}')
            then cast(to_timestamp(cast(created_at as bigint)) as varchar)
        else created_at
    end as created_at,
    case
        when regexp_full_match(updated_at, '[0-9]{9,11}')
            then cast(to_timestamp(cast(updated_at as bigint)) as varchar)
        else updated_at
    end as updated_at,
    _file,
    _row
from raw_events__applications
