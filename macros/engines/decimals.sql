{# Money: four decimals, as invoice lines have prices of a tenth of a penny. Sums are cast back to it. #}
{% macro amount_type() -%} decimal(18, 4) {%- endmacro %}

{% macro to_amount(expression) -%} cast({{ expression }} as {{ amount_type() }}) {%- endmacro %}

{% macro amount_or_zero(expression) -%} {{ to_amount("coalesce(" ~ expression ~ ", 0)") }} {%- endmacro %}

{#
    An amount at a rate. The product has twelve decimals, so it needs room before it is money again; at a rate of one,
    which most rows have, the product is spared.
#}
{% macro in_base_currency(amount, rate) -%}
    case when {{ rate }} = 1 then {{ amount }} else {{ to_amount(exact_product(amount, rate)) }} end
{%- endmacro %}

{# An amount times a rate, all twelve decimals of it. #}
{% macro exact_product(amount, rate) -%} {{ return(adapter.dispatch('exact_product')(amount, rate)) }} {%- endmacro %}
{# DuckDB gives a product the digits of its wider side, so that one of them must be wide enough. #}
{% macro default__exact_product(amount, rate) -%} cast({{ amount }} as decimal(28, 4)) * {{ rate }} {%- endmacro %}
{# Spark adds the digits of both, and cuts decimals where there are more than 38. #}
{% macro spark__exact_product(amount, rate) -%} {{ amount }} * {{ rate }} {%- endmacro %}

{# A line (a reference, a cut point, a mean): fine enough for any unit, exact, so that a value equal to it is equal. #}
{% macro threshold_type() -%} decimal(28, 8) {%- endmacro %}

{#
    Rounded half up as a double, which every engine does alike; their casts of a double to a decimal round each in a way of
    its own. What stands before the point and what behind it are whole numbers that a double holds exactly.
#}
{% macro to_threshold(expression) -%}
    {%- set number = 'cast(' ~ expression ~ ' as ' ~ double_type() ~ ')' -%}
    cast(
        cast(floor({{ number }}) as bigint)
        + cast(floor(({{ number }} - floor({{ number }})) * 1e8 + 0.5) as bigint) * cast(0.00000001 as decimal(8, 8))
        as {{ threshold_type() }}
    )
{%- endmacro %}
