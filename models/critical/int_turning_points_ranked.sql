with

turning_points as (
    select * from {{ ref('int_turning_points_unioned') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

turning_point_types as (
    select * from {{ ref('turning_point_types') }}
),

-- equal urgencies stand in the order of the registry
ranked as (
    select
        turning_points.*,
        as_of_dates.is_current,
        turning_point_types.weight * turning_points.strength as urgency,
        -- is_current says nothing that as_of_date does not, but lets an engine leave out other dates before it ranks
        row_number() over (
            partition by turning_points.customer_id, turning_points.as_of_date, as_of_dates.is_current
            order by
                cast(turning_point_types.weight * turning_points.strength as decimal(18, 8)) desc,
                turning_point_types.sort_order
        ) as urgency_rank,
        turning_point_types.stake_basis
    from turning_points
    inner join as_of_dates on turning_points.as_of_date = as_of_dates.as_of_date
    inner join turning_point_types on turning_points.turning_point_type = turning_point_types.turning_point_type
)

select * from ranked
