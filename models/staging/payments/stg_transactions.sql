{{ config(unique_key='transaction_id') }}

with

{{ loaded_versions('raw_transactions', ref('base_transactions'), 'transaction_id') }},

transaction_types as (
    select * from {{ ref('transaction_types') }}
),

transaction_statuses as (
    select * from {{ ref('transaction_statuses') }}
),

exchange_rates as (
    select * from {{ ref('stg_exchange_rates') }}
),

typed as {{ not_materialized() }} (
    select
        raw_transactions.*,
        {{ clean_text('raw_transactions.customer_id') }} as customer_key,
        {{ try_timestamp('raw_transactions.occurred_at') }} as occurred_at_utc,
        {{ business_date(try_timestamp('raw_transactions.occurred_at')) }} as activity_date,
        {{ try_amount('raw_transactions.amount') }} as row_amount,
        {{ try_amount('raw_transactions.profit_amount') }} as row_profit_amount,
        {{ clean_code('raw_transactions.transaction_type') }} as type_code,
        coalesce({{ clean_code('raw_transactions.status') }}, 'completed') as status_code,
        coalesce(upper({{ clean_text('raw_transactions.currency') }}), '{{ var("base_currency") }}') as currency_code
    from raw_transactions
),

validated as {{ not_materialized() }} (
    select
        typed.*,
        transaction_types.is_purchase and transaction_statuses.is_counted as is_counted_purchase,
        transaction_types.is_return and transaction_statuses.is_counted as is_counted_return,
        exchange_rates.rate_to_base,
        case
            {{ common_faults('typed') }}
            when typed.row_amount is null then 'invalid_amount'
            when typed.row_profit_amount is null and {{ clean_text('typed.profit_amount') }} is not null
                then 'invalid_amount'
            when abs(typed.row_amount) > {{ var('largest_valid_amount') }} then 'amount_out_of_range'
            when typed.row_amount < 0 and not {{ var('negative_amount_is_return') }} then 'negative_amount'
            when transaction_types.transaction_type is null then 'unknown_type'
            when transaction_statuses.transaction_status is null then 'unknown_status'
            when exchange_rates.currency is null then 'unknown_currency'
        end as fault_code
    from typed
    left join transaction_types on typed.type_code = transaction_types.transaction_type
    left join transaction_statuses on typed.status_code = transaction_statuses.transaction_status
    left join exchange_rates
        on
            typed.currency_code = exchange_rates.currency
            and typed.activity_date >= exchange_rates.valid_from_date
            and typed.activity_date < exchange_rates.valid_before_date
),

{{ resolve_versions('validated', 'transactions') }},

-- amounts are positive and in base currency; where a negative purchase is allowed at all, it is a return
staged as (
    select
        record_key as transaction_id,
        customer_key as source_customer_id,
        occurred_at_utc as occurred_at,
        activity_date,
        type_code as transaction_type,
        status_code as transaction_status,
        coalesce(is_counted_purchase and row_amount >= 0, false) as is_purchase,
        coalesce(is_counted_return or (is_counted_purchase and row_amount < 0), false) as is_return,
        {{ to_amount('case when fault_code is null then ' ~ in_base_currency('abs(row_amount)', 'rate_to_base') ~ ' end') }}
            as amount,
        {{ to_amount('case when fault_code is null then ' ~ in_base_currency('row_profit_amount', 'rate_to_base') ~ ' end') }}
            as profit_amount,
        currency_code as currency,
        {{ clean_text('order_id') }} as order_id,
        {{ clean_text('account_id') }} as account_id,
        {{ clean_text('product_code') }} as product_code,
        {{ clean_text('channel') }} as channel,
        record_status,
        reason_code,
        raw_content,
        raw_key,
        loaded_at,
        last_changed_at
    from resolved
)

select * from staged
