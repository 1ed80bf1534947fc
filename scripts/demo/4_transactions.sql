-- Money that moved, as views over people: rows are made while they are written.
-- number is the row's own within its customer: 0.. and 5000.. regular purchases of the first and the
-- second spell, 11000 the large one, 12000.. after the history; 20000 more for the refund of each;
-- 40000.. salaries; 50000.. transfers; 60000.. lone returns.
-- arrived_on is the day on which a row is ready for a delivery: the end date in all of the history.

-- Regular purchases come in one spell or two: from the day on which they begin until they pause, and
-- from the day on which they resume until the customer leaves. A spell that the end date cuts ends
-- within a pace of it, as the first begins within a pace of the first day.
create table spells as
with

dated as (
    select
        *,
        0 as first_number,
        begins_on as first_date,
        pauses_on as stops_on
    from people
    where begins_on is not null

    union all

    select
        *,
        5000 as first_number,
        resumes_on as first_date,
        leaves_on as stops_on
    from people
    where resumes_on is not null
),

ended as (
    select
        *,
        case
            when stops_on <= getvariable('end_date') then stops_on
            else greatest(
                first_date,
                getvariable('end_date') - cast(
                    floor(pace_days * chance(customer_number, 'last', first_number)) as integer
                )
            )
        end as last_date
    from dated
    where first_date <= getvariable('end_date')
)

select
    ended.customer_number,
    ended.first_number,
    ended.segment,
    ended.amount_level,
    ended.irregularity,
    ended.spending_factor,
    ended.low_from,
    ended.low_until,
    cast(
        1 + floor((ended.last_date - ended.first_date) / ended.pace_days) as integer
    ) as purchase_count,
    first_days.first_slot,
    last_days.first_slot as last_slot
from ended
inner join calendar as first_days on ended.first_date = first_days.activity_date
inner join calendar as last_days on ended.last_date = last_days.activity_date
order by ended.customer_number, ended.first_number;

-- evenly spread over the slots of the calendar, shaken by the irregularity; the first and the last
-- of a spell stay in place
create view regular_purchases as
with

numbered as (
    select
        spells.*,
        unnest(range(spells.purchase_count)) as place
    from spells
),

placed as (
    select
        numbered.*,
        first_number + place as number,
        case
            when place = 0 then first_slot
            when place = purchase_count - 1 then last_slot
            else cast(
                first_slot
                + floor(
                    (last_slot - first_slot)
                    * (
                        place
                        + 1.8 * irregularity
                        * (chance(customer_number, 'shaken', first_number + place) - 0.5)
                    )
                    / (purchase_count - 1)
                ) as integer
            )
        end as slot
    from numbered
)

select
    placed.customer_number,
    placed.number,
    slots.activity_date,
    getvariable('end_date') as arrived_on,
    placed.segment,
    placed.amount_level
    * case
        when slots.activity_date between placed.low_from and placed.low_until
            then placed.spending_factor
        else 1
    end as amount_factor,
    cast(null as varchar) as product_code,
    placed.place > 0 and placed.place < placed.purchase_count - 1 as may_fail
from placed
inner join slots
    on greatest(placed.first_slot, least(placed.last_slot, placed.slot)) = slots.slot;

-- One large purchase moves a customer over the threshold of the monetary value: bought on the day of
-- the change, or bought before and lost on that day, as it leaves the year that counts or is handed
-- back.
create view large_purchases as
with

changes as (
    select
        *,
        event = 'loses_large' and chance(customer_number, 'handed back', 0) < 0.5 as is_handed_back
    from people
    where event in ('buys_large', 'loses_large')
)

select
    *,
    case
        when event = 'buys_large' then change_date
        when is_handed_back
            then change_date - whole_between(60, 300, chance(customer_number, 'bought', 0))
        else change_date - 365
    end as bought_on,
    30000 + 30000 * chance(customer_number, 'large amount', 0) as large_amount
from changes;

create view turning_purchases as
select
    large_purchases.customer_number,
    11000 as number,
    large_purchases.bought_on as activity_date,
    greatest(getvariable('end_date'), large_purchases.bought_on) as arrived_on,
    large_purchases.segment,
    large_purchases.large_amount / products.typical_amount as amount_factor,
    products.product_code,
    false as may_fail
