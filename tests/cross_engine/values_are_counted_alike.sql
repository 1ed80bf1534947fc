{#
    Protects how many orders a day has: equal values count once, nulls and rows outside of the condition not at all, and a
    group with nothing to count has 0 and not null, which would take the day out of every sum.
#}
with

orders_by_day as (
    select
        'twice' as case_name,
        'a' as order_id,
        true as is_purchase,
        1 as expected
    union all
    select
        'twice' as case_name,
        'a' as order_id,
        true as is_purchase,
        1 as expected
    union all
    select
        'two and a return' as case_name,
        'a' as order_id,
        true as is_purchase,
        2 as expected
    union all
    select
        'two and a return' as case_name,
        'b' as order_id,
        true as is_purchase,
        2 as expected
    union all
    select
        'two and a return' as case_name,
        'c' as order_id,
        false as is_purchase,
        2 as expected
    union all
    select
        'no order' as case_name,
        null as order_id,
        true as is_purchase,
        0 as expected
    union all
    select
        'returns alone' as case_name,
        'a' as order_id,
        false as is_purchase,
        0 as expected
),

counted as (
    select
        case_name,
        {{ count_of_different('order_id', 'is_purchase') }} as found,
        max(expected) as expected
    from orders_by_day
    group by case_name
),

failures as (
    select * from counted
    where found is distinct from expected
)

select * from failures
