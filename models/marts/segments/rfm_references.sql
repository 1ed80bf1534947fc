with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

rfm_references as (
    select * from {{ ref('int_rfm_thresholds') }}
),

lifecycle_thresholds as (
    select * from {{ ref('int_lifecycle_thresholds') }}
),

value_thresholds as (
    select * from {{ ref('int_value_thresholds') }}
),

metrics as {{ labels_of('metric') }},

other_lines as (
    select
        lifecycle_thresholds.as_of_date,
        metrics.code as metric,
        {{ to_threshold(
            "case metrics.code
                when 'churn_line_days' then lifecycle_thresholds.churn_line_days
                when 'pooled_mean_gap_days' then lifecycle_thresholds.pooled_mean_gap_days
                when 'second_gap_lower_days' then lifecycle_thresholds.second_gap_lower_days
                when 'second_gap_upper_days' then lifecycle_thresholds.second_gap_upper_days
                when 'top_fifth_line_amount' then value_thresholds.top_fifth_line_amount
                when 'high_value_line_amount' then value_thresholds.high_value_line_amount
                when 'mid_value_line_amount' then value_thresholds.mid_value_line_amount
                when 'abc_a_line_amount' then value_thresholds.abc_a_line_amount
                when 'abc_b_line_amount' then value_thresholds.abc_b_line_amount
            end"
        ) }} as reference_value
    from lifecycle_thresholds
    inner join value_thresholds on lifecycle_thresholds.as_of_date = value_thresholds.as_of_date
    cross join metrics
),

all_lines as (
    select
        as_of_date,
        metric,
        '{{ var("value_class_reference") }}' as reference_method,
        reference_value,
        '{{ var("rfm_score_method") }}' as score_method,
        {{ all_cut_points('rfm_references') }}
    from rfm_references

    union all

    select
        as_of_date,
        metric,
        null as reference_method,
        reference_value,
        null as score_method,
        {{ all_cut_points() }}
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
        {{ all_cut_points('all_lines') }}
    from all_lines
    inner join as_of_dates on all_lines.as_of_date = as_of_dates.as_of_date
    left join metrics on all_lines.metric = metrics.code
)

select * from labelled
