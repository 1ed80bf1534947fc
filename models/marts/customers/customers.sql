with

states as (
    select * from {{ ref('int_customer_states_labelled') }}
    where is_current
),

known_customers as (
    select * from {{ ref('known_customers') }}
),

current_engagement as (
    select * from {{ ref('int_current_engagement') }}
),

criticality as (
    select * from {{ ref('int_criticality') }}
),

customers as (
    select
        states.customer_id,
        states.as_of_date,
        known_customers.masked_name,
        states.is_registered,
        known_customers.registered_date,
        known_customers.birth_decade,
        known_customers.gender,
        known_customers.city,
        known_customers.acquisition_channel,
        known_customers.relationship_manager_id,
        states.known_since_date,
        states.first_purchase_date,
        states.last_purchase_date,
        states.recency_days,
        states.frequency_count,
        states.monetary_amount,
        states.purchase_day_count,
        states.lifetime_net_amount,
        states.profit_amount,
        states.usual_gap_days,
        states.recency_score,
        states.frequency_score,
        states.monetary_score,
        states.value_class,
        states.value_class_rank,
        states.value_class_en,
        states.value_class_zh,
        states.previous_value_class,
        states.abc_class,
        states.value_level,
        states.lifecycle_stage,
        states.lifecycle_stage_sort,
        states.lifecycle_stage_en,
        states.lifecycle_stage_zh,
        states.lifecycle_stage_since_date,
        states.movement,
        states.movement_en,
        states.movement_zh,
        states.ecommerce_stage,
        states.consultative_stage,
        states.relationship,
        states.last_interaction_date,
        coalesce(current_engagement.interaction_count, 0) as interaction_count,
        coalesce(current_engagement.feedback_count, 0) as feedback_count,
        coalesce(current_engagement.complaint_count, 0) as complaint_count,
        states.open_complaint_date,
        coalesce(current_engagement.mention_count, 0) as mention_count,
        coalesce(current_engagement.negative_mention_count, 0) as negative_mention_count,
        criticality.customer_id is not null as is_critical,
        criticality.criticality,
        criticality.value_at_stake_amount
    from states
    inner join known_customers on states.customer_id = known_customers.customer_id
    left join current_engagement on states.customer_id = current_engagement.customer_id
    left join criticality on states.customer_id = criticality.customer_id
)

select * from customers
