with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

rfm_references as (
    select * from {{ ref('int_rfm_references') }}
),

pace_lines as (
    select * from {{ ref('int_pace_lines') }}
),

value_lines as (
    select * from {{ ref('int_value_lines') }}
),

metrics as {{ labels_of('metric') }},

other_lines as (
    select as_of_date, 'churn_line_days' as metric, {{ to_line('churn_line_days') }} as reference_value from pace_lines
    union all
    select as_of_date, 'pooled_mean_gap_days' as metric, pooled_mean_gap_days as reference_value from pace_lines
    union all
    select as_of_date, 'second_gap_lower_days' as metric, {{ to_line('second_gap_lower_days') }} as reference_value
    from pace_lines
    union all
    select as_of_date, 'second_gap_upper_days' as metric, {{ to_line('second_gap_upper_days') }} as reference_value
    from pace_lines
    union all
    select as_of_date, 'top_fifth_line_amount' as metric, top_fifth_line_amount as reference_value from value_lines
    union all
    select as_of_date, 'high_value_line_amount' as metric, high_value_line_amount as reference_value from value_lines
    union all
    select as_of_date, 'mid_value_line_amount' as metric, mid_value_line_amount as reference_value from value_lines
    union all
    select as_of_date, 'abc_a_line_amount' as metric, {{ to_line('abc_a_line_amount') }} as reference_value
    from value_lines
    union all
    select as_of_date, 'abc_b_line_amount' as metric, {{ to_line('abc_b_line_amount') }} as reference_value
    from value_lines
),

all_lines as (
    select
        as_of_date,
        metric,
        '{{ var("value_class_reference") }}' as reference_method,
        reference_value,
        '{{ var("rfm_score_method") }}' as score_method,
        cut_point_1,
        cut_point_2,
        cut_point_3,
        cut_point_4,
        cut_point_5,
        cut_point_6,
        cut_point_7,
        cut_point_8,
        cut_point_9
    from rfm_references

    union all

    select
        as_of_date,
        metric,
        null as reference_method,
        reference_value,
        null as score_method,
        null as cut_point_1,
        null as cut_point_2,
        null as cut_point_3,
        null as cut_point_4,
        null as cut_point_5,
        null as cut_point_6,
        null as cut_point_7,
        null as cut_point_8,
        null as cut_point_9
    from other_lines
    where reference_value is not null
),

labelled as (
    select
        all_lines.as_of_date,
        as_of_dates.is_current,
        all_lines.metric,
        metrics.sort_order as metric_sort,
        metrics.label_en as metric_en,
        metrics.label_zh as metric_zh,
        all_lines.reference_method,
        all_lines.reference_value,
        all_lines.score_method,
        all_lines.cut_point_1,
        all_lines.cut_point_2,
        all_lines.cut_point_3,
        all_lines.cut_point_4,
        all_lines.cut_point_5,
        all_lines.cut_point_6,
        all_lines.cut_point_7,
        all_lines.cut_point_8,
        all_lines.cut_point_9
    from all_lines
    inner join as_of_dates on all_lines.as_of_date = as_of_dates.as_of_date
    left join metrics on all_lines.metric = metrics.code
)

select * from labelled
