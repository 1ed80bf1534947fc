{#
    Protects the summary of the value classes: its customers and its money are those of the states, and its shares add up
    to one.
    A class missing from the seed, or joined twice, would lose or double its customers in every report.
#}
with

states_by_date as (
    select
        as_of_date,
        count(*) as customer_count,
        sum(monetary_amount) as monetary_amount
    from {{ ref('int_customer_states') }}
    group by as_of_date
),

summary_by_date as (
    select
        as_of_date,
        sum(customer_count) as customer_count,
        sum(monetary_amount) as monetary_amount,
        sum(customer_share) as customer_share
    from {{ ref('value_class_summary') }}
    group by as_of_date
),

failures as (
    select
        coalesce(states_by_date.as_of_date, summary_by_date.as_of_date) as as_of_date,
        states_by_date.customer_count as state_count,
        summary_by_date.customer_count,
        states_by_date.monetary_amount as monetary_amount_of_states,
        summary_by_date.monetary_amount,
        summary_by_date.customer_share
    from states_by_date
    full outer join summary_by_date on states_by_date.as_of_date = summary_by_date.as_of_date
    where
        states_by_date.customer_count is distinct from summary_by_date.customer_count
        or states_by_date.monetary_amount is distinct from summary_by_date.monetary_amount
        or abs(summary_by_date.customer_share - 1) > 0.000000001
)

select * from failures
