{{ config(materialized='by_as_of_date') }}

{%- set in_window = last_days('activity_date', 'as_of_date', var('rfm_window_days')) -%}
{%- set in_year = last_days('activity_date', 'as_of_date', 365) -%}
{%- set in_half = last_days('activity_date', 'as_of_date', half_window_days()) -%}
{%- set in_half_before = last_days('activity_date', 'as_of_date', half_window_days(), ending_before=half_window_days()) -%}
{%- set in_drop = last_days('activity_date', 'as_of_date', var('value_drop_days')) -%}
{%- set in_drop_year = last_days('activity_date', 'as_of_date', 365, ending_before=var('value_drop_days')) -%}
{%- set in_recent = last_days('activity_date', 'as_of_date', var('recent_days')) -%}
{%- set window_ends = [
    var('rfm_window_days'), 365, half_window_days(), 2 * half_window_days(),
    var('value_drop_days'), var('value_drop_days') + 365, var('recent_days')
] -%}

with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    {{ only_dates_to_build() }}
),

daily_purchases as (
    select * from {{ ref('daily_purchases') }}
    where
        (purchase_count > 0 or return_count > 0)
        and {{ is_of_changed_customer(window_ends) }}
),

-- a day of returns only is no purchase day, but its money counts. A condition on days and not a join on dates: of such a
-- join engines expect next to no rows, and then put all facts into a hash table
purchases_by_state as (
    select
        as_of_dates.as_of_date,
        daily_purchases.customer_id,
        daily_purchases.activity_date,
        case when daily_purchases.purchase_count > 0 then daily_purchases.activity_date end as purchase_date,
        daily_purchases.order_count,
        daily_purchases.gross_amount,
        daily_purchases.returned_amount,
        daily_purchases.net_amount,
        daily_purchases.profit_amount,
        daily_purchases.last_changed_at
    from as_of_dates
    cross join daily_purchases
    where {{ days_between('daily_purchases.activity_date', 'as_of_dates.as_of_date') }} >= 0
),

measured as (
    select
        customer_id,
        as_of_date,
        -- lifetime
        max(purchase_date) as last_purchase_date,
        cast(count(purchase_date) as integer) as purchase_day_count,
        {{ sum_amount('net_amount') }} as lifetime_net_amount,
        -- the RFM window
        cast(count(purchase_date) filter (where {{ in_window }}) as integer) as window_purchase_day_count,
        {{ sum_count('order_count', in_window) }} as order_count,
        {{ sum_amount('gross_amount', in_window) }} as gross_amount,
        {{ sum_amount('returned_amount', in_window) }} as returned_amount,
        {{ sum_amount('net_amount', in_window) }} as net_amount,
        {{ to_amount('sum(profit_amount) filter (where ' ~ in_window ~ ')') }} as profit_amount,
        -- growth, drop, and what is at stake
        {{ sum_amount('net_amount', in_year) }} as net_amount_365,
        {{ sum_amount('net_amount', in_half) }} as net_amount_half,
        {{ sum_amount('net_amount', in_half_before) }} as net_amount_half_before,
        {{ sum_amount('net_amount', in_drop) }} as net_amount_value_drop,
        {{ sum_amount('net_amount', in_drop_year) }} as net_amount_value_drop_year,
        cast(count(purchase_date) filter (where {{ in_drop_year }}) as integer) as purchase_day_count_value_drop_year,
        -- the first purchase of the recent days, and the one before them
        min(purchase_date) filter (where {{ in_recent }}) as returned_on_date,
        max(purchase_date) filter (where not ({{ in_recent }})) as purchase_before_return_date,
        max(last_changed_at) as last_changed_at
    from purchases_by_state
    group by customer_id, as_of_date
)

select * from measured
