-- Interactions at several times the own mean of the year before, and no purchase in the same days: interest, not yet
-- business.
-- Needs a few interactions, so that one after none is no surge.
with

states as (
    select
        states.*,
        {{ usual_of_days('states.interaction_count_surge_year', var('engagement_surge_days')) }} as usual_count
    from {{ ref('int_customer_states') }} as states
    where
        states.interaction_count_surge >= {{ var('engagement_surge_min_interactions') }}
        and (
            states.last_purchase_date is null
            or not {{ last_days('states.last_purchase_date', 'states.as_of_date', var('engagement_surge_days')) }}
        )
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'engagement_surge' as turning_point_type,
        {{ to_amount('interaction_count_surge') }} as observed_value,
        {{ to_amount('usual_count') }} as reference_value,
        {{ strength('interaction_count_surge', 'usual_count', lies='above') }} as strength,
        {{ add_days('as_of_date', 1 - var('engagement_surge_days')) }} as started_on
    from states
    where interaction_count_surge >= {{ var('engagement_surge_multiple') }} * usual_count
)

select * from turning_points
