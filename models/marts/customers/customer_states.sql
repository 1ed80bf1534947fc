{{ config(materialized='view') }}

with

states as (
    select * from {{ ref('int_customer_states_labelled') }}
),

customer_states as (
    select
        customer_id,
        as_of_date,
        is_current,
        is_month_end,
        previous_as_of_date,
        is_registered,
        known_since_date,
        known_days,
        -- recency, frequency, monetary
        first_purchase_date,
        last_purchase_date,
        purchase_day_count,
        lifetime_net_amount,
        recency_days,
        frequency_count,
        monetary_amount,
        order_count,
        gross_amount,
        returned_amount,
        net_amount,
        profit_amount,
        net_amount_365,
        recency_score,
        frequency_score,
        monetary_score,
        is_recency_high,
        is_frequency_high,
        is_monetary_high,
        -- value
        value_class,
        value_class_rank,
        value_class_en,
        value_class_zh,
        value_class_with_previous_lines,
        abc_class,
        abc_class_sort,
        abc_class_en,
        abc_class_zh,
        value_level,
        value_level_sort,
        value_level_en,
        value_level_zh,
        -- lifecycle, journeys, relationship
        lifecycle_stage,
        lifecycle_stage_sort,
        lifecycle_stage_en,
        lifecycle_stage_zh,
        lifecycle_stage_since_date,
        movement,
        movement_sort,
        movement_en,
        movement_zh,
        usual_gap_days,
        churn_line_days,
        net_amount_half,
        net_amount_half_before,
        ecommerce_stage,
        ecommerce_stage_sort,
        ecommerce_stage_en,
        ecommerce_stage_zh,
        consultative_stage,
        consultative_stage_sort,
        consultative_stage_en,
        consultative_stage_zh,
        relationship,
        relationship_sort,
        relationship_en,
        relationship_zh,
        -- engagement and experience
        last_interaction_date,
        contact_count,
        intent_count,
        last_complaint_date,
        open_complaint_date,
        -- the as-of date before
        previous_value_class,
        previous_lifecycle_stage,
        previous_movement,
        previous_recency_days,
        previous_monetary_amount
    from states
)

select * from customer_states
