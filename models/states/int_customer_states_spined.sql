with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

known_customers as (
    select * from {{ ref('known_customers') }}
),

purchases_measured as (
    select * from {{ ref('int_purchases_measured') }}
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
        purchases_measured.last_purchase_date,
        {{ days_between('purchases_measured.last_purchase_date', 'spined.as_of_date') }} as recency_days,
        coalesce(purchases_measured.purchase_day_count, 0) as purchase_day_count,
        {{ to_amount('coalesce(purchases_measured.lifetime_net_amount, 0)') }} as lifetime_net_amount,
        coalesce(purchases_measured.window_purchase_day_count, 0) as window_purchase_day_count,
        coalesce(purchases_measured.order_count, 0) as order_count,
        {{ to_amount('coalesce(purchases_measured.gross_amount, 0)') }} as gross_amount,
        {{ to_amount('coalesce(purchases_measured.returned_amount, 0)') }} as returned_amount,
        {{ to_amount('coalesce(purchases_measured.net_amount, 0)') }} as net_amount,
        purchases_measured.profit_amount,
        coalesce({{ frequency_count('purchases_measured') }}, 0) as frequency_count,
        {{ to_amount('coalesce(' ~ monetary_amount('purchases_measured') ~ ', 0)') }} as monetary_amount,
        coalesce(purchases_measured.window_purchase_day_count > 0, false) as is_buyer,
        {{ to_amount('coalesce(purchases_measured.net_amount_365, 0)') }} as net_amount_365,
        {{ to_amount('coalesce(purchases_measured.net_amount_half, 0)') }} as net_amount_half,
        {{ to_amount('coalesce(purchases_measured.net_amount_half_before, 0)') }} as net_amount_half_before,
        {{ to_amount('coalesce(purchases_measured.net_amount_value_drop, 0)') }} as net_amount_value_drop,
        {{ to_amount('coalesce(purchases_measured.net_amount_value_drop_year, 0)') }} as net_amount_value_drop_year,
        coalesce(purchases_measured.purchase_day_count_value_drop_year, 0) as purchase_day_count_value_drop_year,
        purchases_measured.returned_on_date,
        purchases_measured.purchase_before_return_date
    from spined
    left join purchases_measured
        on
            spined.customer_id = purchases_measured.customer_id
            and spined.as_of_date = purchases_measured.as_of_date
)

select * from spined_with_purchases
