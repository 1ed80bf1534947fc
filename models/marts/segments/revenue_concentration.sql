with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

value_thresholds as (
    select * from {{ ref('int_value_thresholds') }}
),

abc_classes as {{ labels_of('abc_class') }},

buyers as (
    select * from {{ ref('int_segment_counts') }}
    where is_buyer
),

buyers_by_class as (
    select
        as_of_date,
        abc_class,
        sum(customer_count) as customer_count,
        sum(monetary_amount) as monetary_amount,
        min(smallest_monetary_amount) as smallest_monetary_amount
    from buyers
    group by as_of_date, abc_class
),

totals as (
    select
        as_of_date,
        sum(customer_count) as customer_count,
        sum(monetary_amount) as monetary_amount
    from buyers_by_class
    group by as_of_date
),

concentration as (
    select
        as_of_dates.as_of_date,
        as_of_dates.is_current,
        abc_classes.code as abc_class,
        abc_classes.sort_order as abc_class_sort,
        abc_classes.label_en as abc_class_en,
        abc_classes.label_zh as abc_class_zh,
        cast(coalesce(buyers_by_class.customer_count, 0) as bigint) as customer_count,
        coalesce({{ ratio('buyers_by_class.customer_count', 'totals.customer_count') }}, 0) as customer_share,
        {{ to_amount('coalesce(buyers_by_class.monetary_amount, 0)') }} as monetary_amount,
        coalesce({{ ratio('buyers_by_class.monetary_amount', 'totals.monetary_amount') }}, 0) as monetary_share,
        {{ to_amount('buyers_by_class.smallest_monetary_amount') }} as smallest_monetary_amount,
        {{ ratio('value_thresholds.top_fifth_amount', 'totals.monetary_amount') }} as top_fifth_monetary_share
    from as_of_dates
    cross join abc_classes
    left join value_thresholds on as_of_dates.as_of_date = value_thresholds.as_of_date
    left join totals on as_of_dates.as_of_date = totals.as_of_date
    left join buyers_by_class
        on
            as_of_dates.as_of_date = buyers_by_class.as_of_date
            and abc_classes.code = buyers_by_class.abc_class
    where abc_classes.code != 'none'
)

select * from concentration
