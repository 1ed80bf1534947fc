{{ config(materialized='view') }}

with

exchange_rates as (
    select * from {{ ref('exchange_rates') }}
    where to_currency = '{{ var("base_currency") }}'
),

-- a rate holds until the next one of its currency
dated_rates as (
    select
        from_currency as currency,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by from_currency
            order by valid_from_date
        ) as valid_before_date,
        rate as rate_to_base
    from exchange_rates
),

base_rate as (
    select
        '{{ var("base_currency") }}' as currency,
        date '0001-01-01' as valid_from_date,
        date '9999-12-31' as valid_before_date,
        1.0 as rate_to_base
),

all_rates as (
    select * from dated_rates
    union all
    select * from base_rate
),

typed_rates as (
    select
        currency,
        valid_from_date,
        valid_before_date,
        cast(rate_to_base as decimal(18, 8)) as rate_to_base
    from all_rates
)

select * from typed_rates
