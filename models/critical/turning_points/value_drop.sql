-- Still buying, but the last days bring at most a share of the own mean of the year before them.
-- Silence is no drop: slipping and dormant_high_value report it.
with

states as (
    select
        states.*,
        {{ usual_of_days('states.net_amount_value_drop_year', var('value_drop_days')) }} as usual_amount
    from {{ ref('int_customer_states') }} as states
    where
        states.purchase_day_count_value_drop_year >= {{ var('value_drop_min_purchase_days') }}
        and {{ last_days('states.last_purchase_date', 'states.as_of_date', var('value_drop_days')) }}
),

dropped as (
    select * from states
    where
        usual_amount > 0
        and net_amount_value_drop <= {{ var('value_drop_share') }} * usual_amount
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'value_drop' as turning_point_type,
        {{ to_amount('net_amount_value_drop') }} as observed_value,
        {{ to_amount('usual_amount') }} as reference_value,
        {{ strength('net_amount_value_drop', 'usual_amount', lies='below') }} as strength,
        {{ add_days('as_of_date', 1 - var('value_drop_days')) }} as started_on
    from dropped
)

select * from turning_points
