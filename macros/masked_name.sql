{# A name of which only the first character is shown: enough to recognise a customer, too little to find one. #}
{% macro masked_name(name) -%}
    case when {{ name }} is not null then concat(substring({{ name }}, 1, 1), '**') end
{%- endmacro %}
