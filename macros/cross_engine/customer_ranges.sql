{#
    A statement over many customers slows down once they no longer fit into memory and caches; over one range of them after
    the other it does not. Only where tables keep a range of customers together, so that a range costs no look at the rest.
#}

{# Conditions on customer_id, so many or fewer, under each of which about as many customers fall; together they are everyone. #}
{% macro customer_ranges(count) -%}
    {{ return(adapter.dispatch('customer_ranges')(count)) }}
{%- endmacro %}

{% macro default__customer_ranges(count) -%} {{ return(['true']) }} {%- endmacro %}

{% macro duckdb__customer_ranges(count) -%}
    {%- if not execute or count == 1 -%} {{ return(['true']) }} {%- endif -%}
    {%- set shares = [] -%}
    {%- for number in range(1, count) -%} {%- do shares.append(number / count) -%} {%- endfor -%}
    {%- set conditions, lower = [], ['true'] -%}
    {%- for first_of_range in run_query(
        'select distinct unnest(quantile_disc(customer_id, ' ~ shares ~ ')) as first_of_range from ' ~ ref('known_customers')
        ~ ' order by first_of_range'
    ).columns[0].values() if first_of_range is not none -%}
        {%- set text = dbt.string_literal(dbt.escape_single_quotes(first_of_range)) -%}
        {%- do conditions.append(lower[-1] ~ ' and customer_id < ' ~ text) -%}
        {%- do lower.append('customer_id >= ' ~ text) -%}
    {%- endfor -%}
    {{ return(conditions + [lower[-1]]) }}
{%- endmacro %}

{#
    What a table built by as-of date says where a statement may take one range of customers: here, everyone. Ranges are cut
    from the known customers, which must be there before.
#}
{% macro any_customer() -%}
    {%- do ref('known_customers') -%}
    customer_id >= ''
{%- endmacro %}
