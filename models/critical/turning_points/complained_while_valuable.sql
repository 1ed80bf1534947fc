-- A complaint of a customer in a key class that is unresolved, or that no purchase has followed.
-- A fresh complaint can still be made good, so it weighs most; an old one that nobody answered weighs little.
with

states as (
    select
        states.*,
        {{ days_between('states.open_complaint_date', 'states.as_of_date') }} as complaint_age_days,
        {{ var('complaint_days') }} as complaint_days
    from {{ ref('int_customer_states') }} as states
    where
        states.open_complaint_date is not null
        and states.is_monetary_high
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'complained_while_valuable' as turning_point_type,
        {{ to_amount('complaint_age_days') }} as observed_value,
        {{ to_amount('complaint_days') }} as reference_value,
        {{ strength('complaint_age_days', 'complaint_days', lies='below') }} as strength,
        open_complaint_date as started_on
    from states
)

select * from turning_points
