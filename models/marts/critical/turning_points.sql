{{ config(materialized='view') }}

with

turning_points as (
    select * from {{ ref('int_turning_points_explained') }}
),

in_words as (
    select
        customer_id,
        as_of_date,
        is_current,
        turning_point_type,
        turning_point_type_sort,
        turning_point_type_en,
        turning_point_type_zh,
        direction,
        direction_en,
        direction_zh,
        perspective,
        perspective_en,
        perspective_zh,
        observed_value,
        reference_value,
        strength,
        urgency,
        cast(urgency_rank as integer) as urgency_rank,
        started_on,
        reason_en,
        reason_zh,
        cooldown_days
    from turning_points
)

select * from in_words