from large_purchases
inner join products on products.product_code = 'WM-FIXED';

-- days after the history: who is in a spell buys once in a pace, and on the day on which it begins;
-- some rows come up to 20 days late
create view later_purchases as
with

buying_days as (
    select
        *,
        case
            when chance(customer_number, 'late', day_number) < 0.08
                then whole_between(1, 20, chance(customer_number, 'days late', day_number))
            else 0
        end as days_late
    from later_people
    where
        (
            day_date between begins_on and coalesce(pauses_on, day_date)
            or day_date between resumes_on and coalesce(leaves_on, day_date)
        )
        and (
            day_date in (begins_on, resumes_on)
            or chance(customer_number, 'later', day_number) < 1 / pace_days
        )
)

select
    customer_number,
    12000 + day_number as number,
    greatest(known_date, day_date - days_late) as activity_date,
    day_date as arrived_on,
    segment,
    amount_level
    * case when day_date between low_from and low_until then spending_factor else 1 end
        as amount_factor,
    cast(null as varchar) as product_code,
    false as may_fail
from buying_days;

create view purchase_events as
select * from regular_purchases
union all
select * from turning_purchases
union all
select * from later_purchases;

create view purchases as
with

with_product as (
    select
        purchase_events.* exclude (product_code),
        coalesce(
            product_code,
            case segment
                when 'mass'
                    then pick('products_mass', chance(customer_number, 'product', number))
                when 'affluent'
                    then pick('products_affluent', chance(customer_number, 'product', number))
                else pick('products_private', chance(customer_number, 'product', number))
            end
        ) as product_code,
        -- a turning purchase is as large as planned
        case
            when product_code is null then bell(customer_number, 'amount', number) else 0
        end as deviation
    from purchase_events
)

select
    with_product.customer_number,
    with_product.number,
    with_product.activity_date,
    with_product.arrived_on,
    products.transaction_type,
    products.product_code,
    products.profit_rate,
    products.refund_share,
    greatest(
        1,
        products.typical_amount
        * with_product.amount_factor
        * exp(products.spread * with_product.deviation)
    ) as base_amount,
    case
        when
            chance(with_product.customer_number, 'currency', with_product.number)
            < products.currency_share
            then pick(
                'foreign_currency',
                chance(with_product.customer_number, 'foreign', with_product.number)
            )
        else 'CNY'
    end as currency,
    case
        when products.own_channel is not null then products.own_channel
        when
            chance(with_product.customer_number, 'in person', with_product.number)
            < products.branch_share
            then pick(
                'branch_channel',
                chance(with_product.customer_number, 'channel', with_product.number)
            )
        else pick(
            'remote_channel', chance(with_product.customer_number, 'channel', with_product.number)
        )
    end as channel,
    case
        when
            with_product.may_fail
            and chance(with_product.customer_number, 'fails', with_product.number) < 0.02
            then pick(
                'broken_status', chance(with_product.customer_number, 'status', with_product.number)
            )
        else 'completed'
    end as status
from with_product
inner join products on with_product.product_code = products.product_code;

-- a refund never arrives before its purchase
create view refunds as
with

refunded as (
    select
        *,
        activity_date
        + whole_between(1, 14, chance(customer_number, 'refund day', number)) as refund_date,
        case
            when chance(customer_number, 'full refund', number) < 0.6 then 1
            else 0.2 + 0.7 * chance(customer_number, 'refunded part', number)
        end as refunded_part
    from purchases
    where
        status = 'completed'
        and chance(customer_number, 'refund', number) < refund_share
)

select
    customer_number,
    20000 + number as number,
    refund_date as activity_date,
    greatest(refund_date, arrived_on) as arrived_on,
    product_code,
    base_amount * refunded_part as base_amount,
    currency,
    channel
from refunded;

create view handed_back as
select
    customer_number,
    31000 as number,
    change_date as activity_date,
    large_amount as base_amount
from large_purchases
where is_handed_back;

-- returns of what was bought before the history
create view lone_returns as
with

