-- The value class is lower than on the date before, by the thresholds of that date too: behaviour moved it, not a
-- threshold.
-- Who has not bought in the window stands in none of the eight classes, so leaving them is no fall.
with

states as (
    select * from {{ ref('int_customer_states') }}
    where
        previous_value_class_rank > 0
        and value_class_rank > 0
        and value_class_rank_with_previous_lines > 0
        and value_class_rank < previous_value_class_rank
        and value_class_rank_with_previous_lines < previous_value_class_rank
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'class_fell' as turning_point_type,
        {{ to_amount('value_class_rank') }} as observed_value,
        {{ to_amount('previous_value_class_rank') }} as reference_value,
        {{ strength('value_class_rank', 'previous_value_class_rank', lies='below') }} as strength,
        {{ add_days('previous_as_of_date', 1) }} as started_on
    from states
)

select * from turning_points
