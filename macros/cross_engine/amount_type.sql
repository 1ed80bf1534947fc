{# Money: four decimals, as invoice lines have prices of a tenth of a penny. Sums are cast back to it. #}
{% macro amount_type() -%} decimal(18, 4) {%- endmacro %}

{% macro to_amount(expression) -%} cast({{ expression }} as {{ amount_type() }}) {%- endmacro %}


{#
    An amount at a rate. The product has twelve decimals, so it needs room before it is money again; at a rate of one,
    which most rows have, the product is spared.
#}
{% macro in_base_currency(amount, rate) -%}
    case when {{ rate }} = 1 then {{ amount }} else {{ to_amount('cast(' ~ amount ~ ' as decimal(28, 4)) * ' ~ rate) }} end
{%- endmacro %}
