-- The platform's rows, each drawn from its number by hashing: the same number gives the same row on any run.
-- The variables say how many there are; `wanted` holds the numbers of the rows to draw, `night` the night's number.

create macro share(id, salt) as (hash(id, salt) % 1000000) / 1000000.0;

create macro pick(items, id, salt) as items[1 + cast(hash(id, salt) % len(items) as bigint)];

create macro oslo(moment) as moment at time zone 'Europe/Oslo';

create temp table wanted (id bigint);

create view night_instant as
select oslo(timestamp '2023-01-01 22:00:00' + to_days(cast(getvariable('days') + getvariable('night') as integer))) as told_at;

create view workshops as
select
    id,
    cast(900000000 + id as varchar) as org_number,
    pick(['Nordre', 'Søndre', 'Østre', 'Gamle', 'Nye'], id, 1) || ' Bilverksted ' || id as name,
    'Europe/Oslo' as time_zone,
    'NOK' as currency,
    timestamptz '2020-01-01 00:00:00Z' as created_at,
    timestamptz '2020-01-08 00:00:00Z' as updated_at
from wanted;

create view categories as
select col0 as id, col1 as name
from (values
    (1::bigint, 'Motor'), (2, 'Dekk'), (3, 'Bremser'), (4, 'EU-kontroll'), (5, 'Service'), (6, 'Lakk'),
    (7, 'Glass'), (8, 'Elektrisk'), (9, 'Klima'), (10, 'Understell'), (11, 'Eksos'), (12, 'Bilpleie')
);

create view booking_statuses as
select col0 as code, col1 as label, col2 as allowed_transitions, col3 as color, col4 as icon
from (values
    ('PENDING', 'Venter', ['CONFIRMED', 'CANCELLED'], '#f5a623', 'clock'),
    ('CONFIRMED', 'Bekreftet', ['COMPLETED', 'CANCELLED'], '#4a90e2', 'check'),
    ('COMPLETED', 'Utført', cast([] as varchar[]), '#7ed321', 'flag'),
    ('CANCELLED', 'Avlyst', cast([] as varchar[]), '#d0021b', 'cross')
);

