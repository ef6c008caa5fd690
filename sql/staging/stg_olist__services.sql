/*
description = "A product as one seller sells it, at its newest price."
rows_in = "select count(distinct (seller_id, product_id)) from raw_olist__order_items"

[columns]
workshop_id = { type = "VARCHAR" }
service_id = { type = "VARCHAR" }
title = { type = "VARCHAR" }
category_ids = { type = "VARCHAR[]" }
price = { type = "VARCHAR" }
is_active = { type = "BOOLEAN" }
created_at = { type = "TIMESTAMP" }
updated_at = { type = "TIMESTAMP" }
*/
with sold as (
    select
        i.seller_id,
        i.product_id,
        i.price,
        i.order_id,
        i.order_item_id,
        try_strptime(o.order_purchase_timestamp, '%m/%d/%Y %H:%M') at time zone z.time_zone at time zone 'UTC' as sold_at
    from raw_olist__order_items as i
    left join raw_olist__orders as o on o.order_id = i.order_id
    join sources as z on z.source = 'olist'
),

ranked as (
    select
        *,
        min(sold_at) over (partition by seller_id, product_id) as first_sold_at,
        row_number() over (
            partition by seller_id, product_id order by sold_at desc nulls last, order_id desc, order_item_id desc
        ) as age
    from sold
)

select
    r.seller_id as workshop_id,
    r.product_id as service_id,
    coalesce(t.product_category_name_english, p.product_category_name, 'Uncategorised')
    || ' ' || left(r.product_id, 6) as title,
    [coalesce(t.product_category_name_english, p.product_category_name, 'Uncategorised')] as category_ids,
    r.price,
    true as is_active,
    r.first_sold_at as created_at,
    r.sold_at as updated_at
from ranked as r
left join raw_olist__products as p on p.product_id = r.product_id
left join raw_olist__translations as t on t.product_category_namept = p.product_category_name
where r.age = 1
