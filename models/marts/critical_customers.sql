with

critical_customers as (
    select * from {{ ref('int_critical_customers_scored') }}
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

-- ranked before the rest is joined, so that the window carries three columns and not fifty
ranked as (
    select
        customer_id,
        cast(
            row_number() over (
                order by
                    criticality desc,
                    value_at_stake_amount desc nulls last,
                    {{ in_byte_order('customer_id') }} asc
            ) as bigint
        ) as criticality_rank
    from critical_customers
),

listed as (
    select
        ranked.criticality_rank,
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
        critical_customers.most_urgent_type,
        critical_customers.most_urgent_type_sort,
        critical_customers.most_urgent_type_en,
        critical_customers.most_urgent_type_zh,
        critical_customers.direction,
        directions.label_en as direction_en,
        directions.label_zh as direction_zh,
        critical_customers.strength,
        critical_customers.started_on,
        critical_customers.reason_en,
        critical_customers.reason_zh,
        critical_customers.reasons_en,
        critical_customers.reasons_zh,
        -- what to do
        critical_customers.strategy_code,
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
    inner join ranked on critical_customers.customer_id = ranked.customer_id
    inner join states on critical_customers.customer_id = states.customer_id
    inner join known_customers on critical_customers.customer_id = known_customers.customer_id
    left join value_classes on states.value_class = value_classes.value_class
    left join strategies as type_strategies on critical_customers.strategy_code = type_strategies.strategy_code
    left join strategies as class_strategies on value_classes.strategy_code = class_strategies.strategy_code
    left join directions on critical_customers.direction = directions.code
)

select * from listed
