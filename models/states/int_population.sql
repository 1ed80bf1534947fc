-- Everyone known by an as-of date: they all have a state on it, whether they bought or not.
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

known_customers as (
    select * from {{ ref('known_customers') }}
),

-- a condition on known_days, not a join on dates: engines expect next to no rows of such a join, and then build their
-- hash tables of the wide side
everyone as (
    select
        known_customers.*,
        as_of_dates.as_of_date,
        as_of_dates.previous_as_of_date,
        {{ days_between('known_customers.known_since_date', 'as_of_dates.as_of_date') }} as known_days
    from as_of_dates
    cross join known_customers
),

population as (
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
)

select * from population
