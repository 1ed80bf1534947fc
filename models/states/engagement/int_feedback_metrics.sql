{{ config(materialized='by_as_of_date', meta={'by_customer': true}) }}

-- The complaints of the last complaint_days by an as-of date, and the last one that was unresolved on it.
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    {{ only_dates_to_build() }}
),

complaint_days as (
    select * from {{ ref('daily_feedback') }}
    where complaint_count > 0 and {{ is_of_changed_customer() }}
),

complaints_by_state as (
    select
        as_of_dates.as_of_date,
        complaint_days.customer_id,
        complaint_days.activity_date,
        complaint_days.last_changed_at,
        -- a complaint that was resolved after the as-of date was open on it
        complaint_days.all_resolved_date <= as_of_dates.as_of_date as was_resolved
    from as_of_dates
    inner join complaint_days
        on
            as_of_dates.as_of_date >= complaint_days.activity_date
            and {{ last_days('complaint_days.activity_date', 'as_of_dates.as_of_date', var('complaint_days')) }}
),

metrics as (
    select
        customer_id,
        as_of_date,
        max(activity_date) as last_complaint_date,
        max(activity_date) filter (where was_resolved is distinct from true) as last_unresolved_complaint_date,
        max(last_changed_at) as last_changed_at
    from complaints_by_state
    group by customer_id, as_of_date
)

select * from metrics
