{# Continuous quantiles of a numeric expression at a list of fractions: an array of doubles, one pass for all. #}
{% macro quantiles(expression, fractions) -%}
    {{ return(adapter.dispatch('quantiles')(expression, fractions)) }}
{%- endmacro %}

{% macro default__quantiles(expression, fractions) -%}
    quantile_cont(cast({{ expression }} as double), [{{ fractions | join(', ') }}])
{%- endmacro %}


{# Counted from 1; null past the end. #}
{% macro array_element(array, position) -%}
    {{ return(adapter.dispatch('array_element')(array, position)) }}
{%- endmacro %}

{% macro default__array_element(array, position) -%}
    {{ array }}[{{ position }}]
{%- endmacro %}
