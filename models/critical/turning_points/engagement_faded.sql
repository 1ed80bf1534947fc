-- Interactions at most a share of the own mean of the year before.
-- Needs interactions in that year, so that who was never engaged does not fade.
with

states as (
    select
        states.*,
        {{ usual_of_days('states.interaction_count_faded_year', var('engagement_faded_days')) }} as usual_count
    from {{ ref('int_customer_states') }} as states
    where states.interaction_count_faded_year >= {{ var('engagement_faded_min_interactions') }}
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'engagement_faded' as turning_point_type,
        {{ to_amount('interaction_count_faded') }} as observed_value,
        {{ to_amount('usual_count') }} as reference_value,
        {{ strength('interaction_count_faded', 'usual_count', lies='below') }} as strength,
        {{ add_days('as_of_date', 1 - var('engagement_faded_days')) }} as started_on
    from states
    where interaction_count_faded <= {{ var('engagement_faded_share') }} * usual_count
)

select * from turning_points
