{#
    How many different values an expression has among the rows of a small group that meet a condition, nulls apart: made
    for many groups of few rows, such as the orders of a customer on a day.
#}
{% macro count_of_different(expression, condition) -%}
    {{ return(adapter.dispatch('count_of_different')(expression, condition)) }}
{%- endmacro %}

{% macro default__count_of_different(expression, condition) -%}
    count(distinct {{ expression }}) filter (where {{ condition }})
{%- endmacro %}

{# DuckDB works a distinct count out on one thread. #}
{% macro duckdb__count_of_different(expression, condition) -%}
    coalesce(list_unique(list({{ expression }}) filter (where {{ condition }})), 0)
{%- endmacro %}
