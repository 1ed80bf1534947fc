{{ config(post_hook=["{{ check_as_of_date() }}", "{{ forget_dates_to_build() }}"]) }}

-- The days that states speak of: the month-ends of the history and the current as-of date. Nothing reads the clock: the
-- current as-of date is a setting, or the last complete business day in the data.
with

activity_days as (
    select * from {{ ref('activity_days') }}
),

-- a day is complete when the newest row was loaded after it had ended
last_complete_day as (
    select
        least(
            max(activity_date) filter (where transaction_count > 0),
            {{ add_days(
                business_date("max(newest_loaded_at) filter (where newest_loaded_at > timestamp '1970-01-01')"), -1
            ) }}
        ) as last_complete_date,
        min(activity_date) filter (where transaction_count > 0) as first_date
    from activity_days
),

current_day as (
    select
        coalesce({{ date_or_null(var('as_of_date')) }}, last_complete_date) as as_of_date,
        first_date
    from last_complete_day
),

months_back as (
    {{ dbt.generate_series(var('history_months')) }}
),

month_ends as (
    select {{ month_end('current_day.as_of_date', '(-1 * cast(months_back.generated_number as integer))') }} as as_of_date
    from current_day
    cross join months_back
),

-- a month before the first transaction has nothing to report
spine as (
    select month_ends.as_of_date
    from month_ends
    cross join current_day
    where month_ends.as_of_date >= current_day.first_date

    union all

    select as_of_date
    from current_day
),

known_by_date as (
    select
        spine.as_of_date,
        cast(coalesce(sum(activity_days.record_count), 0) as bigint) as record_count,
        max(activity_days.last_changed_at) as data_last_changed_at
    from spine
    left join activity_days on spine.as_of_date >= activity_days.activity_date
    group by spine.as_of_date
),

in_history as (
    select
        known_by_date.*,
        known_by_date.as_of_date = current_day.as_of_date as is_current,
        known_by_date.as_of_date = {{ month_end('known_by_date.as_of_date') }} as is_month_end,
        known_by_date.as_of_date < {{ month_end('current_day.as_of_date', -1 * var('history_lag_months')) }} as is_frozen,
        lag(known_by_date.as_of_date) over (order by known_by_date.as_of_date) as previous_as_of_date
    from known_by_date
    cross join current_day
),

-- a date that was never built, or an open one whose data changed since
since_last_build as (
    select
        in_history.as_of_date,
        in_history.is_current,
        in_history.is_month_end,
        in_history.is_frozen,
        in_history.previous_as_of_date,
        in_history.record_count,
        in_history.data_last_changed_at,
        last_builds.as_of_date is null
        or (
            not in_history.is_frozen
            and last_builds.data_last_changed_at is distinct from in_history.data_last_changed_at
        ) as needs_rebuild
    from in_history
    left join {{ last_state_builds() or no_state_builds() }} as last_builds
        on in_history.as_of_date = last_builds.as_of_date
)

select * from since_last_build
