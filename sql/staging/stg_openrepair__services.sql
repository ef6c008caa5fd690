/*
description = "The repair of one product category by one group."

[columns]
workshop_id = { type = "VARCHAR" }
service_id = { type = "VARCHAR" }
title = { type = "VARCHAR" }
category_ids = { type = "VARCHAR[]" }
is_active = { type = "BOOLEAN" }
created_at = { type = "TIMESTAMP" }
*/
select
    data_provider || ' / ' || group_identifier as workshop_id,
    product_category as service_id,
    product_category as title,
    [product_category] as category_ids,
    true as is_active,
    min(try_cast(event_date as timestamp)) as created_at
from raw_openrepair__repairs
group by data_provider, group_identifier, product_category
