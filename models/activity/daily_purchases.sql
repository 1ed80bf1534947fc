with

transactions as (
    select * from {{ with_customer_id(ref('stg_transactions')) }} as with_ids
    where
        (is_purchase or is_return)
        and {{ is_fact_row() }}
        and {{ is_of_affected_fact(ref('stg_transactions')) }}
),

-- counting orders by grouping twice leaves an engine free to write down what does not fit into memory
purchases_by_order as (
    select
        customer_id,
        activity_date,
        order_id,
        count(*) filter (where record_status = 'accepted' and is_purchase) as purchase_count,
        count(*) filter (where record_status = 'accepted' and is_return) as return_count,
        {{ sum_amount("amount", "record_status = 'accepted' and is_purchase") }} as gross_amount,
        {{ sum_amount("amount", "record_status = 'accepted' and is_return") }} as returned_amount,
        {{ to_amount("sum(profit_amount) filter (where record_status = 'accepted')") }} as profit_amount,
        max(last_changed_at) as last_changed_at
    from transactions
    group by customer_id, activity_date, order_id
),

-- a row that was corrected away leaves a day of zeros, so that replacing a customer's day loses nothing
purchases_by_day as (
    select
        customer_id,
        activity_date,
        cast(sum(purchase_count) as integer) as purchase_count,
        -- a purchase without an order is an order of its own
        cast(
            count(order_id) filter (where purchase_count > 0)
            + coalesce(sum(purchase_count) filter (where order_id is null), 0) as integer
        ) as order_count,
        cast(sum(return_count) as integer) as return_count,
        {{ sum_amount("gross_amount") }} as gross_amount,
        {{ sum_amount("returned_amount") }} as returned_amount,
        {{ sum_amount("gross_amount - returned_amount") }} as net_amount,
        -- null where no profit was given, which is not a profit of nothing
        {{ to_amount("sum(profit_amount)") }} as profit_amount,
        max(last_changed_at) as last_changed_at
    from purchases_by_order
    group by customer_id, activity_date
)

select * from purchases_by_day
{{ stored_in_order('customer_id, activity_date') }}
