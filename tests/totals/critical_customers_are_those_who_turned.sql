{#
    Protects the list to act on: on it is each customer with a turning point on the current as-of date and no one else, with
    all of them counted, and the mart customers calls the same ones critical.
    A customer who drops out of a join on the way would not be called, and nobody would know.
#}
with

turned as (
    select
        turning_points.customer_id,
        count(*) as turning_point_count
    from {{ ref('turning_points') }} as turning_points
    where turning_points.is_current
    group by turning_points.customer_id
),

listed as (
    select
        customer_id,
        turning_point_count
    from {{ ref('critical_customers') }}
),

called_critical as (
    select customer_id
    from {{ ref('customers') }}
    where is_critical
),

failures as (
    select
        coalesce(turned.customer_id, listed.customer_id, called_critical.customer_id) as customer_id,
        turned.turning_point_count as found_count,
        listed.turning_point_count as listed_count,
        called_critical.customer_id is not null as is_critical
    from turned
    full outer join listed on turned.customer_id = listed.customer_id
    full outer join called_critical on coalesce(turned.customer_id, listed.customer_id) = called_critical.customer_id
    where
        turned.turning_point_count is distinct from listed.turning_point_count
        or called_critical.customer_id is null
)

select * from failures