returning_people as (
    select
        people.*,
        unnest(range(whole_between(1, 3, chance(customer_number, 'lone returns', 0)))) as number
    from people
    where event = 'returns'
)

select
    customer_number,
    60000 + number as number,
    seen_from + cast(
        floor(
            (getvariable('end_date') - seen_from)
            * chance(customer_number, 'lone return', number)
        ) as integer
    ) as activity_date,
    120 * exp(0.6 * bell(customer_number, 'lone return', number)) as base_amount
from returning_people;

-- on the payday, or the Friday before a weekend; January brings a bonus
create view salaries as
with

numbered as (
    select
        *,
        unnest(
            range(datediff('month', getvariable('history_from'), getvariable('last_date')) + 1)
        ) as number
    from people
    where payday is not null
),

dated as (
    select
        *,
        cast(
            date_trunc('month', getvariable('history_from')) + number * interval '1' month as date
        ) + payday - 1 as payday_date
    from numbered
),

paid as (
    select
        *,
        payday_date - cast(greatest(isodow(payday_date) - 5, 0) as integer) as activity_date
    from dated
)

select
    customer_number,
    40000 + number as number,
    activity_date,
    salary_amount
    * (1 + 0.004 * number)
    * case when month(activity_date) = 1 then 2 else 1 end as base_amount
from paid
where activity_date between seen_from and coalesce(leaves_on, activity_date);

create view movements as
with

moving_people as (
    select
        *,
        unnest(range(whole_between(0, 5, chance(customer_number, 'movements', 0)))) as number
    from people
    where coalesce(begins_on, resumes_on) <= active_until
)

select
    customer_number,
    50000 + number as number,
    seen_from
    + cast(
        floor((active_until - seen_from) * chance(customer_number, 'moved', number)) as integer
    ) as activity_date,
    pick('movement_type', chance(customer_number, 'movement', number)) as transaction_type,
    case segment when 'private' then 30000 when 'affluent' then 9000 else 1500 end
    * exp(0.9 * bell(customer_number, 'movement', number)) as base_amount
from moving_people;

create view all_transactions as
with

all_rows as (
    select
        customer_number, number, activity_date, arrived_on, transaction_type, base_amount, currency,
        product_code, channel, status, base_amount * profit_rate as profit
    from purchases

    union all

    select
        customer_number, number, activity_date, arrived_on, 'refund', base_amount, currency,
        product_code, channel, 'completed', null
    from refunds

    union all

    select
        customer_number, number, activity_date, activity_date, 'refund', base_amount, 'CNY',
        'WM-FIXED', 'branch', 'completed', null
    from handed_back

    union all

    select
        customer_number, number, activity_date, activity_date, 'return', base_amount, 'CNY',
        'MALL-POINTS', 'counter', 'completed', null
    from lone_returns

    union all

    select
        customer_number, number, activity_date, activity_date, 'salary', base_amount, 'CNY',
        null, 'payroll', 'completed', null
    from salaries

    union all

    select
        customer_number, number, activity_date, activity_date, transaction_type, base_amount, 'CNY',
        null, case when number % 3 = 0 then 'branch' else 'app' end, 'completed', null
    from movements
)

select
    event_key('T', customer_number, number) as transaction_id,
    customer_key(customer_number) as customer_id,
    cast(time_on(activity_date, customer_number, 'transaction', number) as varchar) as occurred_at,
    money(base_amount / coalesce(getvariable('rates')[currency], 1)) as amount,
    transaction_type,
    currency,
    case
        when product_code in ('MALL-POINTS', 'PAY-ONLINE')
            then event_key('O', customer_number, number % 20000)
    end as order_id,
    'A' || (10000000 + customer_number)
    || case when product_code like 'WM-%' then '2' else '1' end as account_id,
    product_code,
    channel,
    -- one source leaves the status out where all went well
    case when status = 'completed' and channel = 'pos' then null else status end as status,
    money(profit / coalesce(getvariable('rates')[currency], 1)) as profit_amount,
    customer_number,
    activity_date,
    arrival_date(arrived_on) as arrived_on
from all_rows;
