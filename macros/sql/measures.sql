{# A sum of money as money; no rows are 0. condition: what a row must meet to count; none = every row. #}
{% macro sum_amount(expression, condition=none) -%}
    cast(coalesce(sum({{ expression }}){{ only_where(condition) }}, 0) as {{ amount_type() }})
{%- endmacro %}

{# A sum of counts as an integer; no rows are 0. #}
{% macro sum_count(expression, condition=none) -%}
    cast(coalesce(sum({{ expression }}){{ only_where(condition) }}, 0) as integer)
{%- endmacro %}

{# How many rows have a value of an expression, as an integer. #}
{% macro count_rows(expression='*', condition=none) -%}
    cast(count({{ expression }}){{ only_where(condition) }} as integer)
{%- endmacro %}

{% macro only_where(condition) -%} {%- if condition %} filter (where {{ condition }}){% endif -%} {%- endmacro %}

{# What so many days of the year before brought on average. #}
{% macro usual_of_days(total_of_year, days) -%}
    {{ to_threshold(ratio(total_of_year ~ " * " ~ days, days_of_year() | string)) }}
{%- endmacro %}

{# What frequency and monetary are, by the vars, of a relation with the purchases of a state. #}
{% macro frequency_count(relation) -%}
    {{ relation }}.{{ 'order_count' if var('rfm_frequency_unit') == 'orders' else 'window_purchase_day_count' }}
{%- endmacro %}

{% macro monetary_amount(relation) -%}
    {{ relation }}.{{ 'gross_amount' if var('rfm_monetary_basis') == 'gross' else 'net_amount' }}
{%- endmacro %}

{# All rows of relations with the same columns. #}
{% macro union_all(relations) -%}
    {%- for relation in relations %}
    select * from {{ relation }}
    {{- "\n    union all" if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
