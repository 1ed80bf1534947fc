{# Money: four decimals, as invoice lines have prices of a tenth of a penny. Sums are cast back to it. #}
{% macro amount_type() -%} decimal(18, 4) {%- endmacro %}

{% macro to_amount(expression) -%} cast({{ expression }} as {{ amount_type() }}) {%- endmacro %}
