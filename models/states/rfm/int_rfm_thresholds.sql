{{ config(materialized='by_as_of_date') }}

-- Per metric the reference between high and low (setting value_class_reference) and the cut points of the scores (setting
-- rfm_score_method), drawn through the buyers of the window. Only the CTEs that the settings name are read.
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    {{ only_dates_to_build() }}
),

metric_values as (
    select * from {{ ref('int_rfm_metric_values') }}
    {{ only_dates_to_build() }}
),

quantiles_by_metric as (
    select
        as_of_date,
        metric,
        {{ quantiles('metric_value') }}
    from metric_values
    group by as_of_date, metric
),

quantile_cut_points as (
    select
        as_of_date,
        metric,
        {{ cut_points_of('metric_value') }}
    from quantiles_by_metric
),

fixed_cut_points as (
    select
        as_of_dates.as_of_date,
        seed.metric,
        {{ fixed_cut_points() }}
    from {{ ref('rfm_fixed_cut_points') }} as seed
    cross join as_of_dates
    group by as_of_dates.as_of_date, seed.metric
),

cut_points as (
    select * from {{ var('rfm_score_method') }}_cut_points
),

mean_references as (
    select
        as_of_date,
        metric,
        {{ to_threshold(average('metric_value')) }} as reference_value
    from metric_values
    group by as_of_date, metric
),

median_references as (
    select
        as_of_date,
        metric,
        {{ to_threshold(quantile('metric_value', 0.5)) }} as reference_value
    from metric_values
    group by as_of_date, metric
),

score_references as (
    select
        metric_values.as_of_date,
        metric_values.metric,
        {{ to_threshold(average(metric_score('metric_values', 'cut_points'))) }} as reference_value
    from metric_values
    inner join cut_points
        on
            metric_values.as_of_date = cut_points.as_of_date
            and metric_values.metric = cut_points.metric
    group by metric_values.as_of_date, metric_values.metric
),

fixed_references as (
    select
        as_of_dates.as_of_date,
        seed.metric,
        {{ to_threshold('seed.reference_value') }} as reference_value
    from {{ ref('rfm_fixed_references') }} as seed
    cross join as_of_dates
),

-- with fixed references a date without buyers has no quantiles, and keeps its references
thresholds as (
    select
        reference_values.as_of_date,
        reference_values.metric,
        reference_values.reference_value,
        {{ all_cut_points('cut_points') }}
    from {{ var('value_class_reference') }}_references as reference_values
    left join cut_points
        on
            reference_values.as_of_date = cut_points.as_of_date
            and reference_values.metric = cut_points.metric
)

select * from thresholds
