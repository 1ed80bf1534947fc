-- Bought again within the recent days, after a silence beyond the churn line.
-- The silence ends with the first purchase of the recent days; what was bought since does not matter.
with

silences as (
    select
        states.*,
        {{ days_between('states.purchase_before_return_date', 'states.returned_on_date') }} as silent_days
    from {{ ref('int_customer_states') }} as states
    where states.returned_on_date is not null
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'came_back' as turning_point_type,
        {{ to_amount('silent_days') }} as observed_value,
        {{ to_amount('churn_line_days') }} as reference_value,
        {{ strength('silent_days', 'churn_line_days', lies='above') }} as strength,
        returned_on_date as started_on
    from silences
    where silent_days > churn_line_days
)

select * from turning_points
