-- In contact within the recent days, known for a short time, and bought at most once.
-- A fresh contact is still warm, so it weighs most.
with

states as (
    select * from {{ ref('int_customer_states') }}
    where
        {{ last_days('last_interaction_date', 'as_of_date', var('recent_days')) }}
        and purchase_day_count <= 1
        and known_days <= {{ var('shallow_known_days') }}
),

aged as (
    select
        customer_id,
        as_of_date,
        last_interaction_date,
        {{ days_between('last_interaction_date', 'as_of_date') }} as interaction_age_days,
        {{ var('recent_days') }} as recent_days
    from states
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'shallow_recent' as turning_point_type,
        {{ to_amount('interaction_age_days') }} as observed_value,
        {{ to_amount('recent_days') }} as reference_value,
        {{ strength('interaction_age_days', 'recent_days', lies='below') }} as strength,
        last_interaction_date as started_on
    from aged
)

select * from turning_points
