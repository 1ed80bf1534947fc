-- Silent beyond the churn line, and in the top fifth by lifetime net amount.
-- Lifetime amounts favour old customers: whoever is young can be valuable and is not found here.
with

states as (
    select * from {{ ref('int_customer_states') }}
    where
        recency_days > churn_line_days
        and lifetime_net_amount > top_fifth_line_amount
),

turning_points as (
    select
        customer_id,
        as_of_date,
        'dormant_high_value' as turning_point_type,
        {{ to_amount('recency_days') }} as observed_value,
        {{ to_amount('churn_line_days') }} as reference_value,
        {{ strength('recency_days', 'churn_line_days', lies='above') }} as strength,
        {{ add_days('last_purchase_date', 'churn_line_days + 1') }} as started_on
    from states
)

select * from turning_points
