{# The texts of a group in one, in an order. dbt's own listagg has no order on Spark. #}
{% macro ordered_listagg(expression, separator, order_by) -%}
    {{ return(adapter.dispatch('ordered_listagg')(expression, separator, order_by)) }}
{%- endmacro %}
{% macro default__ordered_listagg(expression, separator, order_by) -%}
    string_agg({{ expression }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}
{% macro spark__ordered_listagg(expression, separator, order_by) -%}
    listagg({{ expression }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}
