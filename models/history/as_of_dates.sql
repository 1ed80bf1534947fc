{{ config(post_hook=["{{ check_as_of_date() }}", "{{ forget_dates_to_build() }}"]) }}

{%- set ledger = last_state_builds() %}

with

activity_days as (
    select * from {{ ref('activity_days') }}
),

-- a day is complete when the newest row arrived after it had ended
last_complete_day as (
    select
        least(
            max(activity_date) filter (where transaction_count > 0),
            {{ add_days(business_date("max(arrived_at) filter (where arrived_at > timestamp '1970-01-01')"), -1) }}
        ) as last_complete_date,
        min(activity_date) filter (where transaction_count > 0) as first_date
    from activity_days
),

current_day as (
    select
        {% if var('as_of_date') %} date '{{ var("as_of_date") }}' {% else %} last_complete_date {% endif %} as as_of_date,
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

-- a month before the first transaction has nothing to tell
spine as (
    select month_ends.as_of_date
    from month_ends
    cross join current_day
    where month_ends.as_of_date >= current_day.first_date

    union all

    select as_of_date
    from current_day
),

arrivals as (
    select
        spine.as_of_date,
        cast(coalesce(sum(activity_days.record_count), 0) as bigint) as record_count,
        max(activity_days.last_changed_at) as data_last_changed_at
    from spine
    left join activity_days on spine.as_of_date >= activity_days.activity_date
    group by spine.as_of_date
),

placed_in_history as (
    select
        arrivals.as_of_date,
        arrivals.record_count,
        arrivals.data_last_changed_at,
        arrivals.as_of_date = current_day.as_of_date as is_current,
        arrivals.as_of_date = {{ month_end('arrivals.as_of_date') }} as is_month_end,
        arrivals.as_of_date < {{ month_end('current_day.as_of_date', -1 * var('history_lag_months')) }} as is_frozen,
        lag(arrivals.as_of_date) over (order by arrivals.as_of_date) as previous_as_of_date
    from arrivals
    cross join current_day
),

compared_with_last_run as (
    select
        placed_in_history.as_of_date,
        placed_in_history.is_current,
        placed_in_history.is_month_end,
        placed_in_history.is_frozen,
        placed_in_history.previous_as_of_date,
        placed_in_history.record_count,
        placed_in_history.data_last_changed_at,
        {% if ledger -%}
        ledger.as_of_date is null
        or (
            not placed_in_history.is_frozen
            and ledger.data_last_changed_at is distinct from placed_in_history.data_last_changed_at
        )
        {%- else -%} true {%- endif %} as needs_rebuild
    from placed_in_history
    {% if ledger -%}
    left join {{ ledger }} as ledger on placed_in_history.as_of_date = ledger.as_of_date
    {%- endif %}
)

select * from compared_with_last_run
