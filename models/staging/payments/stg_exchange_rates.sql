{{ config(materialized='view') }}

-- Rates into the base currency, each until the next one of its currency; the base currency itself has the rate 1 for ever.
with

dated_rates as (
    select
        from_currency as currency,
        valid_from_date,
        -- not lead's own default: clients of DuckDB 1.4 cannot open a view that has it
        coalesce(
            lead(valid_from_date) over (
                partition by from_currency
                order by valid_from_date
            ),
            date '9999-12-31'
        ) as valid_before_date,
        cast(rate as decimal(18, 8)) as rate_to_base
    from {{ ref('exchange_rates') }}
    where to_currency = '{{ var("base_currency") }}'
),

rates as (
    select * from dated_rates

    union all

    select
        '{{ var("base_currency") }}' as currency,
        date '0001-01-01' as valid_from_date,
        date '9999-12-31' as valid_before_date,
        cast(1 as decimal(18, 8)) as rate_to_base
)

select * from rates
