{%- set quiet_days = var('at_risk_pace_multiple') ~ ' * usual_gap_days' -%}

-- Silent for longer than the habit allows, but not for so long that it is gone.
-- The usual gap leans on everyone's (int_lifecycle_stages), so that two purchases do not make a habit.
with

states as (
    select * from {{ ref('int_customer_states') }}
    where
        purchase_day_count >= {{ var('slipping_min_purchase_days') }}
        and recency_days > {{ quiet_days }}
        and recency_days <= churn_line_days
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'slipping' as turning_point_type,
        {{ to_amount('recency_days') }} as observed_value,
        {{ to_amount('usual_gap_days') }} as reference_value,
        {{ strength('recency_days', 'usual_gap_days', lies='above') }} as strength,
        {{ add_days('last_purchase_date', 'floor(' ~ quiet_days ~ ') + 1') }} as started_on
    from states
)

select * from turning_points
