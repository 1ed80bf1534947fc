{{ config(materialized='by_as_of_date') }}

with

-- a model per row of the seed turning_point_types, all with the same columns; a test compares the two
of_all_types as (
    select * from {{ ref('complained_while_valuable') }}
    union all
    select * from {{ ref('slipping') }}
    union all
    select * from {{ ref('value_drop') }}
    union all
    select * from {{ ref('dormant_high_value') }}
    union all
    select * from {{ ref('class_fell') }}
    union all
    select * from {{ ref('engagement_faded') }}
    union all
    select * from {{ ref('came_back') }}
    union all
    select * from {{ ref('second_purchase_window') }}
    union all
    select * from {{ ref('engagement_surge') }}
    union all
    select * from {{ ref('class_rose') }}
    union all
    select * from {{ ref('shallow_recent') }}
),

turning_points as (
    select
        customer_id,
        as_of_date,
        turning_point_type,
        observed_value,
        reference_value,
        strength,
        started_on
    from of_all_types
    {{ only_dates_to_build() }}
)

select * from turning_points
