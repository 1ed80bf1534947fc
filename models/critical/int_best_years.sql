with

-- only those whose most urgent reason is valued by their best year
customers as (
    select
        customer_id,
        as_of_date
    from {{ ref('int_turning_points_ranked') }}
    where
        is_current
        and urgency_rank = 1
        and stake_basis = 'best_year'
),

daily_purchases as (
    select
        daily_purchases.customer_id,
        customers.as_of_date,
        daily_purchases.activity_date,
        daily_purchases.net_amount
    from {{ ref('daily_purchases') }} as daily_purchases
    inner join customers
        on
            daily_purchases.customer_id = customers.customer_id
            and daily_purchases.activity_date <= customers.as_of_date
    where daily_purchases.purchase_count > 0 or daily_purchases.return_count > 0
),

-- the 365 days that end with each day on which money moved
rolling_years as (
    select
        customer_id,
        as_of_date,
        sum(net_amount) over (
            partition by customer_id
            order by activity_date
            range between interval '364' day preceding and current row
        ) as year_amount
    from daily_purchases
),

best_years as (
    select
        customer_id,
        as_of_date,
        {{ to_amount('greatest(max(year_amount), 0)') }} as best_year_amount
    from rolling_years
    group by customer_id, as_of_date
)

select * from best_years
