with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

known_customers as (
    select * from {{ ref('known_customers') }}
),

purchase_metrics as (
    select * from {{ ref('int_purchase_metrics') }}
),

-- everyone known by the as-of date has a state on it, bought or not. A condition on known_days and not a join on dates:
-- of such a join engines expect next to no rows, and then build their hash tables of the wide side
everyone as (
    select
        known_customers.*,
        as_of_dates.as_of_date,
        as_of_dates.previous_as_of_date,
        {{ days_between('known_customers.known_since_date', 'as_of_dates.as_of_date') }} as known_days
    from as_of_dates
    cross join known_customers
),

spined as (
    select
        customer_id,
        as_of_date,
        previous_as_of_date,
        known_since_date,
        known_days,
        is_registered and coalesce(registered_date <= as_of_date, true) as is_registered,
        case when first_purchase_date <= as_of_date then first_purchase_date end as first_purchase_date,
        case when second_purchase_date <= as_of_date then second_purchase_date end as second_purchase_date
    from everyone
    where known_days >= 0
),

spined_with_purchases as (
    select
        spined.*,
        purchase_metrics.last_purchase_date,
        {{ days_between('purchase_metrics.last_purchase_date', 'spined.as_of_date') }} as recency_days,
        coalesce(purchase_metrics.purchase_day_count, 0) as purchase_day_count,
        {{ to_amount('coalesce(purchase_metrics.lifetime_net_amount, 0)') }} as lifetime_net_amount,
        coalesce(purchase_metrics.window_purchase_day_count, 0) as window_purchase_day_count,
        coalesce(purchase_metrics.order_count, 0) as order_count,
        {{ to_amount('coalesce(purchase_metrics.gross_amount, 0)') }} as gross_amount,
        {{ to_amount('coalesce(purchase_metrics.returned_amount, 0)') }} as returned_amount,
        {{ to_amount('coalesce(purchase_metrics.net_amount, 0)') }} as net_amount,
        purchase_metrics.profit_amount,
        coalesce({{ frequency_count('purchase_metrics') }}, 0) as frequency_count,
        {{ to_amount('coalesce(' ~ monetary_amount('purchase_metrics') ~ ', 0)') }} as monetary_amount,
        coalesce(purchase_metrics.window_purchase_day_count > 0, false) as is_buyer,
        {{ to_amount('coalesce(purchase_metrics.net_amount_365, 0)') }} as net_amount_365,
        {{ to_amount('coalesce(purchase_metrics.net_amount_half, 0)') }} as net_amount_half,
        {{ to_amount('coalesce(purchase_metrics.net_amount_half_before, 0)') }} as net_amount_half_before,
        {{ to_amount('coalesce(purchase_metrics.net_amount_value_drop, 0)') }} as net_amount_value_drop,
        {{ to_amount('coalesce(purchase_metrics.net_amount_value_drop_year, 0)') }} as net_amount_value_drop_year,
        coalesce(purchase_metrics.purchase_day_count_value_drop_year, 0) as purchase_day_count_value_drop_year,
        purchase_metrics.returned_on_date,
        purchase_metrics.purchase_before_return_date
    from spined
    left join purchase_metrics
        on
            spined.customer_id = purchase_metrics.customer_id
            and spined.as_of_date = purchase_metrics.as_of_date
)

select * from spined_with_purchases
