{#
    Protects the money: what staging accepted as purchases and returns up to the current as-of date is what the days, the
    states and the mart customers hold, to the last decimal.
    A join that doubles rows, a day that was not replaced or a late row that was not seen would show here and nowhere else.
#}
with

current_day as (
    select as_of_date
    from {{ ref('as_of_dates') }}
    where is_current
),

staged as (
    select
        coalesce(sum(staged.amount) filter (where staged.is_purchase), 0) as purchase_amount,
        coalesce(sum(staged.amount) filter (where staged.is_return), 0) as return_amount
    from {{ ref('stg_transactions') }} as staged
    cross join current_day
    where
        staged.record_status = 'accepted'
        and staged.activity_date <= current_day.as_of_date
),

days as (
    select
        coalesce(sum(daily_purchases.gross_amount), 0) as gross_amount,
        coalesce(sum(daily_purchases.returned_amount), 0) as returned_amount,
        coalesce(sum(daily_purchases.net_amount), 0) as net_amount
    from {{ ref('daily_purchases') }} as daily_purchases
    cross join current_day
    where daily_purchases.activity_date <= current_day.as_of_date
),

states as (
    select
        coalesce(sum(states.lifetime_net_amount), 0) as lifetime_net_amount,
        coalesce(sum(states.net_amount), 0) as net_amount,
        coalesce(sum(states.gross_amount), 0) as gross_amount,
        coalesce(sum(states.returned_amount), 0) as returned_amount
    from {{ ref('int_customer_states') }} as states
    inner join current_day on states.as_of_date = current_day.as_of_date
),

customers as (
    select coalesce(sum(lifetime_net_amount), 0) as lifetime_net_amount
    from {{ ref('customers') }}
),

comparisons as (
    select
        'purchases: staging, days' as compared,
        staged.purchase_amount as amount,
        days.gross_amount as other_amount
    from staged
    cross join days
    union all
    select
        'returns: staging, days' as compared,
        staged.return_amount as amount,
        days.returned_amount as other_amount
    from staged
    cross join days
    union all
    select
        'net: staging, days' as compared,
        staged.purchase_amount - staged.return_amount as amount,
        days.net_amount as other_amount
    from staged
    cross join days
    union all
    select
        'net: days, states' as compared,
        days.net_amount as amount,
        states.lifetime_net_amount as other_amount
    from days
    cross join states
    union all
    select
        'window: purchases less returns, net' as compared,
        states.gross_amount - states.returned_amount as amount,
        states.net_amount as other_amount
    from states
    union all
    select
        'net: states, customers' as compared,
        states.lifetime_net_amount as amount,
        customers.lifetime_net_amount as other_amount
    from states
    cross join customers
),

failures as (
    select * from comparisons
    where amount is distinct from other_amount
)

select * from failures
