with

critical_customers as (
    select * from {{ ref('int_criticality') }}
),

turning_points as (
    select * from {{ ref('int_turning_points_explained') }}
    where is_current
),

states as (
    select * from {{ ref('customer_states') }}
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

directions as {{ labels_of('direction') }},

most_urgent as (
    select * from turning_points
    where urgency_rank = 1
),

-- most customers have one reason alone, and joining texts is dear
further_reasons as (
    select
        customer_id,
        {{ ordered_listagg('reason_en', ' | ', 'urgency_rank') }} as reasons_en,
        {{ ordered_listagg('reason_zh', ' | ', 'urgency_rank') }} as reasons_zh
    from turning_points
    where urgency_rank > 1
    group by customer_id
),

listed as (
    select
        critical_customers.criticality_rank,
        critical_customers.customer_id,
        critical_customers.as_of_date,
        known_customers.masked_name,
        known_customers.relationship_manager_id,
        states.is_registered,
        critical_customers.criticality,
        critical_customers.value_at_stake_amount,
        '{{ var("base_currency") }}' as currency,
        critical_customers.value_percentile,
        -- why
        critical_customers.turning_point_count,
        most_urgent.turning_point_type as most_urgent_type,
        most_urgent.turning_point_type_sort as most_urgent_type_sort,
        most_urgent.turning_point_type_en as most_urgent_type_en,
        most_urgent.turning_point_type_zh as most_urgent_type_zh,
        most_urgent.direction,
        directions.label_en as direction_en,
        directions.label_zh as direction_zh,
        most_urgent.strength,
        most_urgent.started_on,
        most_urgent.reason_en,
        most_urgent.reason_zh,
        most_urgent.reason_en || coalesce(' | ' || further_reasons.reasons_en, '') as reasons_en,
        most_urgent.reason_zh || coalesce(' | ' || further_reasons.reasons_zh, '') as reasons_zh,
        -- what to do
        most_urgent.strategy_code,
        type_strategies.next_step_en,
        type_strategies.next_step_zh,
        type_strategies.channel as next_channel,
        type_strategies.channel_en as next_channel_en,
        type_strategies.channel_zh as next_channel_zh,
        type_strategies.offer_en,
        type_strategies.offer_zh,
        type_strategies.within_days as act_within_days,
        {{ add_days('critical_customers.as_of_date', 'type_strategies.within_days') }} as act_by_date,
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
    from critical_customers
    inner join most_urgent on critical_customers.customer_id = most_urgent.customer_id
    left join further_reasons on critical_customers.customer_id = further_reasons.customer_id
    inner join states on critical_customers.customer_id = states.customer_id
    inner join known_customers on critical_customers.customer_id = known_customers.customer_id
    left join value_classes on states.value_class = value_classes.value_class
    left join strategies as type_strategies on most_urgent.strategy_code = type_strategies.strategy_code
    left join strategies as class_strategies on value_classes.strategy_code = class_strategies.strategy_code
    left join directions on most_urgent.direction = directions.code
)

select * from listed
