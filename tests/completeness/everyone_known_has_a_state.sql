{#
    Protects the population: on every as-of date of this run there is one state for each customer known by then, and the
    mart customers holds the population of the current one.
    A join that drops customers without purchases, or keeps those known only later, would change every share and count.
    That no customer stands there twice is the key test of the states.
#}
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    where needs_rebuild or is_current
),

known_by_date as (
    select
        as_of_dates.as_of_date,
        as_of_dates.is_current,
        count(known_customers.customer_id) as known_count
    from as_of_dates
    left join {{ ref('known_customers') }} as known_customers
        on as_of_dates.as_of_date >= known_customers.known_since_date
    group by as_of_dates.as_of_date, as_of_dates.is_current
),

states_by_date as (
    select
        states.as_of_date,
        count(*) as state_count
    from {{ ref('int_customer_states') }} as states
    inner join as_of_dates on states.as_of_date = as_of_dates.as_of_date
    group by states.as_of_date
),

customers as (
    select count(*) as customer_count
    from {{ ref('customers') }}
),

failures as (
    select
        'int_customer_states' as table_name,
        known_by_date.as_of_date,
        known_by_date.known_count,
        states_by_date.state_count as row_count
    from known_by_date
    left join states_by_date on known_by_date.as_of_date = states_by_date.as_of_date
    where known_by_date.known_count is distinct from states_by_date.state_count

    union all

    select
        'customers' as table_name,
        known_by_date.as_of_date,
        known_by_date.known_count,
        customers.customer_count as row_count
    from known_by_date
    cross join customers
    where
        known_by_date.is_current
        and known_by_date.known_count is distinct from customers.customer_count
)

select * from failures
