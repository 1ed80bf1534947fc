{# A sum of money as money; no rows are 0. condition: what a row must meet to count; none = every row. #}
{% macro sum_amount(expression, condition=none) -%}
    cast(coalesce(sum({{ expression }}){{ only_where(condition) }}, 0) as {{ amount_type() }})
{%- endmacro %}


{# A sum of counts as an integer; no rows are 0. #}
{% macro sum_count(expression, condition=none) -%}
    cast(coalesce(sum({{ expression }}){{ only_where(condition) }}, 0) as integer)
{%- endmacro %}


{% macro only_where(condition) -%}
    {%- if condition %} filter (where {{ condition }}){% endif -%}
{%- endmacro %}


{#
    Whether a day lies in the window of so many days that ends so many days before the as-of date:
    last_days('d', 'a', 30) is the as-of date and the 29 days before it. days = none: no beginning.
#}
{% macro last_days(date, as_of_date, days, ending_before=0) -%}
    {%- if days is none -%}
        true
    {%- elif ending_before == 0 -%}
        {{ date }} > {{ add_days(as_of_date, -1 * days) }}
    {%- else -%}
        {{ date }} > {{ add_days(as_of_date, -1 * (days + ending_before)) }}
        and {{ date }} <= {{ add_days(as_of_date, -1 * ending_before) }}
    {%- endif -%}
{%- endmacro %}


{# Half of the RFM window in days; half a year where the window is the lifetime. #}
{% macro half_window_days() -%} {{ return((var('rfm_window_days') or 365) // 2) }} {%- endmacro %}


{# What frequency and monetary are, by the vars, of a relation with the purchases of a state. #}
{% macro frequency_count(relation) -%}
    {{ relation }}.{{ 'order_count' if var('rfm_frequency_unit') == 'orders' else 'window_purchase_day_count' }}
{%- endmacro %}

{% macro monetary_amount(relation) -%}
    {{ relation }}.{{ 'gross_amount' if var('rfm_monetary_basis') == 'gross' else 'net_amount' }}
{%- endmacro %}
