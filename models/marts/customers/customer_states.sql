{{ config(materialized='view') }}

with

states as (
    select * from {{ ref('int_customer_states') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

value_classes as (
    select * from {{ ref('value_classes') }}
),

lifecycle_stages as {{ labels_of('lifecycle_stage') }},

movements as {{ labels_of('movement') }},

ecommerce_stages as {{ labels_of('ecommerce_stage') }},

consultative_stages as {{ labels_of('consultative_stage') }},

relationships as {{ labels_of('relationship') }},

abc_classes as {{ labels_of('abc_class') }},

value_levels as {{ labels_of('value_level') }},

labelled as (
    select
        states.customer_id,
        states.as_of_date,
        as_of_dates.is_current,
        as_of_dates.is_month_end,
        states.previous_as_of_date,
        states.is_registered,
        states.known_since_date,
        states.known_days,
        -- recency, frequency, monetary
        states.first_purchase_date,
        states.last_purchase_date,
        states.purchase_day_count,
        states.lifetime_net_amount,
        states.recency_days,
        states.frequency_count,
        states.monetary_amount,
        states.order_count,
        states.gross_amount,
        states.returned_amount,
        states.net_amount,
        states.profit_amount,
        states.net_amount_365,
        states.recency_score,
        states.frequency_score,
        states.monetary_score,
        states.is_recency_high,
        states.is_frequency_high,
        states.is_monetary_high,
        -- value
        states.value_class,
        value_classes.value_class_rank,
        value_classes.label_en as value_class_en,
        value_classes.label_zh as value_class_zh,
        states.value_class_with_previous_lines,
        states.abc_class,
        abc_classes.sort_order as abc_class_sort,
        abc_classes.label_en as abc_class_en,
        abc_classes.label_zh as abc_class_zh,
        states.value_level,
        value_levels.sort_order as value_level_sort,
        value_levels.label_en as value_level_en,
        value_levels.label_zh as value_level_zh,
        -- lifecycle, journeys, relationship
        states.lifecycle_stage,
        lifecycle_stages.sort_order as lifecycle_stage_sort,
        lifecycle_stages.label_en as lifecycle_stage_en,
        lifecycle_stages.label_zh as lifecycle_stage_zh,
        states.lifecycle_stage_since_date,
        states.movement,
        movements.sort_order as movement_sort,
        movements.label_en as movement_en,
        movements.label_zh as movement_zh,
        states.usual_gap_days,
        states.churn_line_days,
        states.net_amount_half,
        states.net_amount_half_before,
        states.ecommerce_stage,
        ecommerce_stages.sort_order as ecommerce_stage_sort,
        ecommerce_stages.label_en as ecommerce_stage_en,
        ecommerce_stages.label_zh as ecommerce_stage_zh,
        states.consultative_stage,
        consultative_stages.sort_order as consultative_stage_sort,
        consultative_stages.label_en as consultative_stage_en,
        consultative_stages.label_zh as consultative_stage_zh,
        states.relationship,
        relationships.sort_order as relationship_sort,
        relationships.label_en as relationship_en,
        relationships.label_zh as relationship_zh,
        -- engagement and experience
        states.last_interaction_date,
        states.contact_count,
        states.intent_count,
        states.last_complaint_date,
        states.open_complaint_date,
        -- the as-of date before
        states.previous_value_class,
        states.previous_lifecycle_stage,
        states.previous_movement,
        states.previous_recency_days,
        states.previous_monetary_amount
    from states
    inner join as_of_dates on states.as_of_date = as_of_dates.as_of_date
    left join value_classes on states.value_class = value_classes.value_class
    left join abc_classes on states.abc_class = abc_classes.code
    left join value_levels on states.value_level = value_levels.code
    left join lifecycle_stages on states.lifecycle_stage = lifecycle_stages.code
    left join movements on states.movement = movements.code
    left join ecommerce_stages on states.ecommerce_stage = ecommerce_stages.code
    left join consultative_stages on states.consultative_stage = consultative_stages.code
    left join relationships on states.relationship = relationships.code
)

select * from labelled
