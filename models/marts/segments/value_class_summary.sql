with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

value_classes as (
    select * from {{ ref('value_classes') }}
    where value_class != 'newly_known'
),

counted as (
    select * from {{ ref('int_segment_counts') }}
),

-- a class without customers has a row as well
all_classes as (
    select
        as_of_dates.as_of_date,
        as_of_dates.previous_as_of_date,
        as_of_dates.is_current,
        value_classes.value_class,
        value_classes.value_class_rank,
        value_classes.label_en,
        value_classes.label_zh
    from as_of_dates
    cross join value_classes
),

customers_by_class as (
    select
        as_of_date,
        value_class,
        sum(customer_count) as customer_count,
        sum(monetary_amount) as monetary_amount,
        {{ ratio('sum(recency_days)', 'sum(customer_count_with_recency)') }} as mean_recency_days,
        {{ ratio('sum(frequency_count)', 'sum(customer_count)') }} as mean_frequency_count,
        {{ ratio('sum(monetary_amount)', 'sum(customer_count)') }} as mean_monetary_amount,
        sum(customer_count) filter (where from_value_class != value_class) as arrived_count
    from counted
    group by as_of_date, value_class
),

totals as (
    select
        as_of_date,
        sum(customer_count) as customer_count,
        sum(monetary_amount) as monetary_amount
    from customers_by_class
    group by as_of_date
),

summary as (
    select
        all_classes.as_of_date,
        all_classes.is_current,
        all_classes.value_class,
        all_classes.value_class_rank,
        all_classes.label_en as value_class_en,
        all_classes.label_zh as value_class_zh,
        cast(coalesce(customers_by_class.customer_count, 0) as bigint) as customer_count,
        {{ ratio('coalesce(customers_by_class.customer_count, 0)', 'totals.customer_count') }} as customer_share,
        {{ to_amount('coalesce(customers_by_class.monetary_amount, 0)') }} as monetary_amount,
        {{ ratio('coalesce(customers_by_class.monetary_amount, 0)', 'totals.monetary_amount') }} as monetary_share,
        customers_by_class.mean_recency_days,
        customers_by_class.mean_frequency_count,
        customers_by_class.mean_monetary_amount,
        -- movement against the as-of date before; null on the first one
        case
            when all_classes.previous_as_of_date is not null
                then cast(coalesce(previous_by_class.customer_count, 0) as bigint)
        end as previous_customer_count,
        case
            when all_classes.previous_as_of_date is not null
                then cast(coalesce(customers_by_class.arrived_count, 0) as bigint)
        end as arrived_count,
        case
            when all_classes.previous_as_of_date is not null
                then cast(
                    coalesce(previous_by_class.customer_count, 0)
                    + coalesce(customers_by_class.arrived_count, 0)
                    - coalesce(customers_by_class.customer_count, 0) as bigint
                )
        end as left_count
    from all_classes
    left join totals on all_classes.as_of_date = totals.as_of_date
    left join customers_by_class
        on
            all_classes.as_of_date = customers_by_class.as_of_date
            and all_classes.value_class = customers_by_class.value_class
    left join customers_by_class as previous_by_class
        on
            all_classes.previous_as_of_date = previous_by_class.as_of_date
            and all_classes.value_class = previous_by_class.value_class
)

select * from summary
