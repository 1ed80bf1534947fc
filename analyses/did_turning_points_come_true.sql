-- Of those who stood at a risk three month-ends ago: how many have churned since, beside everyone who was active then?
-- Of those at an opportunity: how many have bought since?

with

as_of_dates as (
    select
        as_of_date,
        row_number() over (order by as_of_date desc) as dates_back
    from {{ ref('as_of_dates') }}
),

then_and_now as (
    select
        earlier.customer_id,
        earlier.as_of_date,
        earlier.lifecycle_stage = 'churned' as was_churned,
        latest.lifecycle_stage = 'churned' as is_churned,
        latest.last_purchase_date > earlier.as_of_date as has_bought_since
    from {{ ref('customer_states') }} as earlier
    inner join as_of_dates on earlier.as_of_date = as_of_dates.as_of_date
    inner join {{ ref('customer_states') }} as latest
        on
            earlier.customer_id = latest.customer_id
            and latest.is_current
    where as_of_dates.dates_back = 4
),

groups as (
    select
        turning_points.turning_point_type_en as group_name,
        turning_points.direction,
        then_and_now.*
    from then_and_now
    inner join {{ ref('turning_points') }} as turning_points
        on
            then_and_now.customer_id = turning_points.customer_id
            and then_and_now.as_of_date = turning_points.as_of_date

    union all

    select
        'everyone' as group_name,
        'all' as direction,
        then_and_now.*
    from then_and_now
),

outcomes as (
    select
        group_name,
        direction,
        count(*) as customer_count,
        {{ ratio('count(*) filter (where is_churned and not was_churned)', 'count(*) filter (where not was_churned)') }}
            as churned_since_share,
        {{ ratio('count(*) filter (where has_bought_since)', 'count(*)') }} as bought_since_share
    from groups
    group by group_name, direction
)

select * from outcomes
order by direction asc, churned_since_share desc
