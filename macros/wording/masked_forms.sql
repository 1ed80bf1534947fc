{# A name of which only the first character is shown: enough to recognise a customer, too little to find one. #}
{% macro masked_name(name) -%} case when {{ name }} is not null then concat(substring({{ name }}, 1, 1), '**') end {%- endmacro %}

{# The first year of a date's decade: 1980 for a birth in 1987. #}
{% macro decade(date) -%} cast(floor(extract(year from {{ date }}) / 10.0) * 10 as integer) {%- endmacro %}
