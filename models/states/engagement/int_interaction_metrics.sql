{{ config(materialized='by_as_of_date', meta={'by_customer': true, 'windows': 'interaction_windows'}) }}

-- How a customer had been in contact by an as-of date, in all and in each window (macro interaction_windows).
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    {{ only_dates_to_build() }}
),

daily_interactions as (
    select * from {{ ref('daily_interactions') }}
    where
        touch_count > 0
        and {{ is_of_changed_customer() }}
),

interactions_by_state as (
    select
        as_of_dates.as_of_date,
        daily_interactions.*
    from as_of_dates
    cross join daily_interactions
    where {{ days_between('daily_interactions.activity_date', 'as_of_dates.as_of_date') }} >= 0
),

metrics as (
    select
        customer_id,
        as_of_date,
        max(activity_date) filter (where interaction_count > 0) as last_interaction_date,
        {{ sum_count('interaction_count', in_window('interaction_windows', 'faded')) }} as interaction_count_faded,
        {{ sum_count('interaction_count', in_window('interaction_windows', 'year_before_faded')) }}
            as interaction_count_faded_year,
        {{ sum_count('interaction_count', in_window('interaction_windows', 'surge')) }} as interaction_count_surge,
        {{ sum_count('interaction_count', in_window('interaction_windows', 'year_before_surge')) }}
            as interaction_count_surge_year,
        {{ sum_count('contact_count') }} as contact_count,
        {{ sum_count('intent_count') }} as intent_count,
        max(last_changed_at) as last_changed_at
    from interactions_by_state
    group by customer_id, as_of_date
)

select * from metrics
