with

outdated_dates as (
    select * from {{ ref('as_of_dates') }}
    {{ only_outdated() }}
),

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
        of_all_types.customer_id,
        of_all_types.as_of_date,
        of_all_types.turning_point_type,
        of_all_types.observed_value,
        of_all_types.reference_value,
        of_all_types.strength,
        of_all_types.started_on
    from of_all_types
    inner join outdated_dates on of_all_types.as_of_date = outdated_dates.as_of_date
)

select * from turning_points
