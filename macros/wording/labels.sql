{# The codes of one column and their labels. #}
{% macro labels_of(column_name) -%}
    (select code, sort_order, label_en, label_zh from {{ ref('labels') }} where column_name = '{{ column_name }}')
{%- endmacro %}
