with

states as (
    select states.*
    from {{ ref('int_customer_states') }} as states
    inner join {{ ref('as_of_dates') }} as as_of_dates on states.as_of_date = as_of_dates.as_of_date
    where as_of_dates.is_current
),

-- the share of customers with a value that have at most this one
ranked_by_value as (
    select
        customer_id,
        cume_dist() over (order by lifetime_net_amount) as value_percentile
    from states
    where lifetime_net_amount > 0
),

class_medians as (
    select
        value_class,
        {{ to_threshold(quantile('monetary_amount', 0.5)) }} as median_monetary_amount
    from states
    group by value_class
),

-- what lifting a customer to the class aimed at would bring, at least nothing
valued as (
    select
        states.customer_id,
        states.as_of_date,
        states.value_class,
        coalesce(ranked_by_value.value_percentile, 0) as value_percentile,
        {{ to_amount('greatest(states.net_amount_365, 0)') }} as recent_year_amount,
        value_classes.aims_at_class,
        {{ to_amount('greatest(coalesce(class_medians.median_monetary_amount - states.monetary_amount, 0), 0)') }}
            as gap_to_class_aimed_at_amount
    from states
    inner join {{ ref('value_classes') }} as value_classes on states.value_class = value_classes.value_class
    left join class_medians on value_classes.aims_at_class = class_medians.value_class
    left join ranked_by_value on states.customer_id = ranked_by_value.customer_id
)

select * from valued
