{# The texts of a group in one, in an order. dbt's own listagg has no order on Spark. #}
{% macro joined_texts(expression, separator, order_by) -%}
    {{ return(adapter.dispatch('joined_texts')(expression, separator, order_by)) }}
{%- endmacro %}

{% macro default__joined_texts(expression, separator, order_by) -%}
    string_agg({{ expression }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}

{% macro spark__joined_texts(expression, separator, order_by) -%}
    listagg({{ expression }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}
