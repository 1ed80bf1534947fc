{{ config(materialized='by_as_of_date') }}

{%- set in_faded = last_days('activity_date', 'as_of_date', var('engagement_faded_days')) -%}
{%- set in_faded_year = last_days('activity_date', 'as_of_date', 365, ending_before=var('engagement_faded_days')) -%}
{%- set in_surge = last_days('activity_date', 'as_of_date', var('engagement_surge_days')) -%}
{%- set in_surge_year = last_days('activity_date', 'as_of_date', 365, ending_before=var('engagement_surge_days')) -%}
{%- set window_ends = [
    var('engagement_faded_days'), var('engagement_faded_days') + 365,
    var('engagement_surge_days'), var('engagement_surge_days') + 365
] -%}

with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    {{ only_dates_to_build() }}
),

daily_interactions as (
    select * from {{ ref('daily_interactions') }}
    where
        touch_count > 0
        and {{ is_of_changed_customer(window_ends) }}
),

interactions_by_state as (
    select
        as_of_dates.as_of_date,
        daily_interactions.*
    from as_of_dates
    cross join daily_interactions
    where {{ days_between('daily_interactions.activity_date', 'as_of_dates.as_of_date') }} >= 0
),

measured as (
    select
        customer_id,
        as_of_date,
        max(activity_date) filter (where interaction_count > 0) as last_interaction_date,
        {{ sum_count('interaction_count', in_faded) }} as interaction_count_faded,
        {{ sum_count('interaction_count', in_faded_year) }} as interaction_count_faded_year,
        {{ sum_count('interaction_count', in_surge) }} as interaction_count_surge,
        {{ sum_count('interaction_count', in_surge_year) }} as interaction_count_surge_year,
        {{ sum_count('contact_count') }} as contact_count,
        {{ sum_count('intent_count') }} as intent_count,
        max(last_changed_at) as last_changed_at
    from interactions_by_state
    group by customer_id, as_of_date
)

select * from measured
