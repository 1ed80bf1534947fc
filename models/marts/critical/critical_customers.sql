with

criticality as (
    select * from {{ ref('int_criticality') }}
),

reasons as (
    select * from {{ ref('int_reasons') }}
),

states as (
    select * from {{ ref('int_customer_states_labelled') }}
    where is_current
),

known_customers as (
    select * from {{ ref('known_customers') }}
),

strategies as (
    select * from {{ ref('strategies') }}
),

value_classes as (
    select * from {{ ref('value_classes') }}
),

listed as (
    select
        criticality.criticality_rank,
        criticality.customer_id,
        criticality.as_of_date,
        known_customers.masked_name,
        known_customers.relationship_manager_id,
        states.is_registered,
        criticality.criticality,
        criticality.value_at_stake_amount,
        '{{ var("base_currency") }}' as currency,
        criticality.value_percentile,
        -- why
        criticality.turning_point_count,
        reasons.turning_point_type as most_urgent_type,
        reasons.turning_point_type_sort as most_urgent_type_sort,
        reasons.turning_point_type_en as most_urgent_type_en,
        reasons.turning_point_type_zh as most_urgent_type_zh,
        reasons.direction,
        reasons.direction_en,
        reasons.direction_zh,
        reasons.strength,
        reasons.started_on,
        reasons.reason_en,
        reasons.reason_zh,
        reasons.reasons_en,
        reasons.reasons_zh,
        -- what to do
        reasons.strategy_code,
        type_strategies.next_step_en,
        type_strategies.next_step_zh,
        type_strategies.channel as next_channel,
        type_strategies.channel_en as next_channel_en,
        type_strategies.channel_zh as next_channel_zh,
        type_strategies.offer_en,
        type_strategies.offer_zh,
        type_strategies.within_days as act_within_days,
        {{ add_days('criticality.as_of_date', 'type_strategies.within_days') }} as act_by_date,
        class_strategies.next_step_en as class_next_step_en,
        class_strategies.next_step_zh as class_next_step_zh,
        -- who
        states.value_class,
        states.value_class_rank,
        states.value_class_en,
        states.value_class_zh,
        states.lifecycle_stage,
        states.lifecycle_stage_sort,
        states.lifecycle_stage_en,
        states.lifecycle_stage_zh,
        states.movement,
        states.movement_sort,
        states.movement_en,
        states.movement_zh,
        states.last_purchase_date,
        states.recency_days,
        states.frequency_count,
        states.monetary_amount,
        states.lifetime_net_amount
    from criticality
    inner join reasons on criticality.customer_id = reasons.customer_id
    inner join states on criticality.customer_id = states.customer_id
    inner join known_customers on criticality.customer_id = known_customers.customer_id
    left join value_classes on states.value_class = value_classes.value_class
    left join strategies as type_strategies on reasons.strategy_code = type_strategies.strategy_code
    left join strategies as class_strategies on value_classes.strategy_code = class_strategies.strategy_code
)

select * from listed
