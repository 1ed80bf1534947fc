{{ config(materialized='by_as_of_date') }}

-- The hub: the state of everyone known on an as-of date, beside the state on the date before (null where they were not known).
-- A date before that is not built now is compared as it is stored: an open date with what a frozen one reported.
with

states as (
    select * from {{ ref('int_topics_joined') }}
    {{ only_dates_to_build() }}
),

previous_states as (
    select
        customer_id,
        as_of_date,
        value_class,
        value_class_rank,
        lifecycle_stage,
        movement,
        recency_days,
        monetary_amount
    from {{ ref('int_topics_joined') }}
    {{ only_dates_before() }}

    union all

    select
        customer_id,
        as_of_date,
        value_class,
        value_class_rank,
        lifecycle_stage,
        movement,
        recency_days,
        monetary_amount
    from {{ stored_dates_before(like=ref('int_topics_joined')) }}
),

with_previous as (
    select
        states.*,
        previous_states.value_class as previous_value_class,
        previous_states.value_class_rank as previous_value_class_rank,
        previous_states.lifecycle_stage as previous_lifecycle_stage,
        previous_states.movement as previous_movement,
        previous_states.recency_days as previous_recency_days,
        previous_states.monetary_amount as previous_monetary_amount
    from states
    left join previous_states
        on
            states.customer_id = previous_states.customer_id
            and states.previous_as_of_date = previous_states.as_of_date
)

select * from with_previous
