{# The continuous quantile of a numeric expression, a double. #}
{% macro quantile(expression, fraction) -%}
    percentile_cont({{ fraction }}) within group (order by cast({{ expression }} as {{ double_type() }}))
{%- endmacro %}

{# Several quantiles at once, as a list: an engine sorts the values once for all of them. list_element() takes one out. #}
{% macro quantile_list(expression, fractions) -%}
    {{ return(adapter.dispatch('quantile_list')('cast(' ~ expression ~ ' as ' ~ double_type() ~ ')', fractions | list)) }}
{%- endmacro %}
{% macro default__quantile_list(expression, fractions) -%} quantile_cont({{ expression }}, {{ fractions }}) {%- endmacro %}
{% macro postgres__quantile_list(expression, fractions) -%}
    percentile_cont(array{{ fractions }}) within group (order by {{ expression }})
{%- endmacro %}
{% macro spark__quantile_list(expression, fractions) -%}
    percentile({{ expression }}, array({{ fractions | join(', ') }}))
{%- endmacro %}

{# An element of a list, counted from 1. #}
{% macro list_element(list, number) -%} {{ return(adapter.dispatch('list_element')(list, number)) }} {%- endmacro %}
{% macro default__list_element(list, number) -%} ({{ list }})[{{ number }}] {%- endmacro %}
{% macro spark__list_element(list, number) -%} element_at({{ list }}, {{ number }}) {%- endmacro %}

{# The share that lies below the top share, without the noise of a floating-point difference. #}
{% macro share_below(top_share) -%} {{ return((1 - top_share) | round(10)) }} {%- endmacro %}

{# The smallest value that at least this share of the values does not exceed. #}
{% macro discrete_quantile(expression, fraction) -%}
    percentile_disc({{ fraction }}) within group (order by {{ expression }})
{%- endmacro %}

{# An eight-byte float; dbt's own type_float is four bytes on some engines. #}
{% macro double_type() -%} {{ return(adapter.dispatch('double_type')()) }} {%- endmacro %}
{% macro default__double_type() -%} double {%- endmacro %}
{% macro postgres__double_type() -%} double precision {%- endmacro %}

{# A mean as a double, from an exact sum: the same on every engine, in any row order. #}
{% macro average(expression) -%} {{ ratio('sum(' ~ expression ~ ')', 'count(' ~ expression ~ ')') }} {%- endmacro %}

{# A quotient as a double, null where the divisor is 0. #}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as {{ double_type() }}) / nullif(cast({{ denominator }} as {{ double_type() }}), 0)
{%- endmacro %}
