-- The published tables, written by hand for data that is known to be clean: one statement a table, no checks.
-- Reads the views platform_<entity>.

create table workshops as
select
    'platform' as source,
    cast(id as varchar) as workshop_id,
    org_number,
    name,
    time_zone,
    currency,
    created_at at time zone 'UTC' as created_at,
    updated_at at time zone 'UTC' as updated_at
from platform_workshops
order by workshop_id;

create table categories as
select 'platform' as source, cast(id as varchar) as category_id, name
from platform_categories
order by category_id;

create table booking_statuses as
select 'platform' as source, code, label, allowed_transitions, color, icon
from platform_booking_statuses
order by code;

create table services as
with named as (
    select l.id, string_agg(c.name, ', ' order by c.name) as categories
    from (select id, unnest(category_ids) as category_id from platform_services) as l
    join platform_categories as c on c.id = l.category_id
    group by l.id
)

select
    'platform' as source,
    w.workshop_id,
    cast(s.id as varchar) as service_id,
    s.title,
    s.description,
    cast(s.category_ids as varchar[]) as category_ids,
    n.categories,
    s.price,
    w.currency,
    s.duration_minutes,
    s.is_active,
    s.created_at at time zone 'UTC' as created_at,
    s.updated_at at time zone 'UTC' as updated_at,
    s.deleted_at at time zone 'UTC' as deleted_at,
    cast(s.created_at at time zone w.time_zone as date) as created_day,
    cast(s.deleted_at at time zone w.time_zone as date) as deleted_day
from platform_services as s
join workshops as w on w.workshop_id = cast(s.workshop_id as varchar)
left join named as n on n.id = s.id
order by w.workshop_id, service_id;

create table bookings as
select
    'platform' as source,
    w.workshop_id,
    cast(b.id as varchar) as booking_id,
    b.group_id,
    cast(b.service_id as varchar) as service_id,
    s.title as service_title,
    s.categories,
    cast(b.customer_id as varchar) as customer_id,
    b.customer_name,
    b.registration_number,
    b.status,
    case
        when b.status = 'COMPLETED' then 'done'
        when b.status in ('PENDING', 'CONFIRMED') then 'active'
        when b.status = 'CANCELLED' then 'cancelled'
        else 'unknown'
    end as outcome,
    b.start_time at time zone 'UTC' as start_time,
    b.end_time at time zone 'UTC' as end_time,
    b.completed_at at time zone 'UTC' as completed_at,
    b.cancelled_at at time zone 'UTC' as cancelled_at,
    b.cancellation_reason,
    b.start_time at time zone 'UTC' as service_time,
    cast(b.start_time at time zone w.time_zone as date) as day,
    b.price,
    w.currency,
    b.walk_in,
    b.notes,
    b.created_at at time zone 'UTC' as created_at,
    b.updated_at at time zone 'UTC' as updated_at
from platform_bookings as b
join workshops as w on w.workshop_id = cast(b.workshop_id as varchar)
left join services as s
    on s.workshop_id = cast(b.workshop_id as varchar) and s.service_id = cast(b.service_id as varchar)
order by w.workshop_id, day, service_time, booking_id;

create table ratings as
select
    'platform' as source,
    b.workshop_id,
    cast(r.id as varchar) as rating_id,
    b.booking_id,
    r.service_rating as rating,
    r.service_rating_message as message,
    r.private_service_rating as is_private,
    r.created_at at time zone 'UTC' as created_at,
    r.updated_at at time zone 'UTC' as updated_at,
    cast(r.created_at at time zone w.time_zone as date) as day
from platform_ratings as r
join bookings as b on b.booking_id = cast(r.booking_id as varchar)
join workshops as w on w.workshop_id = b.workshop_id
order by b.workshop_id, day, rating_id;

create table booking_days as
select
    workshop_id,
    day,
    count(*) as bookings,
    count(*) filter (where outcome = 'done') as done,
    count(*) filter (where outcome = 'active') as active,
    count(*) filter (where outcome = 'cancelled') as cancelled,
    cast(sum(price) filter (where outcome = 'done') as decimal(38, 2)) as revenue
from bookings
group by workshop_id, day
order by workshop_id, day;

create table service_categories as
with listed as (
    select workshop_id, service_id, unnest(category_ids) as category_id from services
)

select s.workshop_id, s.service_id, c.category_id, c.name as category
from services as s
left join listed as l on l.workshop_id = s.workshop_id and l.service_id = s.service_id
left join categories as c on c.category_id = l.category_id
order by s.workshop_id, s.service_id, c.category_id;

create table category_days as
select b.workshop_id, c.category, b.day, count(*) as bookings
from bookings as b
left join service_categories as c on c.workshop_id = b.workshop_id and c.service_id = b.service_id
group by b.workshop_id, c.category, b.day
order by b.workshop_id, b.day, c.category;

create table rating_days as
select workshop_id, day, count(*) as ratings, sum(rating) as rating_sum
from ratings
group by workshop_id, day
order by workshop_id, day;

checkpoint;
