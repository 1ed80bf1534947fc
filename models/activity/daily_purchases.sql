with

transactions as (
    select * from {{ ref('stg_transactions') }}
    where
        (is_purchase or is_return)
        and {{ is_fact_row() }}
        and {{ is_touched_day(ref('stg_transactions')) }}
),

-- a row that was corrected away leaves a day of zeros, so that replacing whole days loses nothing
purchases_by_day as (
    select
        customer_id,
        activity_date,
        cast(count(*) filter (where record_status = 'accepted' and is_purchase) as integer) as purchase_count,
        -- a purchase without an order is an order of its own
        cast(
            {{ count_of_different('order_id', "record_status = 'accepted' and is_purchase") }}
            + count(*) filter (where record_status = 'accepted' and is_purchase and order_id is null) as integer
        ) as order_count,
        cast(count(*) filter (where record_status = 'accepted' and is_return) as integer) as return_count,
        {{ sum_amount("amount", "record_status = 'accepted' and is_purchase") }} as gross_amount,
        {{ sum_amount("amount", "record_status = 'accepted' and is_return") }} as returned_amount,
        {{ sum_amount("case when is_purchase then amount else -amount end", "record_status = 'accepted'") }}
            as net_amount,
        -- null where no profit was given, which is not a profit of nothing
        {{ to_amount("sum(profit_amount) filter (where record_status = 'accepted')") }} as profit_amount,
        max(settled_at) as settled_at
    from transactions
    group by customer_id, activity_date
)

select * from purchases_by_day
