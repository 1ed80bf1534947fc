-- The customer whom a source id belongs to, where that is not the source id itself. Today each source id is its own
-- customer, so there is no row; joining several ids into one customer changes this model alone.
with

customer_ids as (
    select
        cast(null as {{ dbt.type_string() }}) as source_customer_id,
        cast(null as {{ dbt.type_string() }}) as customer_id
    where 1 = 0
)

select * from customer_ids
