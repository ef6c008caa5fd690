/*
description = "One booking per ordered item; an order without items is set aside."
rows_in = "select (select count(*) from raw_olist__order_items) + (select count(*) from raw_olist__orders as o where not exists (select 1 from raw_olist__order_items as i where i.order_id = o.order_id))"

[columns]
booking_id = { type = "VARCHAR" }
group_id = { type = "VARCHAR" }
workshop_id = { type = "VARCHAR" }
service_id = { type = "VARCHAR" }
customer_id = { type = "VARCHAR", personal = true }
status = { type = "VARCHAR" }
start_time = { type = "VARCHAR" }
completed_at = { type = "VARCHAR" }
price = { type = "VARCHAR" }
created_at = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
_reason = { type = "VARCHAR" }

[[checks]]
name = "delivered_has_date"
description = "Each delivered order tells when it was delivered."
severity = "warn"
sql = "select order_id from raw_olist__orders where order_status = 'delivered' and order_delivered_customer_date is null"

[[checks]]
name = "only_delivered_has_date"
description = "Only a delivered order tells when it was delivered."
severity = "warn"
sql = "select order_id from raw_olist__orders where order_status <> 'delivered' and order_delivered_customer_date is not null"

[[checks]]
name = "order_has_one_seller"
description = "All items of an order are one seller's; else the order's bookings lie at several workshops."
severity = "warn"
sql = "select order_id from raw_olist__order_items group by order_id having count(distinct seller_id) > 1"
*/
with timed as (
    select
        o.*,
        cast(
            try_strptime(o.order_purchase_timestamp, '%m/%d/%Y %H:%M') at time zone z.time_zone at time zone 'UTC'
            as varchar
        ) as purchased_at,
        cast(
            try_strptime(o.order_delivered_customer_date, '%m/%d/%Y %H:%M') at time zone z.time_zone at time zone 'UTC'
            as varchar
        ) as delivered_at
    from raw_olist__orders as o
    join sources as z on z.source = 'olist'
)

select
    i.order_id || '-' || i.order_item_id as booking_id,
    coalesce(i.order_id, o.order_id) as group_id,
    i.seller_id as workshop_id,
    i.product_id as service_id,
    o.customer_id,
    case
        when o.order_status = 'delivered' then 'COMPLETED'
        when o.order_status in ('canceled', 'unavailable') then 'CANCELLED'
        else 'CONFIRMED'
    end as status,
    coalesce(o.purchased_at, o.order_purchase_timestamp) as start_time,
    coalesce(o.delivered_at, o.order_delivered_customer_date) as completed_at,
    i.price,
    coalesce(o.purchased_at, o.order_purchase_timestamp) as created_at,
    coalesce(i._file, o._file) as _file,
    coalesce(i._row, o._row) as _row,
    case when i.order_id is null then 'order ' || o.order_id || ' has no items' end as _reason
from raw_olist__order_items as i
full join timed as o on o.order_id = i.order_id
