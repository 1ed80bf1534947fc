{# A staged relation with customer_id beside source_customer_id, the id that the source wrote (identity/int_customer_ids). #}
{% macro with_customer_id(staged) -%}
    (
        select
            staged.*,
            coalesce(customer_ids.customer_id, staged.source_customer_id) as customer_id
        from {{ staged }} as staged
        left join {{ ref('int_customer_ids') }} as customer_ids
            on staged.source_customer_id = customer_ids.source_customer_id
    )
{%- endmacro %}
