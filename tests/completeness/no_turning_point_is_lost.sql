{#
    Protects the reasons: every turning point that a type found has its sentence, its weight and its row in the mart.
    A type, unit or value class that is missing from its seed would drop turning points without a sound, and the customer
    from the list with them.
#}
with

found as (
    select
        as_of_date,
        turning_point_type,
        count(*) as row_count
    from {{ ref('int_turning_points_unioned') }}
    group by as_of_date, turning_point_type
),

stored as (
    select
        as_of_date,
        turning_point_type,
        count(*) as row_count
    from {{ ref('turning_points') }}
    group by as_of_date, turning_point_type
),

failures as (
    select
        coalesce(found.as_of_date, stored.as_of_date) as as_of_date,
        coalesce(found.turning_point_type, stored.turning_point_type) as turning_point_type,
        found.row_count as found_count,
        stored.row_count as stored_count
    from found
    full outer join stored
        on
            found.as_of_date = stored.as_of_date
            and found.turning_point_type = stored.turning_point_type
    where found.row_count is distinct from stored.row_count
)

select * from failures
