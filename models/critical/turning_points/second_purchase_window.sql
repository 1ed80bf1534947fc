-- One purchase day, whose age lies between the quartiles of the gaps of those who did return, both days included.
-- Strength grows as the window closes: the less time is left, the more it presses.
with

states as (
    select * from {{ ref('int_customer_states') }}
    where
        purchase_day_count = 1
        and recency_days between second_gap_lower_days and second_gap_upper_days
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'second_purchase_window' as turning_point_type,
        {{ to_amount('recency_days') }} as observed_value,
        {{ to_amount('second_gap_upper_days') }} as reference_value,
        {{ strength('recency_days', 'second_gap_upper_days', lies='towards') }} as strength,
        {{ add_days('first_purchase_date', 'second_gap_lower_days') }} as started_on
    from states
)

select * from turning_points
