{{ config(materialized='view') }}

with

turning_points as (
    select * from {{ ref('int_turning_points_explained') }}
),

directions as {{ labels_of('direction') }},

senses as {{ labels_of('perspective') }},

labelled as (
    select
        turning_points.customer_id,
        turning_points.as_of_date,
        turning_points.is_current,
        turning_points.turning_point_type,
        turning_points.turning_point_type_sort,
        turning_points.turning_point_type_en,
        turning_points.turning_point_type_zh,
        turning_points.direction,
        directions.label_en as direction_en,
        directions.label_zh as direction_zh,
        turning_points.perspective,
        senses.label_en as perspective_en,
        senses.label_zh as perspective_zh,
        turning_points.observed_value,
        turning_points.reference_value,
        turning_points.strength,
        turning_points.urgency,
        cast(turning_points.urgency_rank as integer) as urgency_rank,
        turning_points.started_on,
        turning_points.reason_en,
        turning_points.reason_zh,
        turning_points.cooldown_days
    from turning_points
    left join directions on turning_points.direction = directions.code
    left join senses on turning_points.perspective = senses.code
)

select * from labelled
