{{ config(materialized='by_as_of_date') }}

with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    {{ only_dates_to_build() }}
),

fixed_cut_points as (
    select * from {{ ref('rfm_fixed_cut_points') }}
),

fixed_references as (
    select * from {{ ref('rfm_fixed_references') }}
),

buyers as (
    select
        purchase_metrics.as_of_date,
        {{ days_between('purchase_metrics.last_purchase_date', 'purchase_metrics.as_of_date') }} as recency_days,
        {{ frequency_count('purchase_metrics') }} as frequency_count,
        {{ monetary_amount('purchase_metrics') }} as monetary_amount
    from {{ ref('int_purchase_metrics') }} as purchase_metrics
    inner join as_of_dates on purchase_metrics.as_of_date = as_of_dates.as_of_date
    where purchase_metrics.window_purchase_day_count > 0
),

-- one row a buyer and metric
buyer_metrics as (
    select
        as_of_date,
        'recency_days' as metric,
        {{ to_amount('recency_days') }} as metric_value
    from buyers

    union all

    select
        as_of_date,
        'frequency_count' as metric,
        {{ to_amount('frequency_count') }} as metric_value
    from buyers

    union all

    select
        as_of_date,
        'monetary_amount' as metric,
        monetary_amount as metric_value
    from buyers
),

cut_points as (
    {% if var('rfm_score_method') == 'quantile' -%}
    select
        as_of_date,
        metric,
        {{ cut_points_of('metric_value') }}
    from (
        select
            as_of_date,
            metric,
            {{ quantiles('metric_value') }}
        from buyer_metrics
        group by as_of_date, metric
    ) as quantiles_by_metric
    {%- else -%}
    select
        as_of_dates.as_of_date,
        fixed_cut_points.metric,
        {{ fixed_cut_points() }}
    from fixed_cut_points
    cross join as_of_dates
    group by as_of_dates.as_of_date, fixed_cut_points.metric
    {%- endif %}
),

reference_values as (
    {% if var('value_class_reference') == 'mean' -%}
    select
        as_of_date,
        metric,
        {{ to_threshold(average('metric_value')) }} as reference_value
    from buyer_metrics
    group by as_of_date, metric
    {%- elif var('value_class_reference') == 'median' -%}
    select
        as_of_date,
        metric,
        {{ to_threshold(quantile('metric_value', 0.5)) }} as reference_value
    from buyer_metrics
    group by as_of_date, metric
    {%- elif var('value_class_reference') == 'score' -%}
    select
        buyer_metrics.as_of_date,
        buyer_metrics.metric,
        {{ to_threshold(average(
            "case when buyer_metrics.metric = 'recency_days' then "
            ~ rfm_score('buyer_metrics.metric_value', 'cut_points', best='low')
            ~ " else " ~ rfm_score('buyer_metrics.metric_value', 'cut_points') ~ " end"
        )) }} as reference_value
    from buyer_metrics
    inner join cut_points
        on
            buyer_metrics.as_of_date = cut_points.as_of_date
            and buyer_metrics.metric = cut_points.metric
    group by buyer_metrics.as_of_date, buyer_metrics.metric
    {%- else -%}
    select
        as_of_dates.as_of_date,
        fixed_references.metric,
        {{ to_threshold('fixed_references.reference_value') }} as reference_value
    from fixed_references
    cross join as_of_dates
    {%- endif %}
),

references_by_date as (
    select
        reference_values.as_of_date,
        reference_values.metric,
        reference_values.reference_value,
        cut_points.cut_point_1,
        cut_points.cut_point_2,
        cut_points.cut_point_3,
        cut_points.cut_point_4,
        cut_points.cut_point_5,
        cut_points.cut_point_6,
        cut_points.cut_point_7,
        cut_points.cut_point_8,
        cut_points.cut_point_9
    from reference_values
    inner join cut_points
        on
            reference_values.as_of_date = cut_points.as_of_date
            and reference_values.metric = cut_points.metric
)

select * from references_by_date
