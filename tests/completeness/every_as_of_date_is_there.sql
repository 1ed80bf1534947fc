{#
    Protects completeness: every table with as-of dates has each as-of date, and no other date.
    A date that is missing would be read as a day on which nothing happened; yesterday's date that lingers would count
    every customer twice.
#}
{%- set tables_of_every_date = [
    'int_customer_states', 'int_lifecycle_thresholds', 'int_value_thresholds', 'value_class_summary', 'revenue_concentration'
] -%}
{%- set tables_of_some_dates = [
    'int_purchase_metrics', 'int_interaction_metrics', 'int_feedback_metrics', 'int_rfm_thresholds',
    'int_turning_points_unioned'
] -%}

with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

dates_told as (
    {%- for table_name in tables_of_every_date + ['value_class_migrations', 'rfm_references', 'customers'] %}
    select
        '{{ table_name }}' as table_name,
        as_of_date
    from {{ ref(table_name) }}
    group by as_of_date
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

-- a day on which no one turned, bought, called or complained is in order, a day that is no as-of date is not
dates_met as (
    select
        table_name,
        as_of_date
    from dates_told
    {%- for table_name in tables_of_some_dates %}
    union all
    select
        '{{ table_name }}' as table_name,
        as_of_date
    from {{ ref(table_name) }}
    group by as_of_date
    {%- endfor %}
),

dates_to_tell as (
    {%- for table_name in tables_of_every_date %}
    select
        '{{ table_name }}' as table_name,
        as_of_date
    from as_of_dates
    union all
    {%- endfor %}
    -- the first as-of date has nothing to come from
    select
        'value_class_migrations' as table_name,
        as_of_date
    from as_of_dates
    where previous_as_of_date is not null
    union all
    select
        'customers' as table_name,
        as_of_date
    from as_of_dates
    where is_current
    union all
    -- without buyers there are no thresholds
    select
        'rfm_references' as table_name,
        as_of_date
    from {{ ref('int_purchase_metrics') }}
    where window_purchase_day_count > 0
    group by as_of_date
),

failures as (
    select
        'missing' as fault,
        dates_to_tell.table_name,
        dates_to_tell.as_of_date
    from dates_to_tell
    left join dates_told
        on
            dates_to_tell.table_name = dates_told.table_name
            and dates_to_tell.as_of_date = dates_told.as_of_date
    where dates_told.as_of_date is null

    union all

    select
        'no as-of date' as fault,
        dates_met.table_name,
        dates_met.as_of_date
    from dates_met
    left join as_of_dates on dates_met.as_of_date = as_of_dates.as_of_date
    where as_of_dates.as_of_date is null
)

select * from failures
