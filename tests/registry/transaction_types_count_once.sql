{#
    Protects the meaning of a transaction type: it is a purchase, a return or neither, and there is at least one purchase.
    A type that is both would add to what was bought and to what was brought back; without any purchase everyone would be
    a customer who never bought.
#}
{%- set sentences %}
with

transaction_types as (
    select * from {{ ref('transaction_types') }}
),

purchase_types as (
    select count(*) as type_count
    from transaction_types
    where is_purchase
),

sentences as (
    select concat(
        'The seed transaction_types says of ', transaction_types.transaction_type, ' that it is a purchase and a return. Let it be ',
        'one of them in seeds/transaction_types.csv.'
    ) as sentence
    from transaction_types
    where transaction_types.is_purchase and transaction_types.is_return

    union all

    select
        'The seed transaction_types has no type that is a purchase. Set is_purchase for what counts in seeds/transaction_types.csv.'
            as sentence
    from purchase_types
    where purchase_types.type_count = 0
)

select sentence from sentences
order by sentence
{%- endset -%}

{{ stop_with_message(sentences) }}