create view services as
select
    id,
    (id - 1) % getvariable('workshops') + 1 as workshop_id,
    pick(['Oljeskift', 'Hjulskift', 'EU-kontroll', 'Bremsebytte', 'Stor service', 'Feilsøking'], id, 11)
    || ' ' || (id // getvariable('workshops')) as title,
    cast(300 + hash(id, 12) % 5000 as decimal(18, 2)) as price,
    share(id, 13) < 0.9 as is_active,
    -- One in twenty has no category, one in four has two.
    case
        when share(id, 14) < 0.05 then cast([] as bigint[])
        when share(id, 14) < 0.30
            then [cast(hash(id, 15) % 6 + 1 as bigint), cast(hash(id, 16) % 6 + 7 as bigint)]
        else [cast(hash(id, 15) % 12 + 1 as bigint)]
    end as category_ids,
    cast(30 + 15 * (hash(id, 17) % 10) as bigint) as duration_minutes,
    case when share(id, 18) < 0.5 then 'Utføres etter produsentens anvisning' end as description,
    timestamptz '2020-01-01 00:00:00Z' as created_at,
    timestamptz '2020-01-01 00:00:00Z' as updated_at,
    cast(null as timestamptz) as deleted_at
from wanted;

-- The square of a share makes some workshops, and some services of each, far busier than others.
create view drawn_bookings as
select
    id,
    1 + cast(floor(getvariable('workshops') * pow(share(id, 21), 2)) as bigint) as workshop_id,
    cast(floor(getvariable('services') // getvariable('workshops') * pow(share(id, 22), 2)) as bigint) as service,
    case
        when id <= getvariable('bookings') then (id - 1) * getvariable('days') // getvariable('bookings')
        else getvariable('days') + cast(hash(id, 23) % 21 as bigint)
    end as day_number,
    oslo(
        timestamp '2023-01-01 07:00:00' + to_days(cast(day_number as integer))
        + to_minutes(15 * cast(hash(id, 24) % 40 as bigint))
    ) as start_time,
    case
        when day_number < getvariable('days') - 14
            then case when share(id, 25) < 0.86 then 'COMPLETED' when share(id, 25) < 0.97 then 'CANCELLED' else 'CONFIRMED' end
        else case when share(id, 25) < 0.70 then 'CONFIRMED' when share(id, 25) < 0.90 then 'PENDING' else 'CANCELLED' end
    end as status,
    start_time - to_days(cast(2 + hash(id, 26) % 19 as integer)) as created_at
from wanted;

create view bookings as
select
    id,
    'g-' || (id // 2) as group_id,
    workshop_id,
    service * getvariable('workshops') + workshop_id as service_id,
    cast(30000 + hash(id, 31) % 500000 as bigint) as customer_id,
    pick(['Kari', 'Ola', 'Åse', 'Bjørn', 'Łukasz', 'Ingrid', 'Jørgen', 'Małgorzata'], id, 32) || ' '
    || pick(['Åsnes', 'Hansen', 'Bø', 'Nowak', 'Wiśniewska', 'Lund', 'Østby', 'Berg'], id, 33) as customer_name,
    'EV' || (10000 + hash(id, 34) % 90000) as registration_number,
    status,
    start_time,
    start_time + to_hours(1) as end_time,
    case when status = 'COMPLETED' then start_time + to_minutes(65) end as completed_at,
    case when status = 'CANCELLED' then start_time - to_days(1) end as cancelled_at,
    case when status = 'CANCELLED' then pick(['syk', 'bilen solgt', 'annet verksted'], id, 35) end as cancellation_reason,
    case
        when status = 'COMPLETED' or share(id, 36) < 0.9
            then cast(300.50 + hash(id, 37) % 5000 as decimal(18, 2))
    end as price,
    'NOK' as currency,
    share(id, 38) < 0.15 as walk_in,
    case when share(id, 39) < 0.33 then 'Ring kunden når bilen er klar ' || (hash(id, 40) % 1000) end as notes,
    created_at,
    case status
        when 'COMPLETED' then start_time + to_hours(2)
        when 'CANCELLED' then start_time - to_days(1)
        else created_at
    end as updated_at
from drawn_bookings;

create view ratings as
select
    1000000000 + id as id,
    id as booking_id,
    cast(pick([5, 5, 5, 5, 4.5, 4, 4, 3.5, 3, 2, 1], id, 51) as decimal(3, 1)) as service_rating,
    case when share(id, 52) < 0.25 then 'Bra jobb, ' || pick(['rask', 'ryddig', 'grei pris'], id, 53) end as service_rating_message,
    share(id, 54) < 0.1 as private_service_rating,
    completed_at + to_hours(cast(1 + hash(id, 55) % 72 as integer)) as created_at,
    completed_at + to_hours(cast(1 + hash(id, 55) % 72 as integer)) as updated_at
from bookings
where status = 'COMPLETED' and share(id, 56) < 0.353;

create view changed_workshops as
select * exclude (told_at) replace (name || ' AS' as name, told_at as updated_at) from workshops, night_instant;

create view changed_services as
select * exclude (told_at) replace (
    title || ' pluss' as title,
    cast(price + 100 as decimal(18, 2)) as price,
    [cast(hash(id, 60 + getvariable('night')) % 12 + 1 as bigint)] as category_ids,
    told_at as updated_at
) from services, night_instant;

-- An open booking is done or cancelled; one in five is moved to the next day; one in three has a new price.
create view moved_bookings as
select b.* replace (
    case
        when status in ('PENDING', 'CONFIRMED')
            then case when share(id, 71) < 0.8 then 'COMPLETED' else 'CANCELLED' end
        else status
    end as status,
    case when share(id, 72 + getvariable('night')) < 0.2 then start_time + to_days(1) else start_time end as start_time,
    cast(
        coalesce(price, 990) + case when share(id, 82 + getvariable('night')) < 0.33 then 100 else 0 end
        as decimal(18, 2)
    ) as price
) from bookings as b;

create view changed_bookings as
select * exclude (told_at) replace (
    start_time + to_hours(1) as end_time,
    case when status = 'COMPLETED' then start_time + to_minutes(65) end as completed_at,
    case when status = 'CANCELLED' then start_time - to_days(1) end as cancelled_at,
    case when status = 'CANCELLED' then coalesce(cancellation_reason, 'annet') end as cancellation_reason,
    told_at as updated_at
) from moved_bookings, night_instant;

create view new_bookings as
select * exclude (told_at) replace (told_at as created_at, told_at as updated_at) from bookings, night_instant;

-- What was rated before is rated otherwise, what was not gets its first rating.
create view changed_ratings as
select
    1000000000 + id as id,
    id as booking_id,
    cast(pick([5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1], id, 90 + getvariable('night')) as decimal(3, 1)) as service_rating,
    'Endret vurdering' as service_rating_message,
    false as private_service_rating,
    case when share(id, 56) < 0.353 then completed_at + to_hours(cast(1 + hash(id, 55) % 72 as integer)) else told_at end as created_at,
    told_at as updated_at
from bookings, night_instant
where status = 'COMPLETED';
