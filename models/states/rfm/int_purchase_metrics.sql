{{ config(materialized='by_as_of_date', meta={'by_customer': true, 'windows': 'purchase_windows'}) }}

-- What a customer had bought by an as-of date, in all and in each window (macro purchase_windows).
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    {{ only_dates_to_build() }}
),

daily_purchases as (
    select * from {{ ref('daily_purchases') }}
    where
        (purchase_count > 0 or return_count > 0)
        and {{ is_of_changed_customer() }}
),

-- a day of returns only is no purchase day, but its money counts. A condition on days, not a join on dates: engines expect
-- next to no rows of such a join, and then put all facts into a hash table
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

metrics as (
    select
        customer_id,
        as_of_date,
        -- lifetime
        max(purchase_date) as last_purchase_date,
        {{ count_rows('purchase_date') }} as purchase_day_count,
        {{ sum_amount('net_amount') }} as lifetime_net_amount,
        -- the RFM window
        {{ count_rows('purchase_date', in_window('purchase_windows', 'rfm')) }} as window_purchase_day_count,
        {{ sum_count('order_count', in_window('purchase_windows', 'rfm')) }} as order_count,
        {{ sum_amount('gross_amount', in_window('purchase_windows', 'rfm')) }} as gross_amount,
        {{ sum_amount('returned_amount', in_window('purchase_windows', 'rfm')) }} as returned_amount,
        {{ sum_amount('net_amount', in_window('purchase_windows', 'rfm')) }} as net_amount,
        {{ to_amount('sum(profit_amount)' ~ only_where(in_window('purchase_windows', 'rfm'))) }} as profit_amount,
        -- growth, drop, and what is at stake
        {{ sum_amount('net_amount', in_window('purchase_windows', 'year')) }} as net_amount_365,
        {{ sum_amount('net_amount', in_window('purchase_windows', 'half')) }} as net_amount_half,
        {{ sum_amount('net_amount', in_window('purchase_windows', 'half_before')) }} as net_amount_half_before,
        {{ sum_amount('net_amount', in_window('purchase_windows', 'value_drop')) }} as net_amount_value_drop,
        {{ sum_amount('net_amount', in_window('purchase_windows', 'year_before_drop')) }} as net_amount_value_drop_year,
        {{ count_rows('purchase_date', in_window('purchase_windows', 'year_before_drop')) }}
            as purchase_day_count_value_drop_year,
        -- the first purchase of the recent days, and the one before them
        min(purchase_date) filter (where {{ in_window('purchase_windows', 'recent') }}) as returned_on_date,
        max(purchase_date) filter (where not ({{ in_window('purchase_windows', 'recent') }})) as purchase_before_return_date,
        max(last_changed_at) as last_changed_at
    from purchases_by_state
    group by customer_id, as_of_date
)

select * from metrics
