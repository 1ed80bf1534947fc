with

states as (
    select * from {{ ref('customer_states') }}
    where is_current
),

known_customers as (
    select * from {{ ref('known_customers') }}
),

interactions as (
    select * from {{ ref('daily_interactions') }}
),

feedback as (
    select * from {{ ref('daily_feedback') }}
),

mentions as (
    select * from {{ ref('daily_mentions') }}
),

critical_customers as (
    select * from {{ ref('critical_customers') }}
),

current_day as (
    select as_of_date
    from {{ ref('as_of_dates') }}
    where is_current
),

interaction_totals as (
    select
        interactions.customer_id,
        cast(sum(interactions.interaction_count) as bigint) as interaction_count
    from interactions
    cross join current_day
    where
        {{ last_days('interactions.activity_date', 'current_day.as_of_date', 365) }}
        and interactions.activity_date <= current_day.as_of_date
    group by interactions.customer_id
),

feedback_totals as (
    select
        feedback.customer_id,
        cast(sum(feedback.feedback_count) as bigint) as feedback_count,
        cast(sum(feedback.complaint_count) as bigint) as complaint_count
    from feedback
    cross join current_day
    where feedback.activity_date <= current_day.as_of_date
    group by feedback.customer_id
),

mention_totals as (
    select
        mentions.customer_id,
        cast(sum(mentions.mention_count) as bigint) as mention_count,
        cast(sum(mentions.negative_mention_count) as bigint) as negative_mention_count
    from mentions
    cross join current_day
    where mentions.activity_date <= current_day.as_of_date
    group by mentions.customer_id
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
        coalesce(interaction_totals.interaction_count, 0) as interaction_count,
        coalesce(feedback_totals.feedback_count, 0) as feedback_count,
        coalesce(feedback_totals.complaint_count, 0) as complaint_count,
        states.open_complaint_date,
        coalesce(mention_totals.mention_count, 0) as mention_count,
        coalesce(mention_totals.negative_mention_count, 0) as negative_mention_count,
        critical_customers.customer_id is not null as is_critical,
        critical_customers.criticality,
        critical_customers.value_at_stake_amount
    from states
    inner join known_customers on states.customer_id = known_customers.customer_id
    left join interaction_totals on states.customer_id = interaction_totals.customer_id
    left join feedback_totals on states.customer_id = feedback_totals.customer_id
    left join mention_totals on states.customer_id = mention_totals.customer_id
    left join critical_customers on states.customer_id = critical_customers.customer_id
)

select * from customers
